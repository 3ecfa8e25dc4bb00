// What U-Nets do to feature maps [B,C,H,W] between convolutions. In float32 on the CPU each is one pass over memory
// (kernels/group_norm, kernels/resample); elsewhere LibTorch's operations. All are twice differentiable.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "sextant/tensor/rng.h"

namespace sextant {

// What joins a norm: `before` [B,C] is added to x, `shift` [B,C] and `residual` [B,C,H,W] to the result; each may be
// undefined.
struct NormExtras {
  Tensor before = {}, shift = {}, residual = {};
};

// silu(GroupNorm(x + before)) + shift + residual; silu only where asked for. Scale starts at 1, offset at 0.
class GroupNormImpl : public torch::nn::Module {
 public:
  GroupNormImpl(int64_t groups, int64_t channels, bool silu = true);
  Tensor forward(const Tensor& x, const NormExtras& extras = {});

  Tensor weight, bias;

 private:
  int64_t groups_;
  bool silu_;
};
TORCH_MODULE(GroupNorm);

// [B,C,H,W] -> [B,C,H/2,W/2]: the largest of each 2x2 square. H and W at least 2.
Tensor max_pool2(const Tensor& x);

// low [B,C1,H/f,W/f] enlarged by nearest neighbour, then skip [B,C2,H,W] -> [B,C1+C2,H,W].
Tensor upsample_concat(const Tensor& low, const Tensor& skip);

// [B,C,H,W] -> [B,C,fH,fW] by nearest neighbour.
Tensor upsample(const Tensor& x, int64_t factor);

// [B,C] added to every pixel of [B,C,H,W].
Tensor add_to_pixels(const Tensor& x, const Tensor& shift);

// Zeroes each number with probability p and scales the rest by 1/(1-p). p = 0 returns x.
Tensor dropout(const Tensor& x, double p, Rng& rng);

}  // namespace sextant
