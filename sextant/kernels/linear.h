// Fully connected layers: y = act(x W^T + b) and its three gradients, as one packed matrix product (gemm.h) with the
// bias and the activation in its last step. All matrices are row-major and contiguous: x [B,in], W [out,in], b [out],
// y [B,out]. Results do not depend on the number of threads. Any size from 1 (0 in the batch) works.
#pragma once

#include <cstdint>

#include "sextant/kernels/precision.h"

namespace sextant::kernels {

enum class Activation { kNone, kRelu, kLeakyRelu };

// What multiplies a number below zero: nothing happens at 1, ReLU at 0; LeakyReLU has the 0.2 of the adversarial nets.
constexpr float slope_of(Activation act) {
  return act == Activation::kRelu ? 0.0f : act == Activation::kLeakyRelu ? 0.2f : 1.0f;
}

struct LinearShape {
  int64_t batch, in, out;
  // Of y and of dx. dW, a sum over the whole batch, is float32 in both.
  Precision precision = Precision::kFloat32;
};

// y = act(x W^T + b). `bias` may be null.
void linear_forward(const LinearShape& shape, const float* x, const float* weight, const float* bias, Activation act,
                    float* y);

// Where gradients go; a null one is not computed. x [B,in], weight [out,in], bias [out]; overwritten, not added to.
struct LinearGradients {
  float* x = nullptr;
  float* weight = nullptr;
  float* bias = nullptr;
  bool through_relu =
      false;  // x is what a ReLU gave: dx is also 0 where x <= 0, and that layer needs no mask of its own
};

// With d = dy * act'(.), dx = d W, dW = d^T x, db = sum over B of d. `y` is the forward result: where y <= 0
// the gradient is multiplied by the slope; it may be null for kNone. `x` may be null unless dW is asked for, `weight`
// unless dx is.
void linear_backward(const LinearShape& shape, const float* x, const float* weight, const float* y, const float* dy,
                     Activation act, const LinearGradients& to);

// The same in plain loops with sums in double.
void linear_forward_reference(const LinearShape& shape, const float* x, const float* weight, const float* bias,
                              Activation act, float* y);
void linear_backward_reference(const LinearShape& shape, const float* x, const float* weight, const float* y,
                               const float* dy, Activation act, const LinearGradients& to);

}  // namespace sextant::kernels
