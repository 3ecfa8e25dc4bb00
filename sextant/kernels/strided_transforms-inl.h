// The transforms of F(4x4,2x2) with the points 0, 1, -1, 2 and infinity (Lavin & Gray 2016; the fractions stand on the
// weights' side), on vectors of channels. Included inside the loop over targets, hence the toggled guard.
//   correlation of 5 inputs d with 2 taps g:  4 outputs  y = A^T [(G g) * (B^T d)]
//   the same bilinear form turned over:       2 taps     g = G^T [(A u) * (B^T d)]  from 4 outputs' gradients u
#if defined(SEXTANT_KERNELS_STRIDED_TRANSFORMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEXTANT_KERNELS_STRIDED_TRANSFORMS_INL_H
#undef SEXTANT_KERNELS_STRIDED_TRANSFORMS_INL_H
#else
#define SEXTANT_KERNELS_STRIDED_TRANSFORMS_INL_H
#endif

#include "sextant/kernels/channels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {

// Each maps numbers that lie `step` apart in place of an array to an array; V is a vector or a float.
struct InputTransform {  // B^T: 5 -> 5
  static constexpr int kFrom = 5, kTo = 5;
  template <class V>
  static HWY_INLINE void run(const V* d, int step, V* to, int to_step) {
    const Floats f;
    const auto two = hn::Set(f, 2.0f), three = hn::Set(f, 3.0f);
    const V d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
    const V d31 = hn::Sub(d3, d1);
    to[0] = hn::Add(hn::MulAdd(two, hn::Sub(d[0], d2), d3), hn::Neg(d1));
    to[to_step] = hn::NegMulAdd(two, d1, hn::Sub(d3, d2));
    to[2 * to_step] = hn::MulAdd(two, d1, hn::NegMulAdd(three, d2, d3));
    to[3 * to_step] = d31;
    to[4 * to_step] = hn::NegMulAdd(two, d31, hn::Sub(d[4 * step], d2));
  }
};
struct OutputTransform {  // A^T: 5 -> 4
  static constexpr int kFrom = 5, kTo = 4;
  template <class V>
  static HWY_INLINE void run(const V* m, int step, V* to, int to_step) {
    const Floats f;
    const V m1 = m[step], m2 = m[2 * step], m3 = m[3 * step];
    const V sum = hn::Add(m1, m2), difference = hn::Sub(m1, m2);
    to[0] = hn::Add(hn::Add(m[0], sum), m3);
    to[to_step] = hn::MulAdd(hn::Set(f, 2.0f), m3, difference);
    to[2 * to_step] = hn::MulAdd(hn::Set(f, 4.0f), m3, sum);
    to[3 * to_step] = hn::Add(hn::MulAdd(hn::Set(f, 8.0f), m3, difference), m[4 * step]);
  }
};
struct GradientTransform {  // A: 4 -> 5
  static constexpr int kFrom = 4, kTo = 5;
  template <class V>
  static HWY_INLINE void run(const V* u, int step, V* to, int to_step) {
    const Floats f;
    const V u0 = u[0], u1 = u[step], u2 = u[2 * step], u3 = u[3 * step];
    const V even = hn::Add(u0, u2), odd = hn::Add(u1, u3);
    to[0] = u0;
    to[to_step] = hn::Add(even, odd);
    to[2 * to_step] = hn::Sub(even, odd);
    to[3 * to_step] =
        hn::MulAdd(hn::Set(f, 8.0f), u3, hn::MulAdd(hn::Set(f, 4.0f), u2, hn::MulAdd(hn::Set(f, 2.0f), u1, u0)));
    to[4 * to_step] = u3;
  }
};
struct WeightTransform {  // G: 2 -> 5
  static constexpr int kFrom = 2, kTo = 5;
  template <class V>
  static HWY_INLINE void run(const V* g, int step, V* to, int to_step) {
    const Floats f;
    const V g0 = g[0], g1 = g[step], half = hn::Set(f, 0.5f), sixth = hn::Set(f, 1.0f / 6);
    to[0] = hn::Mul(half, g0);
    to[to_step] = hn::Neg(hn::Mul(half, hn::Add(g0, g1)));
    to[2 * to_step] = hn::Mul(sixth, hn::Sub(g1, g0));
    to[3 * to_step] = hn::Mul(sixth, hn::Add(g0, hn::Add(g1, g1)));
    to[4 * to_step] = g1;
  }
};
struct TapTransform {  // G^T: 5 -> 2
  static constexpr int kFrom = 5, kTo = 2;
  template <class V>
  static HWY_INLINE void run(const V* m, int step, V* to, int to_step) {
    const Floats f;
    const V m1 = m[step], m2 = m[2 * step], m3 = m[3 * step];
    const V half = hn::Set(f, 0.5f), sixth = hn::Set(f, 1.0f / 6);
    to[0] = hn::MulAdd(half, hn::Sub(m[0], m1), hn::Mul(sixth, hn::Sub(m3, m2)));
    to[to_step] = hn::Add(hn::MulAdd(sixth, hn::Add(m2, hn::Add(m3, m3)), hn::Neg(hn::Mul(half, m1))), m[4 * step]);
  }
};

// Both dimensions: from [kFrom][kFrom] to [kTo][kTo].
template <class T, class V>
HWY_INLINE void transform_square(const V* from, V* to) {
  V half[T::kFrom * T::kTo];
  for (int r = 0; r < T::kFrom; ++r) T::run(from + r * T::kFrom, 1, half + r * T::kTo, 1);
  for (int c = 0; c < T::kTo; ++c) T::run(half + c, T::kTo, to + c, T::kTo);
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
