// The Bernoulli likelihood: one exponential a pixel serves the value and the gradient.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sextant/kernels/bernoulli.cpp"
#include "sextant/kernels/simd.h"
// Keep this order: the targets must be known before the loop over them.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "sextant/base/check.h"
#include "sextant/kernels/bernoulli.h"
#include "sextant/kernels/channels-inl.h"
#include "sextant/kernels/threads.h"
#include "sextant/kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Columns [i, i + lanes) of one row: the terms of nll; residual if asked for.
template <class D>
HWY_INLINE hn::Vec<D> terms(D d, const float* logits, const float* x, float* residual, int64_t i) {
  const auto l = hn::LoadU(d, logits + i), target = hn::LoadU(d, x + i);
  const auto t = exp_of_negative(d, hn::Neg(hn::Abs(l)));
  if (residual) hn::StoreU(hn::Sub(sigmoid_from(d, l, t), target), d, residual + i);
  // softplus(l) - x l = ln(1 + t) + l ([l > 0] - x): no difference of large numbers.
  const auto step = hn::IfThenElseZero(hn::Gt(l, hn::Zero(d)), hn::Set(d, 1.0f));
  return hn::MulAdd(l, hn::Sub(step, target), log1p_of(d, t));
}

double row_nll(const float* logits, const float* x, float* residual, int64_t columns) {
  const hn::ScalableTag<float> d;
  const hn::Half<decltype(d)> half;  // as many floats as a vector holds doubles
  const hn::ScalableTag<double> dd;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto low = hn::Zero(dd), high = hn::Zero(dd);
  int64_t i = 0;
  for (; i + lanes <= columns; i += lanes) {
    const auto nll = terms(d, logits, x, residual, i);
    low = hn::Add(low, hn::PromoteTo(dd, hn::LowerHalf(half, nll)));
    high = hn::Add(high, hn::PromoteTo(dd, hn::UpperHalf(half, nll)));
  }
  double total = hn::GetLane(hn::SumOfLanes(dd, hn::Add(low, high)));
  const hn::CappedTag<float, 1> one;
  for (; i < columns; ++i) total += static_cast<double>(hn::GetLane(terms(one, logits, x, residual, i)));
  return total;
}

void row_gradient(const float* logits, const float* x, float scale, float* dlogits, int64_t columns) {
  for_vectors(columns, [&](auto d, int64_t i) {
    const auto residual = hn::Sub(sigmoid_of(d, hn::LoadU(d, logits + i)), hn::LoadU(d, x + i));
    hn::StoreU(hn::Mul(residual, hn::Set(d, scale)), d, dlogits + i);
  });
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(row_nll);
HWY_EXPORT(row_gradient);

namespace {

void check_rows(int64_t rows, int64_t columns, const void* logits, const void* x, const void* out) {
  SEXTANT_CHECK(rows >= 0 && columns >= 0, "[bernoulli] sizes must not be negative; got ", rows, " x ", columns,
                "; check the shapes");
  SEXTANT_CHECK(rows == 0 || columns == 0 || (out && logits && x),
                "[bernoulli] needs logits, x and room for the result; got a null pointer; allocate them");
}

void check_column(int64_t rows, const void* column) {
  SEXTANT_CHECK(column || rows == 0,
                "[bernoulli] needs one number for each row (nll, or the scale of its gradient); got ",
                "null; pass a buffer of ", rows);
}

int64_t least_rows(int64_t columns) { return 1 + (1 << 12) / (columns + 1); }  // four microseconds of a thread

double sigmoid(double l) { return 1 / (1 + std::exp(-l)); }

}  // namespace

void bernoulli_nll_with_logits(int64_t rows, int64_t columns, const float* logits, const float* x, double* nll,
                               float* residual) {
  check_rows(rows, columns, logits, x, nll);
  check_column(rows, nll);
  parallel_jobs(
      rows,
      [&](int64_t r) {
        const int64_t at = r * columns;
        nll[r] = HWY_DYNAMIC_DISPATCH(row_nll)(logits + at, x + at, residual ? residual + at : nullptr, columns);
      },
      least_rows(columns));
}

void bernoulli_nll_backward(int64_t rows, int64_t columns, const float* logits, const float* x, const float* scale,
                            float* dlogits) {
  check_rows(rows, columns, logits, x, dlogits);
  check_column(rows, scale);
  parallel_jobs(
      rows,
      [&](int64_t r) {
        const int64_t at = r * columns;
        HWY_DYNAMIC_DISPATCH(row_gradient)(logits + at, x + at, scale[r], dlogits + at, columns);
      },
      least_rows(columns));
}

void bernoulli_nll_with_logits_reference(int64_t rows, int64_t columns, const float* logits, const float* x,
                                         double* nll, float* residual) {
  check_rows(rows, columns, logits, x, nll);
  check_column(rows, nll);
  for (int64_t r = 0; r < rows; ++r) {
    nll[r] = 0;
    for (int64_t i = r * columns; i < (r + 1) * columns; ++i) {
      const double l = static_cast<double>(logits[i]), target = static_cast<double>(x[i]);
      nll[r] += std::max(l, 0.0) + std::log1p(std::exp(-std::abs(l))) - target * l;
      if (residual) residual[i] = static_cast<float>(sigmoid(l) - target);
    }
  }
}

void bernoulli_nll_backward_reference(int64_t rows, int64_t columns, const float* logits, const float* x,
                                      const float* scale, float* dlogits) {
  check_rows(rows, columns, logits, x, dlogits);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = r * columns; i < (r + 1) * columns; ++i)
      dlogits[i] = static_cast<float>((sigmoid(static_cast<double>(logits[i])) - static_cast<double>(x[i])) *
                                      static_cast<double>(scale[r]));
}

}  // namespace sextant::kernels
#endif
