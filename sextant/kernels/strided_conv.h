// 4x4 convolution with stride 2 and padding 1, which halves a map, and its transpose, which doubles one, in float. Such
// a convolution is four 2x2 ones with stride 1 on the four phases of the input (rows and columns of one parity), and
// those go by Winograd's minimal filtering F(4x4,2x2): 25 products for 16 outputs of 4 taps, 2.56 times fewer than the
// direct sum. From or to few channels the direct sum is as fast and done instead. Tensors are channels_last and
// contiguous: x [N,H,W,C], y [N,H/2,W/2,O]; H and W even, any C, O, H, W from 1, N from 0. The weight is [O,C,4,4] in
// order. Results do not depend on the number of threads.
#pragma once

#include <cstdint>

namespace sextant::kernels {

// H and W of the large map, in and out as of the convolution: its transpose goes from `out` to `in` channels.
struct StridedShape {
  int64_t batch, height, width, in, out;
};

// y = conv(x) + bias, and what is below zero times `slope` (1: nothing). bias [O] may be null.
void strided_convolve(const StridedShape& shape, const float* x, const float* weight, const float* bias, float slope,
                      float* y);

// x = transposed conv(y) + bias: the gradient of the convolution by its input for the gradient y. bias [C] may be null.
void strided_transpose(const StridedShape& shape, const float* y, const float* weight, const float* bias, float* x);

// dw [O,C,4,4], summed over the batch; overwritten.
void strided_weight_gradient(const StridedShape& shape, const float* x, const float* dy, float* dw);

// The direct sums in double.
void strided_convolve_reference(const StridedShape& shape, const float* x, const float* weight, const float* bias,
                                float slope, float* y);
void strided_transpose_reference(const StridedShape& shape, const float* y, const float* weight, const float* bias,
                                 float* x);
void strided_weight_gradient_reference(const StridedShape& shape, const float* x, const float* dy, float* dw);

}  // namespace sextant::kernels
