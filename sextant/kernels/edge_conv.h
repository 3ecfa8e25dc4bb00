// 3x3 convolutions, stride 1, padding 1, with 1 to 4 channels on one side: where a network meets the picture. There the
// direct sum is bound by memory, and Winograd would transform more than it saves. Layouts as in winograd.h; results do
// not depend on the number of threads. At least one of in and out must be at most kFewChannels.
#pragma once

#include <cstdint>

#include "sextant/kernels/winograd.h"

namespace sextant::kernels {

constexpr int64_t kFewChannels = 4;

// y = conv(x) + bias; bias [O] may be null.
void edge_convolve(const ConvShape& shape, const float* x, const FilterView& w, const float* bias, float* y);
// dx from dy.
void edge_data_gradient(const ConvShape& shape, const float* dy, const FilterView& w, float* dx);
// dw [O,C,3,3] in order, db [O] (may be null), summed over the batch; overwritten.
void edge_weight_gradient(const ConvShape& shape, const float* x, const float* dy, float* dw, float* db);

}  // namespace sextant::kernels
