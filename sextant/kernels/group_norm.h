// GroupNorm and SiLU in one pass over channels_last activations, as the U-Net uses them:
//   y = silu(gamma * (x + before - mean) / sqrt(variance + eps) + beta) + shift + residual
// mean and (biased) variance of x + before over one image's pixels and one group's channels (Wu & He 2018), summed in
// float along a row of channels and in double over channels. x, y, residual [N,P,C] with P pixels; gamma, beta [C];
// before, shift [N,C] (a time embedding, on either side of the norm) and residual may be null. C must be a multiple of
// `groups`. Images are shared among threads, so results do not depend on their number.
#pragma once

#include <cstdint>

namespace sextant::kernels {

struct GroupNormShape {
  int64_t batch, pixels, channels, groups;
  double eps = 1e-5;
};

// mean, rstd [N,groups] are written for the backward pass. silu = false leaves the activation out.
void group_norm_silu(const GroupNormShape& shape, bool silu, const float* x, const float* before, const float* gamma,
                     const float* beta, const float* shift, const float* residual, float* y, float* mean, float* rstd);

// From dy [N,P,C]: dx [N,P,C]; dgamma, dbeta [C], summed over the batch in order; dbefore, dshift [N,C] (may be
// null). The gradient of residual is dy itself. x, before, gamma, beta, mean, rstd as in the forward pass.
void group_norm_silu_backward(const GroupNormShape& shape, bool silu, const float* x, const float* before,
                              const float* gamma, const float* beta, const float* mean, const float* rstd,
                              const float* dy, float* dx, float* dbefore, float* dgamma, float* dbeta, float* dshift);

// The same in plain loops in double.
void group_norm_silu_reference(const GroupNormShape& shape, bool silu, const float* x, const float* before,
                               const float* gamma, const float* beta, const float* shift, const float* residual,
                               float* y, float* mean, float* rstd);
void group_norm_silu_backward_reference(const GroupNormShape& shape, bool silu, const float* x, const float* before,
                                        const float* gamma, const float* beta, const float* mean, const float* rstd,
                                        const float* dy, float* dx, float* dbefore, float* dgamma, float* dbeta,
                                        float* dshift);

}  // namespace sextant::kernels
