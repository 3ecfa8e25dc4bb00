// Convolutions over feature maps [B,C,H,W]. Stored channels last; which kernel does the work is a fixed rule on shape,
// type and device, never a race: 3x3 with stride 1 goes to our Winograd or, from or to at most four channels, to our
// direct sums; 1x1 is a matrix product; the rest is LibTorch's. Winograd's products are in the precision of the
// thread's PrecisionScope (tensor/precision.h), backward as forward; a backward that is itself recorded is in float32.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <utility>

#include "sextant/tensor/precision.h"
#include "sextant/tensor/rng.h"

namespace sextant {

struct ConvOptions {
  int64_t in = 1, out = 1;
  int64_t size = 3;    // side of the square filter, odd unless the stride is 2
  int64_t stride = 1;  // padding is (size - 1) / 2: a stride of 1 keeps H and W
  bool zero_init = false;
};

// `x` in channels_last memory without holes, copied only if it is not.
Tensor channels_last(const Tensor& x);

// Weight [O,C,k,k] and bias [O] start uniform in ±1/sqrt(C k k), as LibTorch's do, or at 0.
class Conv2dImpl : public torch::nn::Module {
 public:
  explicit Conv2dImpl(const ConvOptions& options);
  // conv(x) + residual; residual [B,O,H',W'] may be undefined.
  Tensor forward(const Tensor& x, const Tensor& residual = {});
  // conv(x), and x passed through for a second use: the gradient that comes back over that path is then added inside
  // the convolution's backward pass and not in one of its own.
  std::pair<Tensor, Tensor> forward_and_pass(const Tensor& x);

  // Multiplications and additions of one map of H x W pixels, counted as pairs.
  int64_t multiply_adds(int64_t height, int64_t width) const;

  Tensor weight, bias;

 private:
  bool runs_ours(const Tensor& x) const;
  Tensor infer(const Tensor& x, const Tensor& residual);

  ConvOptions options_;
  // For passes without gradients: the weights in Winograd's form, of which version of the weights, in which precision.
  Tensor transformed_;
  std::pair<int64_t, Precision> transformed_kind_;
};
TORCH_MODULE(Conv2d);

}  // namespace sextant
