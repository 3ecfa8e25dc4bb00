// The convolutions of adversarial nets (Radford et al. 2016): 4x4 filters, stride 2 and padding 1, which halve a map,
// and their transposes, which double it; bias and activation included. Differentiable any number of times: a gradient
// penalty asks for the gradient of a gradient.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "sextant/nets/layers.h"

namespace sextant {

constexpr int64_t kStridedTaps = 4;  // a side of the filter

// act(conv(x) + bias): x [B,C,H,W] with H and W even, weight [O,C,4,4], bias [O] or undefined -> [B,O,H/2,W/2].
Tensor strided_conv(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation);

// act(transposed conv(x) + bias): x [B,C,H,W], weight [C,O,4,4], bias [O] or undefined -> [B,O,2H,2W].
Tensor transposed_conv(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation);

// Weights start as LibTorch's do: uniform in ±1/sqrt(16 n), n the channels of dimension 1 of the weight.
class StridedConvImpl : public torch::nn::Module {
 public:
  StridedConvImpl(int64_t in, int64_t out, Activation activation);
  Tensor forward(const Tensor& x) { return strided_conv(x, weight, bias, activation_); }

  Tensor weight, bias;

 private:
  Activation activation_;
};
TORCH_MODULE(StridedConv);

class TransposedConvImpl : public torch::nn::Module {
 public:
  // Without a bias where a BatchNorm follows: it would take it away again.
  TransposedConvImpl(int64_t in, int64_t out, bool with_bias);
  Tensor forward(const Tensor& x) { return transposed_conv(x, weight, bias, Activation::kNone); }

  Tensor weight, bias;
};
TORCH_MODULE(TransposedConv);

}  // namespace sextant
