#include "sextant/nets/spectral_norm.h"

#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

constexpr double kTiny = 1e-12;  // added to a length before division: a weight of zeros stays one of zeros

Tensor unit(const Tensor& x) { return x / (x.norm() + kTiny); }

}  // namespace

SpectralNormImpl::SpectralNormImpl(const Tensor& weight) {
  u_ = register_buffer("u", unit(torch::randn({weight.size(0)})));
  v_ = register_buffer("v", torch::empty({weight.numel() / weight.size(0)}));
  iterate_(weight, kFirstSteps);
}

Tensor SpectralNormImpl::sigma(const Tensor& weight) { return u_.dot(weight.flatten(1).mv(v_)) + kTiny; }

void SpectralNormImpl::iterate_(const Tensor& weight, int64_t steps) {
  const torch::NoGradGuard no_grad;
  const Tensor matrix = weight.detach().flatten(1);
  for (int64_t i = 0; i < steps; ++i) {
    v_.copy_(unit(matrix.t().mv(u_)));
    u_.copy_(unit(matrix.mv(v_)));
  }
}

}  // namespace sextant
