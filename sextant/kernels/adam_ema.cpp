// Adam, AdamW and the moving average of the weights, elementwise and therefore independent of threads.
// Roundings follow LibTorch's torch::optim::Adam step by step: m = fma(g, 1-b1, b1 m), v = fma((1-b2) g, g, b2 v),
// w = w + (-lr/(1-b1^t)) m / (sqrt(v) / sqrt(1-b2^t) + eps), each coefficient computed in double and rounded once. The
// square root is the correctly rounded one; LibTorch's may come from MKL, off by up to one unit in the last place.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sextant/kernels/adam_ema.cpp"
#include "sextant/kernels/simd.h"
// Keep this order: the targets must be known before the loop over them.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef SEXTANT_KERNELS_ADAM_EMA_ONCE
#define SEXTANT_KERNELS_ADAM_EMA_ONCE
#include <algorithm>
#include <cmath>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/adam_ema.h"
#include "sextant/kernels/threads.h"

namespace sextant::kernels {
// An AdamStep turned into the float factors of the loop.
struct AdamFactors {
  explicit AdamFactors(const AdamStep& s)
      : gradient_scale(static_cast<float>(s.gradient_scale)),
        weight_decay(static_cast<float>(s.weight_decay)),
        shrink(static_cast<float>(1 - s.lr * s.weight_decay)),
        keep1(static_cast<float>(s.beta1)),
        take1(static_cast<float>(1 - s.beta1)),
        keep2(static_cast<float>(s.beta2)),
        take2(static_cast<float>(1 - s.beta2)),
        root(static_cast<float>(std::sqrt(1 - std::pow(s.beta2, static_cast<double>(s.step))))),
        eps(static_cast<float>(s.eps)),
        rate(static_cast<float>(-s.lr / (1 - std::pow(s.beta1, static_cast<double>(s.step))))),
        ema_keep(static_cast<float>(s.ema_decay)),
        ema_take(static_cast<float>(1 - s.ema_decay)),
        scales(s.gradient_scale != 1.0),
        adds_decay(s.weight_decay != 0.0 && !s.decoupled),
        shrinks(s.weight_decay != 0.0 && s.decoupled) {}
  float gradient_scale, weight_decay, shrink, keep1, take1, keep2, take2, root, eps, rate, ema_keep, ema_take;
  bool scales, adds_decay, shrinks;
};
}  // namespace sextant::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One vector of the slice, starting at `i`.
template <class D>
HWY_INLINE void update_vector(D d, const AdamSlice& s, const AdamFactors& f, int64_t i) {
  const auto set = [&](float value) { return hn::Set(d, value); };
  auto w = hn::LoadU(d, s.weight + i), g = hn::LoadU(d, s.gradient + i);
  if (f.scales) g = hn::Mul(g, set(f.gradient_scale));
  if (f.adds_decay) g = hn::MulAdd(w, set(f.weight_decay), g);
  if (f.shrinks) w = hn::Mul(w, set(f.shrink));
  const auto m = hn::MulAdd(g, set(f.take1), hn::Mul(hn::LoadU(d, s.first_moment + i), set(f.keep1)));
  const auto v = hn::MulAdd(hn::Mul(set(f.take2), g), g, hn::Mul(hn::LoadU(d, s.second_moment + i), set(f.keep2)));
  const auto denominator = hn::Add(hn::Div(hn::Sqrt(v), set(f.root)), set(f.eps));
  w = hn::Add(w, hn::Div(hn::Mul(set(f.rate), m), denominator));
  hn::StoreU(m, d, s.first_moment + i);
  hn::StoreU(v, d, s.second_moment + i);
  hn::StoreU(w, d, s.weight + i);
  if (s.ema)
    hn::StoreU(hn::MulAdd(hn::LoadU(d, s.ema + i), set(f.ema_keep), hn::Mul(w, set(f.ema_take))), d, s.ema + i);
}

void update(const AdamSlice& s, const AdamFactors& f, int64_t begin, int64_t end) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = begin;
  for (; i + lanes <= end; i += lanes) update_vector(d, s, f, i);
  for (; i < end; ++i) update_vector(hn::CappedTag<float, 1>(), s, f, i);
}

// Sixteen sums in double, number k taking elements k, k + 16, ..., whatever the vector length: every target rounds
// alike (the square of a float is exact in double).
double squares(const float* x, int64_t count) {
  constexpr int64_t kSums = 16;
  const hn::CappedTag<double, 8> d;
  const hn::Rebind<float, decltype(d)> df;
  constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(d)), kVectors = kSums / kLanes;
  hn::Vec<decltype(d)> sum[kVectors];
  for (auto& s : sum) s = hn::Zero(d);
  int64_t i = 0;
  for (; i + kSums <= count; i += kSums)
    for (int64_t v = 0; v < kVectors; ++v) {
      const auto e = hn::PromoteTo(d, hn::LoadU(df, x + i + v * kLanes));
      sum[v] = hn::MulAdd(e, e, sum[v]);
    }
  double sums[kSums];
  for (int64_t v = 0; v < kVectors; ++v) hn::StoreU(sum[v], d, sums + v * kLanes);
  for (int64_t k = 0; i + k < count; ++k) sums[k] += static_cast<double>(x[i + k]) * static_cast<double>(x[i + k]);
  double total = 0;
  for (double s : sums) total += s;
  return total;
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(update);
HWY_EXPORT(squares);

namespace {

constexpr int64_t kJobSize = 1 << 14;  // elements: some microseconds of work, and the block of the sum of squares

struct Piece {
  const AdamSlice* slice;
  int64_t begin, end;
};

std::vector<Piece> pieces_of(std::span<const AdamSlice> slices) {
  std::vector<Piece> pieces;
  for (const AdamSlice& s : slices)
    for (int64_t at = 0; at < s.count; at += kJobSize) pieces.push_back({&s, at, std::min(at + kJobSize, s.count)});
  return pieces;
}

void check_update(std::span<const AdamSlice> slices, const AdamStep& s) {
  SEXTANT_CHECK(s.step >= 1, "[adam] step counts from 1; got ", s.step, "; count the step before the update");
  SEXTANT_CHECK(s.lr >= 0 && s.eps >= 0 && s.weight_decay >= 0,
                "[adam] lr, eps and weight_decay must be at least 0; got ", s.lr, ", ", s.eps, ", ", s.weight_decay,
                "; see the recipe");
  SEXTANT_CHECK(s.beta1 >= 0 && s.beta1 < 1 && s.beta2 >= 0 && s.beta2 < 1, "[adam] betas must lie in [0,1); got ",
                s.beta1, " and ", s.beta2, "; try 0.9 and 0.999");
  SEXTANT_CHECK(s.ema_decay >= 0 && s.ema_decay <= 1, "[adam] ema_decay must lie in [0,1]; got ", s.ema_decay,
                "; try 0.999");
  for (const AdamSlice& a : slices)
    SEXTANT_CHECK(a.count >= 0 && (a.count == 0 || (a.weight && a.gradient && a.first_moment && a.second_moment)),
                  "[adam] a slice of ", a.count, " numbers lacks its weight, gradient or a moment; allocate all four");
}

}  // namespace

void adam_ema_reference(std::span<const AdamSlice> slices, const AdamStep& step) {
  check_update(slices, step);
  const AdamFactors f(step);
  for (const AdamSlice& s : slices)
    for (int64_t i = 0; i < s.count; ++i) {
      float w = s.weight[i], g = s.gradient[i], &m = s.first_moment[i], &v = s.second_moment[i];
      if (f.scales) g = g * f.gradient_scale;
      if (f.adds_decay) g = std::fma(w, f.weight_decay, g);
      if (f.shrinks) w = w * f.shrink;
      m = std::fma(g, f.take1, m * f.keep1);
      v = std::fma(f.take2 * g, g, v * f.keep2);
      w = w + f.rate * m / (std::sqrt(v) / f.root + f.eps);
      s.weight[i] = w;
      if (s.ema) s.ema[i] = std::fma(s.ema[i], f.ema_keep, w * f.ema_take);
    }
}

void adam_ema(std::span<const AdamSlice> slices, const AdamStep& step) {
  check_update(slices, step);
  const AdamFactors f(step);
  const std::vector<Piece> pieces = pieces_of(slices);
  parallel_jobs(static_cast<int64_t>(pieces.size()), [&](int64_t i) {
    const Piece& p = pieces[static_cast<size_t>(i)];
    HWY_DYNAMIC_DISPATCH(update)(*p.slice, f, p.begin, p.end);
  });
}

double sum_of_squares(std::span<const AdamSlice> slices) {
  for (const AdamSlice& s : slices)
    SEXTANT_CHECK(s.count >= 0 && (s.gradient || s.count == 0), "[sum_of_squares] a slice of ", s.count,
                  " numbers has no gradient; run backward first");
  const std::vector<Piece> pieces = pieces_of(slices);
  std::vector<double> sums(pieces.size());
  parallel_jobs(static_cast<int64_t>(pieces.size()), [&](int64_t i) {
    const Piece& p = pieces[static_cast<size_t>(i)];
    sums[static_cast<size_t>(i)] = HWY_DYNAMIC_DISPATCH(squares)(p.slice->gradient + p.begin, p.end - p.begin);
  });
  double total = 0;
  for (double s : sums) total += s;
  return total;
}

}  // namespace sextant::kernels
#endif
