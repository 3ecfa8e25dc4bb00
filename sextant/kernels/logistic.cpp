// The logistic likelihood of bytes: value and both gradients in one pass, two exponentials a number.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sextant/kernels/logistic.cpp"
#include "sextant/kernels/simd.h"
// Keep this order: the targets must be known before the loop over them.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "sextant/base/check.h"
#include "sextant/kernels/logistic.h"
#include "sextant/kernels/threads.h"
#include "sextant/kernels/vector_math-inl.h"

#ifndef SEXTANT_KERNELS_LOGISTIC_ONCE
#define SEXTANT_KERNELS_LOGISTIC_ONCE
namespace sextant::kernels {
// What all numbers of a call share, and the sums over a row.
struct LogisticCell {
  float half = 0.5f / 255, rate = 1;
};
struct LogisticSums {
  double nll = 0, weighted = 0;  // weighted: the gradient by log scale but for the cell's width
  double inside = 0;             // cells with two ends
};
}  // namespace sextant::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Columns [i, i + lanes) of one row; adds to the sums, which are vectors of doubles with as many lanes.
template <class D, class S>
HWY_INLINE void cells(D d, const float* x, const float* mean, const LogisticCell& cell, float* dmean, int64_t i, S& nll,
                      S& weighted, S& inside) {
  const hn::Rebind<double, D> dd;
  const auto v = hn::LoadU(d, x + i), half = hn::Set(d, cell.half), rate = hn::Set(d, cell.rate);
  const auto one = hn::Set(d, 1.0f), zero = hn::Zero(d);
  const auto from_mean = hn::Sub(v, hn::LoadU(d, mean + i));
  const auto a = hn::Mul(hn::Add(from_mean, half), rate), b = hn::Mul(hn::Sub(from_mean, half), rate);
  const auto upper = hn::Le(v, hn::Sub(one, half)), lower = hn::Ge(v, half);  // whether there is such an end
  const auto ta = exp_of_negative(d, hn::Neg(hn::Abs(a))), tb = exp_of_negative(d, hn::Neg(hn::Abs(b)));
  // softplus(-a) = ln(1 + exp(-|a|)) + max(-a, 0)
  const auto above = hn::IfThenElseZero(upper, hn::Add(log1p_of(d, ta), hn::Max(hn::Neg(a), zero)));
  const auto below = hn::IfThenElseZero(lower, hn::Add(log1p_of(d, tb), hn::Max(b, zero)));
  const auto pull_up = hn::IfThenElseZero(upper, sigmoid_from(d, hn::Neg(a), ta));
  const auto pull_down = hn::IfThenElseZero(lower, sigmoid_from(d, b, tb));
  hn::StoreU(hn::Mul(rate, hn::Sub(pull_up, pull_down)), d, dmean + i);
  nll = hn::Add(nll, hn::PromoteTo(dd, hn::Add(above, below)));
  weighted = hn::Add(weighted, hn::PromoteTo(dd, hn::Sub(hn::Mul(pull_up, a), hn::Mul(pull_down, b))));
  inside = hn::Add(inside, hn::PromoteTo(dd, hn::IfThenElseZero(hn::And(upper, lower), one)));
}

LogisticSums row_logistic(const float* x, const float* mean, const LogisticCell& cell, float* dmean, int64_t columns) {
  const hn::ScalableTag<double> dd;
  const hn::Rebind<float, decltype(dd)> half;  // as many floats as doubles fit into a vector
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(half));
  auto nll = hn::Zero(dd), weighted = hn::Zero(dd), inside = hn::Zero(dd);
  int64_t i = 0;
  for (; i + lanes <= columns; i += lanes) cells(half, x, mean, cell, dmean, i, nll, weighted, inside);
  const auto sum = [&](auto v) { return hn::GetLane(hn::SumOfLanes(dd, v)); };
  LogisticSums sums = {.nll = sum(nll), .weighted = sum(weighted), .inside = sum(inside)};
  const hn::CappedTag<double, 1> one_double;
  const hn::CappedTag<float, 1> one;
  auto last_nll = hn::Zero(one_double), last_weighted = hn::Zero(one_double), last_inside = hn::Zero(one_double);
  for (; i < columns; ++i) cells(one, x, mean, cell, dmean, i, last_nll, last_weighted, last_inside);
  sums.nll += hn::GetLane(last_nll);
  sums.weighted += hn::GetLane(last_weighted);
  sums.inside += hn::GetLane(last_inside);
  return sums;
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(row_logistic);

namespace {

constexpr double kHalfCell = 0.5 / 255;

void check(int64_t rows, int64_t columns, double rate, bool pointers, bool columns_of_rows) {
  SEXTANT_CHECK(rows >= 0 && columns >= 0, "[logistic] sizes must not be negative; got ", rows, " x ", columns,
                "; check the shapes");
  SEXTANT_CHECK(!(rate <= 0), "[logistic] the rate is one over the scale and above 0; got ", rate);
  SEXTANT_CHECK(rows == 0 || (columns_of_rows && (columns == 0 || pointers)),
                "[logistic] got a null pointer for data that the call needs; allocate it");
}

int64_t least_rows(int64_t columns) { return 1 + (1 << 11) / (columns + 1); }

}  // namespace

void logistic_nll(int64_t rows, int64_t columns, const float* x, const float* mean, double rate, double* nll,
                  float* dmean, double* dlog_scale) {
  check(rows, columns, rate, x && mean && dmean, nll && dlog_scale);
  const LogisticCell cell = {.rate = static_cast<float>(rate)};
  const double width = 2 * kHalfCell * rate, log_width = std::log(-std::expm1(-width));
  const double dlog_width = width / std::expm1(width);  // -d log_width / d log scale
  parallel_jobs(
      rows,
      [&](int64_t r) {
        const int64_t at = r * columns;
        const LogisticSums sums = HWY_DYNAMIC_DISPATCH(row_logistic)(x + at, mean + at, cell, dmean + at, columns);
        nll[r] = sums.nll - sums.inside * log_width;
        dlog_scale[r] = sums.weighted + sums.inside * dlog_width;
      },
      least_rows(columns));
}

void logistic_nll_reference(int64_t rows, int64_t columns, const float* x, const float* mean, double rate, double* nll,
                            float* dmean, double* dlog_scale) {
  check(rows, columns, rate, x && mean && dmean, nll && dlog_scale);
  const double width = 2 * kHalfCell * rate;
  const auto softplus = [](double v) { return std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v))); };
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  for (int64_t r = 0; r < rows; ++r) {
    nll[r] = dlog_scale[r] = 0;
    for (int64_t i = r * columns; i < (r + 1) * columns; ++i) {
      const double v = static_cast<double>(x[i]), m = static_cast<double>(mean[i]);
      const double a = (v + kHalfCell - m) * rate, b = (v - kHalfCell - m) * rate;
      const bool upper = v <= 1 - kHalfCell, lower = v >= kHalfCell;
      double by_mean = 0;
      if (upper) {
        nll[r] += softplus(-a);
        dlog_scale[r] += sigmoid(-a) * a;
        by_mean += sigmoid(-a);
      }
      if (lower) {
        nll[r] += softplus(b);
        dlog_scale[r] -= sigmoid(b) * b;
        by_mean -= sigmoid(b);
      }
      if (upper && lower) {
        nll[r] -= std::log(-std::expm1(-width));
        dlog_scale[r] += width / std::expm1(width);
      }
      dmean[i] = static_cast<float>(rate * by_mean);
    }
  }
}

}  // namespace sextant::kernels
#endif
