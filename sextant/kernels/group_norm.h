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
  bool silu = true;  // false leaves the activation out
  double eps = 1e-5;
};

struct GroupNormInputs {
  const float *x = nullptr, *before = nullptr, *gamma = nullptr, *beta = nullptr, *shift = nullptr, *residual = nullptr;
};

// y [N,P,C]; mean and rstd = 1 / sqrt(variance + eps) [N,groups] are kept for the backward pass.
struct GroupNormOutputs {
  float *y = nullptr, *mean = nullptr, *rstd = nullptr;
};
void group_norm_silu(const GroupNormShape& shape, const GroupNormInputs& in, const GroupNormOutputs& out);

// Where gradients go, each of the size of what it belongs to: of gamma and beta summed over the batch in order; those
// of before and shift may be null. The gradient of residual is dy itself.
struct GroupNormGradients {
  float *x = nullptr, *before = nullptr, *gamma = nullptr, *beta = nullptr, *shift = nullptr;
};
// From dy [N,P,C], with the inputs and the moments of the forward pass (shift and residual are not read).
void group_norm_silu_backward(const GroupNormShape& shape, const GroupNormInputs& in, const float* mean,
                              const float* rstd, const float* dy, const GroupNormGradients& to);

// The same in plain loops in double.
void group_norm_silu_reference(const GroupNormShape& shape, const GroupNormInputs& in, const GroupNormOutputs& out);
void group_norm_silu_backward_reference(const GroupNormShape& shape, const GroupNormInputs& in, const float* mean,
                                        const float* rstd, const float* dy, const GroupNormGradients& to);

}  // namespace sextant::kernels
