#include "sextant/math/gaussian.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

namespace sextant {
namespace {

const double kLogTwoPi = std::log(2 * std::numbers::pi);

Tensor sum_items(const Tensor& x) { return x.flatten(1).sum(1); }

}  // namespace

Tensor DiagonalGaussian::sample(Rng& rng) const {
  return mean + (log_variance * 0.5).exp() * rng.normal(mean.sizes()).to(mean.options());
}

Tensor DiagonalGaussian::log_density(const Tensor& z) const {
  return -0.5 * sum_items((z - mean).square() * (-log_variance).exp() + log_variance + kLogTwoPi);
}

Tensor DiagonalGaussian::kl_to_standard_per_unit() const {
  return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance);
}

Tensor DiagonalGaussian::kl_to_standard() const { return sum_items(kl_to_standard_per_unit()); }

Tensor standard_normal_log_density(const Tensor& z) { return -0.5 * sum_items(z.square() + kLogTwoPi); }

Tensor log_mean_exp(const Tensor& x, int64_t dim) {
  return at::logsumexp(x, dim) - std::log(static_cast<double>(x.size(dim)));
}

Tensor gaussian_log_likelihood(const Tensor& x, const Tensor& mean, const Tensor& log_sigma) {
  const Tensor squares = (x - mean).square() * (-2 * log_sigma).exp();
  return -0.5 * sum_items(squares + 2 * log_sigma + kLogTwoPi);
}

}  // namespace sextant
