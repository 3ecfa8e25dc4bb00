// The layers that every net is made of. Each decides by itself which kernel does the work (ours on the CPU in float32,
// LibTorch's elsewhere): no net and no family knows.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "sextant/kernels/linear.h"
#include "sextant/tensor/precision.h"
#include "sextant/tensor/rng.h"

namespace sextant {

using kernels::Activation;

// The activation alone, and the gradient that passes it, given its result y (as a constant: the second derivative of a
// piecewise linear function is 0).
Tensor activate(const Tensor& x, Activation activation);
Tensor activation_gradient(const Tensor& dy, const Tensor& y, Activation activation);

// activation(x W^T + b) for x [B,in], W [out,in], b [out]. Twice differentiable, as a gradient penalty needs it.
// `precision`: of our kernel's products, but for those of W's gradient.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation,
              Precision precision = Precision::kFloat32);

// W and b start uniform in ±1/sqrt(in), as LibTorch's Linear does.
class LinearImpl : public torch::nn::Module {
 public:
  LinearImpl(int64_t in, int64_t out, Activation activation = Activation::kNone);
  Tensor forward(const Tensor& x);  // [B,in] -> [B,out]

  Tensor weight, bias;

 private:
  Activation activation_;
};
TORCH_MODULE(Linear);

}  // namespace sextant
