// The layer's products over gemm.h, and the pass that masks the arriving gradient and sums it for the bias.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sextant/kernels/linear.cpp"
#include "sextant/kernels/simd.h"
// Keep this order: the targets must be known before the loop over them.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/activation.h"
#include "sextant/kernels/gemm.h"
#include "sextant/kernels/linear.h"
#include "sextant/kernels/scratch_buffer.h"
#include "sextant/kernels/threads.h"

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// kVectors vectors of columns from j on, over all rows of dy [rows,columns]: see mask_and_sum.
template <int kVectors, class D>
HWY_INLINE void mask_and_sum_columns(D d, const float* dy, const float* y, int64_t rows, int64_t columns, int64_t j,
                                     float slope, float* masked, float* sum) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<D> total[kVectors];
  for (auto& t : total) t = hn::Zero(d);
  for (int64_t row = j; row < rows * columns; row += columns)
    for (int v = 0; v < kVectors; ++v) {
      const int64_t at = row + v * lanes;
      auto g = hn::LoadU(d, dy + at);
      if (masked) {
        const auto below = slope == 0 ? hn::Zero(d) : hn::Mul(g, hn::Set(d, slope));
        g = hn::IfThenElse(hn::Le(hn::LoadU(d, y + at), hn::Zero(d)), below, g);
        hn::StoreU(g, d, masked + at);
      }
      total[v] = hn::Add(total[v], g);
    }
  for (int v = 0; sum && v < kVectors; ++v) hn::StoreU(total[v], d, sum + j + v * lanes);
}

// Columns [begin, end) of dy [rows,columns]: `masked` = dy, times `slope` where y <= 0 (skipped if null), `sum` =
// column sums (or null).
void mask_and_sum(const float* dy, const float* y, int64_t rows, int64_t columns, int64_t begin, int64_t end,
                  float slope, float* masked, float* sum) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t j = begin;
  for (; j + 4 * lanes <= end; j += 4 * lanes) mask_and_sum_columns<4>(d, dy, y, rows, columns, j, slope, masked, sum);
  for (; j + lanes <= end; j += lanes) mask_and_sum_columns<1>(d, dy, y, rows, columns, j, slope, masked, sum);
  for (; j < end; ++j) mask_and_sum_columns<1>(hn::CappedTag<float, 1>(), dy, y, rows, columns, j, slope, masked, sum);
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(mask_and_sum);

namespace {

void check_shape(const LinearShape& s) {
  SEXTANT_CHECK(s.batch >= 0 && s.in >= 1 && s.out >= 1, "[linear] needs batch >= 0, in >= 1, out >= 1; got ", s.batch,
                ", ", s.in, ", ", s.out, "; check the shapes");
}

void check_forward(const LinearShape& s, const float* x, const float* weight, const float* y) {
  check_shape(s);
  SEXTANT_CHECK(s.batch == 0 || (x && weight && y), "[linear] forward needs x, weight and y; got a null pointer; ",
                "allocate them");
}

void check_backward(const LinearShape& s, const float* x, const float* weight, const float* y, const float* dy,
                    Activation act, const LinearGradients& to) {
  check_shape(s);
  SEXTANT_CHECK(
      s.batch == 0 || (dy && (x || !(to.weight || (to.x && to.through_relu))) && (weight || !to.x) &&
                       (y || act == Activation::kNone)),
      "[linear] backward needs dy, x for dW, weight for dx, y for an activation; got a null pointer; pass them");
}

void multiply(Precision precision, const Product& product) {
  precision == Precision::kBFloat16 ? gemm_bfloat16(product) : gemm(product);
}

}  // namespace

void linear_forward(const LinearShape& s, const float* x, const float* weight, const float* bias, Activation act,
                    float* y) {
  check_forward(s, x, weight, y);
  multiply(s.precision, {.rows = s.batch,
                         .columns = s.out,
                         .depth = s.in,
                         .a = {x, s.in, 1},
                         .b = {weight, 1, s.in},
                         .bias = bias,
                         .slope = slope_of(act),
                         .c = y});
}

void activation_backward(int64_t rows, int64_t columns, const float* dy, const float* y, float slope, float* masked,
                         float* column_sums) {
  SEXTANT_CHECK(rows == 0 || (dy && (y || !masked)),
                "[activation] backward needs dy, and y for a masked gradient; got ", "a null pointer; pass them");
  constexpr int64_t kColumns = 64, kRows = 8192;  // of a job: four cache lines, so that threads don't share one
  constexpr int64_t kLeast = 1 << 14;             // numbers that are worth a thread
  const int64_t across = (columns + kColumns - 1) / kColumns, down = std::max<int64_t>(1, (rows + kRows - 1) / kRows);
  // Sums of blocks of rows, added up in their order: the same bytes for any number of threads.
  std::vector<float> blocks(static_cast<size_t>(column_sums && down > 1 ? down * columns : 0));
  const auto part = [&](int64_t job) {
    const int64_t first = job / across * kRows, column = job % across * kColumns, at = first * columns;
    float* sums = blocks.empty() ? column_sums : blocks.data() + job / across * columns;
    HWY_DYNAMIC_DISPATCH(mask_and_sum)
    (dy + at, y ? y + at : nullptr, std::min(rows - first, kRows), columns, column,
     std::min(columns, column + kColumns), slope, masked ? masked + at : nullptr, sums);
  };
  parallel_jobs(across * down, part, 1 + kLeast / (std::min(rows, kRows) * kColumns + 1));
  for (int64_t j = 0; !blocks.empty() && j < columns; ++j) {
    column_sums[j] = 0;
    for (int64_t block = 0; block < down; ++block) column_sums[j] += blocks[static_cast<size_t>(block * columns + j)];
  }
}

void linear_backward(const LinearShape& s, const float* x, const float* weight, const float* y, const float* dy,
                     Activation act, const LinearGradients& to) {
  check_backward(s, x, weight, y, dy, act, to);
  static thread_local ScratchBuffer scratch;
  float* masked = act != Activation::kNone ? scratch.get(s.batch * s.out) : nullptr;
  if (masked || to.bias) activation_backward(s.batch, s.out, dy, y, slope_of(act), masked, to.bias);
  const float* d = masked ? masked : dy;
  if (to.x)
    multiply(s.precision, {.rows = s.batch,
                           .columns = s.in,
                           .depth = s.out,
                           .a = {d, s.out, 1},
                           .b = {weight, s.in, 1},
                           .gate = to.through_relu ? x : nullptr,
                           .c = to.x});
  if (to.weight)
    gemm({.rows = s.out, .columns = s.in, .depth = s.batch, .a = {d, 1, s.out}, .b = {x, s.in, 1}, .c = to.weight});
}

void linear_forward_reference(const LinearShape& s, const float* x, const float* weight, const float* bias,
                              Activation act, float* y) {
  check_forward(s, x, weight, y);
  for (int64_t b = 0; b < s.batch; ++b)
    for (int64_t o = 0; o < s.out; ++o) {
      double sum = bias ? static_cast<double>(bias[o]) : 0.0;
      for (int64_t i = 0; i < s.in; ++i)
        sum += static_cast<double>(x[b * s.in + i]) * static_cast<double>(weight[o * s.in + i]);
      y[b * s.out + o] = static_cast<float>(sum < 0 ? sum * static_cast<double>(slope_of(act)) : sum);
    }
}

void linear_backward_reference(const LinearShape& s, const float* x, const float* weight, const float* y,
                               const float* dy, Activation act, const LinearGradients& to) {
  check_backward(s, x, weight, y, dy, act, to);
  const auto d = [&](int64_t b, int64_t o) {
    const int64_t at = b * s.out + o;
    const float slope = act != Activation::kNone && y[at] <= 0 ? slope_of(act) : 1.0f;
    return static_cast<double>(slope) * static_cast<double>(dy[at]);
  };
  const auto store = [](double value, float* at) { *at = static_cast<float>(value); };
  for (int64_t b = 0; to.x && b < s.batch; ++b)
    for (int64_t i = 0; i < s.in; ++i) {
      double sum = 0;
      for (int64_t o = 0; o < s.out; ++o) sum += d(b, o) * static_cast<double>(weight[o * s.in + i]);
      store(to.through_relu && x[b * s.in + i] <= 0 ? 0.0 : sum, to.x + b * s.in + i);
    }
  for (int64_t o = 0; o < s.out; ++o) {
    double bias = 0;
    for (int64_t b = 0; b < s.batch; ++b) bias += d(b, o);
    if (to.bias) store(bias, to.bias + o);
    for (int64_t i = 0; to.weight && i < s.in; ++i) {
      double sum = 0;
      for (int64_t b = 0; b < s.batch; ++b) sum += d(b, o) * static_cast<double>(x[b * s.in + i]);
      store(sum, to.weight + o * s.in + i);
    }
  }
}

}  // namespace sextant::kernels
#endif
