#include "sextant/diffusion/bound.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

Tensor sum_items(const Tensor& x) { return x.to(at::kDouble).flatten(1).sum(1); }

Tensor noisy(const NoiseSchedule& schedule, const Tensor& x, double t, Rng& rng) {
  return schedule.alpha(t) * x + schedule.sigma(t) * rng.normal(x.sizes()).to(x.options());
}

// KL(q(x_s|x_t,x_0) || p(x_s|x_t)) in closed form: equal variances, so it is the squared distance of the means.
Tensor step_kl(const Denoiser& denoiser, const Tensor& x, double t, double s, Rng& rng) {
  const NoiseSchedule& schedule = denoiser.schedule();
  const Tensor x0 = estimate(denoiser, noisy(schedule, x, t, rng), t, true).x0;
  // mean difference = alpha_s beta / sigma_t^2 (x0 - x0^), variance = beta sigma_s^2 / sigma_t^2
  const double beta = -std::expm1(schedule.log_alpha_bar(t) - schedule.log_alpha_bar(s));
  const double weight =
      schedule.alpha_bar(s) * beta / (std::pow(schedule.sigma(t), 2) * std::pow(schedule.sigma(s), 2));
  return 0.5 * weight * sum_items((x - x0).square());
}

Tensor normal_cdf(const Tensor& z) { return 0.5 * at::special_erfc(-z / std::numbers::sqrt2); }

// -log of the mass that N(mean, sigma^2) gives to the grey value's bin; the outer bins reach to infinity.
Tensor discretised_nll(const Tensor& x, const Tensor& mean, double sigma) {
  constexpr double kHalfBin = 1.0 / 255, kEdge = 0.999, kLeast = 1e-12;
  const Tensor centred = (x - mean).to(at::kDouble);
  const Tensor upper = at::where(x > kEdge, 1.0, normal_cdf((centred + kHalfBin) / sigma));
  const Tensor lower = at::where(x < -kEdge, 0.0, normal_cdf((centred - kHalfBin) / sigma));
  return -sum_items((upper - lower).clamp_min(kLeast).log());
}

// Where `count` strata of the steps 2 … T begin, and T + 1. They grow in proportion to the step, as the terms fall
// with it: the first ones hold a single step, so that nothing is left to chance where most nats are lost.
std::vector<int64_t> strata(int64_t count, int64_t T) {
  std::vector<int64_t> first;
  for (int64_t k = 0; k < count; ++k) {
    const double share = static_cast<double>(k) / static_cast<double>(count);
    const auto begin = std::llround(2 * std::pow(static_cast<double>(T + 1) / 2, share));
    first.push_back(first.empty() ? 2 : std::max(first.back() + 1, static_cast<int64_t>(begin)));
  }
  first.push_back(T + 1);
  return first;
}

}  // namespace

BoundTerms variational_bound(const Denoiser& denoiser, const Tensor& x, int64_t draws, Rng& rng) {
  SEXTANT_CHECK(draws >= 0, "[bound] the number of draws must be at least 0; got ", draws);
  const torch::NoGradGuard no_grad;
  const NoiseSchedule& schedule = denoiser.schedule();
  const int64_t T = schedule.steps();
  const auto time = [&](int64_t i) { return static_cast<double>(i) / static_cast<double>(T); };

  BoundTerms terms;
  const double end = schedule.alpha_bar(1);  // x_T ~ N(alpha x, sigma^2)
  terms.prior = 0.5 * sum_items(end * x.to(at::kDouble).square() - end - std::log1p(-end));
  const int64_t evaluated = draws == 0 ? T - 1 : std::min(draws, T - 1);
  terms.chain = torch::zeros({x.size(0)}, x.options().dtype(at::kDouble));
  const std::vector<int64_t> begins = strata(evaluated, T);
  for (size_t k = 0; k + 1 < begins.size(); ++k) {
    const int64_t first = begins[k], last = begins[k + 1];
    const int64_t i = last - first == 1 ? first : rng.integers(first, last, {1}).item<int64_t>();
    terms.chain += static_cast<double>(last - first) * step_kl(denoiser, x, time(i), time(i - 1), rng);
  }
  // The decoder's variance is beta_1, as its beta-tilde is zero.
  const Tensor x0 = estimate(denoiser, noisy(schedule, x, time(1), rng), time(1), true).x0;
  terms.decoder = discretised_nll(x, x0, schedule.sigma(time(1)));
  return terms;
}

}  // namespace sextant
