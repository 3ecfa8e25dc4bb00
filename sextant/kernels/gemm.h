// C = A B (+ bias) (then ReLU or its leaky kin), in float: the matrix product under the fully connected layers. A is
// read in place through its two strides; B is packed into panels of some vectors' width, so that the inner loop reads
// it in order, or read in place where it is narrow and too few rows of A would repay the packing; a register tile of 6
// rows by one panel stays in registers over the whole depth. Each number of C is summed in the order of k by one
// thread, so results do not depend on the number of threads.
#pragma once

#include <cstdint>

namespace sextant::kernels {

// Element (i, j) is data[i * row_stride + j * column_stride].
struct MatrixView {
  const float* data;
  int64_t row_stride, column_stride;
};

// C [rows,columns] row-major contiguous, A [rows,depth], B [depth,columns]. bias [columns] may be null. depth 0 gives
// the bias alone.
struct Product {
  int64_t rows, columns, depth;
  MatrixView a, b;
  const float* bias = nullptr;
  float slope = 1;              // factor of what is below zero: 1 leaves it, 0 is ReLU
  const float* gate = nullptr;  // [rows,columns] or null: C becomes 0 where the gate is at most 0
  float* c;
};

void gemm(const Product& product);

// The same with both factors rounded to bfloat16 (precision.h), sums in float; rows of A contiguous, depth at least 1.
// For many rows: A and B are copied.
void gemm_bfloat16(const Product& product);

}  // namespace sextant::kernels
