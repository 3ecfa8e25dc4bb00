// 3x3 convolution, stride 1, padding 1, in float, by Winograd's minimal filtering F(4x4,3x3) (Lavin & Gray 2016): four
// times fewer multiplications than the direct sum. Tensors are channels_last and contiguous: x [N,H,W,C], y [N,H,W,O].
// Any N, H, W, C, O from 1 (N from 0). Forward and backward-data do not depend on the number of threads; the weight
// gradient is the same from run to run for a given number of threads. Relative error against double about 1e-6; about 1e-2
// where the products are of bfloat16 (a direct sum over bfloat16 has 2e-3).
// Buffers should be 64-byte aligned (LibTorch's are): unaligned ones work, slower.
#pragma once

#include <cstdint>

#include "sextant/kernels/precision.h"

namespace sextant::kernels {

struct ConvShape {
  int64_t batch, height, width, in, out;
};

// Weight w[o][c][i][j] at data[o * out_stride + c * in_stride + (3 i + j) * tap_stride].
struct FilterView {
  const float* data;
  int64_t out_stride, in_stride, tap_stride;
};
// [O,C,3,3] in order, as LibTorch creates weights; channels_last ones are {w, 9 * in, 1, in}.
inline FilterView contiguous_filter(const float* w, int64_t in) { return {w, 9 * in, 9, 1}; }

enum class ConvPass { kForward, kBackwardData };

// The weights in Winograd's form, made once before sampling or once a training step: 36 matrices, in panels of 64
// outputs, laid out for the instruction set in use: not to be stored. kBackwardData exchanges inputs and outputs and
// turns the taps by 180 degrees.
int64_t winograd_weights_size(int64_t in, int64_t out, ConvPass pass,
                              Precision precision = Precision::kFloat32);  // floats
void winograd_weights(const FilterView& w, int64_t in, int64_t out, ConvPass pass, float* transformed,
                      Precision precision = Precision::kFloat32);

// y = conv(x) + bias + add; bias [O] and add [N,H,W,O] may be null. For dx pass x = dy, in and out exchanged, and the
// kBackwardData weights; `add` is then the gradient that arrives over a skip path. The weights must be of the same
// precision.
void winograd_convolve(const ConvShape& shape, const float* x, const float* transformed, const float* bias,
                       const float* add, float* y, Precision precision = Precision::kFloat32);

// dw [O,C,3,3] in order, and db [O] (may be null), summed over the batch; overwritten.
void winograd_weight_gradient(const ConvShape& shape, const float* x, const float* dy, float* dw, float* db,
                              Precision precision = Precision::kFloat32);

// The direct sums in double.
void convolve_reference(const ConvShape& shape, const float* x, const FilterView& w, const float* bias,
                        const float* add, float* y);
void convolve_data_gradient_reference(const ConvShape& shape, const float* dy, const FilterView& w, const float* add,
                                      float* dx);
void convolve_weight_gradient_reference(const ConvShape& shape, const float* x, const float* dy, float* dw, float* db);

}  // namespace sextant::kernels
