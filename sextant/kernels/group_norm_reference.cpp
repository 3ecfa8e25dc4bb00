// GroupNorm + SiLU and its gradients in plain loops in double.
#include <cmath>
#include <cstddef>
#include <vector>

#include "sextant/kernels/group_norm.h"

namespace sextant::kernels {
namespace {

double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

// body(channel, index into [N,P,C]) for every number of image n and group k.
template <class Body>
void for_group(const GroupNormShape& s, int64_t n, int64_t k, const Body& body) {
  const int64_t width = s.channels / s.groups;
  for (int64_t p = 0; p < s.pixels; ++p)
    for (int64_t c = k * width; c < (k + 1) * width; ++c) body(c, (n * s.pixels + p) * s.channels + c);
}

double at(const float* x, int64_t i) { return static_cast<double>(x[i]); }

}  // namespace

void group_norm_silu_reference(const GroupNormShape& s, const GroupNormInputs& inputs, const GroupNormOutputs& out) {
  const double count = static_cast<double>(s.pixels * (s.channels / s.groups));
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t k = 0; k < s.groups; ++k) {
      double m = 0, variance = 0;
      const auto in = [&](int64_t c, int64_t i) {
        return at(inputs.x, i) + (inputs.before ? at(inputs.before, n * s.channels + c) : 0);
      };
      for_group(s, n, k, [&](int64_t c, int64_t i) { m += in(c, i) / count; });
      for_group(s, n, k, [&](int64_t c, int64_t i) { variance += (in(c, i) - m) * (in(c, i) - m) / count; });
      const double r = 1 / std::sqrt(variance + s.eps);
      out.mean[n * s.groups + k] = static_cast<float>(m), out.rstd[n * s.groups + k] = static_cast<float>(r);
      for_group(s, n, k, [&](int64_t c, int64_t i) {
        double z = (in(c, i) - m) * r * at(inputs.gamma, c) + at(inputs.beta, c);
        if (s.silu) z *= sigmoid(z);
        if (inputs.shift) z += at(inputs.shift, n * s.channels + c);
        if (inputs.residual) z += at(inputs.residual, i);
        out.y[i] = static_cast<float>(z);
      });
    }
}

void group_norm_silu_backward_reference(const GroupNormShape& s, const GroupNormInputs& in, const float* mean,
                                        const float* rstd, const float* dy, const GroupNormGradients& to) {
  const double count = static_cast<double>(s.pixels * (s.channels / s.groups));
  std::vector<double> of_gamma(static_cast<size_t>(s.channels)), of_beta(of_gamma);
  std::vector<double> of_shift(static_cast<size_t>(s.batch * s.channels)), of_before(of_shift);
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t k = 0; k < s.groups; ++k) {
      const double m = at(mean, n * s.groups + k), r = at(rstd, n * s.groups + k);
      const auto xhat = [&](int64_t c, int64_t i) {
        return (at(in.x, i) + (in.before ? at(in.before, n * s.channels + c) : 0) - m) * r;
      };
      const auto dz = [&](int64_t c, int64_t i) {
        const double z = xhat(c, i) * at(in.gamma, c) + at(in.beta, c), sigma = sigmoid(z);
        return at(dy, i) * (s.silu ? sigma * (1 + z * (1 - sigma)) : 1);
      };
      double constant = 0, linear = 0;
      for_group(s, n, k, [&](int64_t c, int64_t i) {
        const double g = dz(c, i);
        of_beta[static_cast<size_t>(c)] += g, of_gamma[static_cast<size_t>(c)] += g * xhat(c, i);
        of_shift[static_cast<size_t>(n * s.channels + c)] += at(dy, i);
        constant += g * at(in.gamma, c) / count, linear += g * at(in.gamma, c) * xhat(c, i) / count;
      });
      for_group(s, n, k, [&](int64_t c, int64_t i) {
        const double d = r * (dz(c, i) * at(in.gamma, c) - constant - xhat(c, i) * linear);
        to.x[i] = static_cast<float>(d);
        of_before[static_cast<size_t>(n * s.channels + c)] += d;
      });
    }
  for (size_t c = 0; c < of_gamma.size(); ++c)
    to.gamma[c] = static_cast<float>(of_gamma[c]), to.beta[c] = static_cast<float>(of_beta[c]);
  for (size_t i = 0; to.shift && i < of_shift.size(); ++i) to.shift[i] = static_cast<float>(of_shift[i]);
  for (size_t i = 0; to.before && i < of_before.size(); ++i) to.before[i] = static_cast<float>(of_before[i]);
}

}  // namespace sextant::kernels
