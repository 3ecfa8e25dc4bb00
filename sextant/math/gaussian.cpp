#include "sextant/math/gaussian.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "sextant/tensor/plain.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

const double kLogTwoPi = std::log(2 * std::numbers::pi);

Tensor sum_items(const Tensor& x) { return x.flatten(1).sum(1); }

constexpr float kMinLogVariance = -30, kMaxLogVariance = 20;

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool is_flat(const Tensor& t) { return is_plain(t) && t.is_contiguous(); }
float* data(const Tensor& t) { return t.data_ptr<float>(); }

// [B,2L] -> mean [B,L] and clamped log-variance [B,L].
class SplitStatistics : public torch::autograd::Function<SplitStatistics> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& statistics) {
    const int64_t items = statistics.size(0), units = statistics.size(1) / 2;
    Tensor mean, log_variance;
    if (is_flat(statistics)) {
      mean = at::empty({items, units}, statistics.options()), log_variance = at::empty_like(mean);
      const float* from = data(statistics);
      float *m = data(mean), *v = data(log_variance);
      for (int64_t b = 0; b < items; ++b, from += 2 * units) {
        m = std::copy_n(from, units, m);
        v = std::transform(from + units, from + 2 * units, v, [](float s) {
          return s < kMinLogVariance ? kMinLogVariance : s > kMaxLogVariance ? kMaxLogVariance : s;  // NaN stays NaN
        });
      }
    } else {
      mean = statistics.narrow(1, 0, units).contiguous();
      log_variance = statistics.narrow(1, units, units).clamp(kMinLogVariance, kMaxLogVariance);
    }
    context->save_for_backward({log_variance});
    return {mean, log_variance};
  }
  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const Tensor log_variance = context->get_saved_variables()[0];
    const auto inside = [](float v) { return v > kMinLogVariance && v < kMaxLogVariance; };
    if (!at::GradMode::is_enabled() && is_flat(log_variance) && is_flat(upstream[0]) && is_flat(upstream[1])) {
      const int64_t items = log_variance.size(0), units = log_variance.size(1);
      const Tensor gradient = at::empty({items, 2 * units}, log_variance.options());
      const float *m = data(upstream[0]), *v = data(upstream[1]), *at = data(log_variance);
      float* out = data(gradient);
      for (int64_t b = 0; b < items; ++b, m += units, v += units, at += units) {
        out = std::copy_n(m, units, out);
        for (int64_t j = 0; j < units; ++j) *out++ = inside(at[j]) ? v[j] : 0.0f;
      }
      return {gradient};
    }
    const Tensor mask = (log_variance > kMinLogVariance) & (log_variance < kMaxLogVariance);
    return {at::cat({upstream[0], upstream[1] * mask}, 1)};
  }
};

// mean + exp(log_variance / 2) * noise.
class Reparameterise : public torch::autograd::Function<Reparameterise> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& mean, const Tensor& log_variance, const Tensor& noise) {
    Tensor scaled_noise = at::empty_like(log_variance);
    const Tensor z = at::empty_like(mean);
    const float *v = data(log_variance), *m = data(mean), *e = data(noise);
    float *s = data(scaled_noise), *out = data(z);
    const int64_t count = mean.numel();
    for (int64_t i = 0; i < count; ++i) s[i] = 0.5f * v[i];
    at::exp_(scaled_noise);  // LibTorch's runs in vectors
    for (int64_t i = 0; i < count; ++i) {
      s[i] *= e[i];
      out[i] = m[i] + s[i];
    }
    context->save_for_backward({log_variance, noise, scaled_noise});
    return z;
  }
  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    if (!at::GradMode::is_enabled() && is_flat(upstream[0])) {
      const Tensor gradient = at::empty_like(saved[0]);
      const float *g = data(upstream[0]), *e = data(saved[2]);
      float* out = data(gradient);
      for (int64_t i = 0, count = gradient.numel(); i < count; ++i) out[i] = 0.5f * g[i] * e[i];
      return {upstream[0], gradient, Tensor()};
    }
    return {upstream[0], upstream[0] * saved[1] * (0.5 * saved[0]).exp() * 0.5, Tensor()};
  }
};

// Sum over units of KL(N(mean, exp(log_variance)) || N(0,1)), added up in double.
class KlToStandard : public torch::autograd::Function<KlToStandard> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& mean, const Tensor& log_variance) {
    const Tensor kl = at::empty({mean.size(0)}, mean.options()), variance = log_variance.exp();
    const int64_t units = mean.size(1);
    const float *m = data(mean), *v = data(log_variance), *s2 = data(variance);
    for (int64_t b = 0; b < mean.size(0); ++b, m += units, v += units, s2 += units) {
      double sum = 0;
      for (int64_t j = 0; j < units; ++j) sum += m[j] * m[j] + s2[j] - 1.0f - v[j];
      data(kl)[b] = static_cast<float>(0.5 * sum);
    }
    context->save_for_backward({mean, log_variance, variance});
    return kl;
  }
  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    if (!at::GradMode::is_enabled()) {
      const Tensor d_mean = at::empty_like(saved[0]), d_log_variance = at::empty_like(saved[1]);
      const Tensor scale = upstream[0].contiguous();
      const int64_t units = saved[0].size(1), count = d_mean.numel();
      const float *m = data(saved[0]), *s2 = data(saved[2]), *g = data(scale);
      float *dm = data(d_mean), *dv = data(d_log_variance);
      for (int64_t i = 0; i < count; ++i) {
        dm[i] = g[i / units] * m[i];
        dv[i] = 0.5f * g[i / units] * (s2[i] - 1.0f);
      }
      return {d_mean, d_log_variance};
    }
    const Tensor g = per_item(upstream[0], saved[0]);
    return {g * saved[0], 0.5 * g * (saved[1].exp() - 1)};
  }
};

}  // namespace

DiagonalGaussian DiagonalGaussian::from_statistics(const Tensor& statistics) {
  SEXTANT_CHECK(statistics.dim() == 2 && statistics.size(1) % 2 == 0,
                "[gaussian] mean and log-variance come as [B,2L]; got ", shape_text(statistics));
  const auto parts = SplitStatistics::apply(statistics);
  return {.mean = parts[0], .log_variance = parts[1]};
}

void DiagonalGaussian::check() const {
  SEXTANT_CHECK(mean.dim() == 2 && mean.sizes() == log_variance.sizes(),
                "[gaussian] mean and log-variance are both [B,L]; got ", shape_text(mean), " and ",
                shape_text(log_variance));
}

Tensor DiagonalGaussian::sample(Rng& rng) const {
  check();
  const Tensor noise = rng.normal(mean.sizes());
  if (is_flat(mean) && is_flat(log_variance)) return Reparameterise::apply(mean, log_variance, noise);
  return mean + (log_variance * 0.5).exp() * noise.to(mean.options());
}

Tensor DiagonalGaussian::log_density(const Tensor& z) const {
  return -0.5 * sum_items((z - mean).square() * (-log_variance).exp() + log_variance + kLogTwoPi);
}

Tensor DiagonalGaussian::kl_to_standard_per_unit() const {
  return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance);
}

Tensor DiagonalGaussian::kl_to_standard() const {
  check();
  if (is_flat(mean) && is_flat(log_variance)) return KlToStandard::apply(mean, log_variance);
  return sum_items(kl_to_standard_per_unit());
}

Tensor standard_normal_log_density(const Tensor& z) { return -0.5 * sum_items(z.square() + kLogTwoPi); }

double bits_per_dim(double nats, int64_t dimensions) {
  return nats / (static_cast<double>(dimensions) * std::numbers::ln2);
}

Tensor gaussian_log_likelihood(const Tensor& x, const Tensor& mean, const Tensor& log_sigma) {
  const Tensor squares = (x - mean).square() * (-2 * log_sigma).exp();
  return -0.5 * sum_items(squares + 2 * log_sigma + kLogTwoPi);
}

}  // namespace sextant
