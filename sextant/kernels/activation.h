// The backward pass of an activation on its own, where no matrix product follows at once (linear.h has it inside).
#pragma once

#include <cstdint>

namespace sextant::kernels {

// masked = dy, times `slope` where y <= 0 (null: only the sums; then y may be null), and column_sums = the sums of that
// over rows (may be null). All row-major [rows,columns]. The same bytes for any number of threads.
void activation_backward(int64_t rows, int64_t columns, const float* dy, const float* y, float slope, float* masked,
                         float* column_sums);

}  // namespace sextant::kernels
