// exp, log, log1p, sigmoid and tanh on vectors of floats, for every instruction set; polynomials after Cephes
// (Moshier), errors below 2 units in the last place. NaN gives NaN. Included inside the loop over targets, hence the
// toggled guard.
#if defined(SEXTANT_KERNELS_VECTOR_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEXTANT_KERNELS_VECTOR_MATH_INL_H
#undef SEXTANT_KERNELS_VECTOR_MATH_INL_H
#else
#define SEXTANT_KERNELS_VECTOR_MATH_INL_H
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// ln x for normal x > 0: x = m 2^e with m in [sqrt(1/2), sqrt(2)).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V log_of(D d, V x) {
  const hn::RebindToSigned<D> di;
  const auto offset = hn::Set(di, 0x3F3504F3);  // bits of sqrt(1/2)
  const auto shifted = hn::Sub(hn::BitCast(di, x), offset);
  const auto e = hn::ConvertTo(d, hn::ShiftRight<23>(shifted));
  const auto m = hn::BitCast(d, hn::Add(hn::And(shifted, hn::Set(di, 0x007FFFFF)), offset));
  const auto f = hn::Sub(m, hn::Set(d, 1.0f)), f2 = hn::Mul(f, f);
  auto p = hn::Set(d, 7.0376836292e-2f);
  for (float c : {-1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                  2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f})
    p = hn::MulAdd(p, f, hn::Set(d, c));
  auto y = hn::Mul(hn::Mul(p, f), f2);
  y = hn::MulAdd(e, hn::Set(d, -2.12194440e-4f), y);  // ln 2 in two parts: 0.693359375 - 2.1219444e-4
  y = hn::NegMulAdd(f2, hn::Set(d, 0.5f), y);
  return hn::MulAdd(e, hn::Set(d, 0.693359375f), hn::Add(f, y));
}

// exp x for |x| <= 87: x = n ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to a whole n, which then stands in
// the low bits, from where it is shifted into the exponent.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_within_range(D d, V x) {
  const hn::RebindToUnsigned<D> du;
  const auto rounder = hn::Set(d, 12582912.0f);
  const auto shifted = hn::MulAdd(x, hn::Set(d, 1.44269504f), rounder), n = hn::Sub(shifted, rounder);
  auto r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::MulAdd(n, hn::Set(d, 2.12194440e-4f), r);
  auto p = hn::Set(d, 1.9875691500e-4f);
  for (float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = hn::MulAdd(p, r, hn::Set(d, c));
  const auto y = hn::Add(hn::MulAdd(hn::Mul(p, r), r, r), hn::Set(d, 1.0f));
  return hn::BitCast(d, hn::Add(hn::BitCast(du, y), hn::ShiftLeft<23>(hn::BitCast(du, shifted))));
}

// exp x for x <= 0, down to exp(-87) = 1.6e-38 and no further.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_of_negative(D d, V x) {
  const auto lowest = hn::Set(d, -87.0f);
  return exp_within_range(d, hn::IfThenElse(hn::Lt(x, lowest), lowest, x));
}

// 1 / x for x in [1, 1e38]: an estimate of 14 bits and a step of Newton's where a division takes several times longer.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V reciprocal_of(D d, V x) {
  const auto one = hn::Set(d, 1.0f);
#if HWY_TARGET <= HWY_AVX3
  if constexpr (hn::MaxLanes(D()) == 16) {
    const auto estimate = hn::ApproximateReciprocal(x);
    return hn::MulAdd(estimate, hn::NegMulAdd(x, estimate, one), estimate);
  }
#endif
  return hn::Div(one, x);
}

// 1 / (1 + exp(-x)) given t = exp(-|x|).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V sigmoid_from(D d, V x, V t) {
  const auto one = hn::Set(d, 1.0f);
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), t, one), hn::Add(one, t));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V sigmoid_of(D d, V x) {
  const auto most = hn::Set(d, 87.0f);
  const auto within = hn::IfThenElse(hn::Gt(hn::Abs(x), most), hn::CopySign(most, x), x);  // NaN stays
  return reciprocal_of(d, hn::Add(hn::Set(d, 1.0f), exp_within_range(d, hn::Neg(within))));
}

// exp x for any x, between exp(-87) and exp(87).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_of(D d, V x) {
  const auto e = exp_of_negative(d, hn::Neg(hn::Abs(x)));
  return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::Div(hn::Set(d, 1.0f), e), e);
}

// tanh x: a polynomial below 0.625, where (1 - t) / (1 + t) with t = exp(-2|x|) would lose digits.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V tanh_of(D d, V x) {
  const auto size = hn::Abs(x), x2 = hn::Mul(x, x), one = hn::Set(d, 1.0f);
  auto p = hn::Set(d, -5.70498872745e-3f);
  for (float c : {2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f})
    p = hn::MulAdd(p, x2, hn::Set(d, c));
  const auto small = hn::MulAdd(hn::Mul(p, x2), x, x);
  const auto t = exp_of_negative(d, hn::Mul(size, hn::Set(d, -2.0f)));
  const auto large = hn::CopySign(hn::Div(hn::Sub(one, t), hn::Add(one, t)), x);
  return hn::IfThenElse(hn::Lt(size, hn::Set(d, 0.625f)), small, large);
}

// ln(1 + t) for t in [0, 1], as 2 artanh(s) with s = t / (2 + t) <= 1/3, so that a small t keeps all its digits.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V log1p_of(D d, V t) {
  const auto s = hn::Div(t, hn::Add(t, hn::Set(d, 2.0f))), s2 = hn::Mul(s, s);
  auto p = hn::Set(d, 2.0f / 15);
  for (float c : {2.0f / 13, 2.0f / 11, 2.0f / 9, 2.0f / 7, 2.0f / 5, 2.0f / 3, 2.0f})
    p = hn::MulAdd(p, s2, hn::Set(d, c));
  return hn::Mul(s, p);
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
