// Squares of 4 x 4 floats turned over in registers. Included inside the loop over targets, hence the toggled guard.
#if defined(SEXTANT_KERNELS_TRANSPOSE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEXTANT_KERNELS_TRANSPOSE_INL_H
#undef SEXTANT_KERNELS_TRANSPOSE_INL_H
#else
#define SEXTANT_KERNELS_TRANSPOSE_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Rows r0 to r3 of a square, or of one square in each quarter of 128 bits; its columns to `to`, `stride` floats apart.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void store_transposed(D d, V r0, V r1, V r2, V r3, float* to, int64_t stride) {
  const hn::RepartitionToWide<D> dw;
  const auto pair = [&](auto v) { return hn::BitCast(dw, v); };
  const auto whole = [&](auto v) { return hn::BitCast(d, v); };
  const auto low01 = pair(hn::InterleaveLower(d, r0, r1)), low23 = pair(hn::InterleaveLower(d, r2, r3));
  const auto high01 = pair(hn::InterleaveUpper(d, r0, r1)), high23 = pair(hn::InterleaveUpper(d, r2, r3));
  hn::StoreU(whole(hn::InterleaveLower(dw, low01, low23)), d, to);
  hn::StoreU(whole(hn::InterleaveUpper(dw, low01, low23)), d, to + stride);
  hn::StoreU(whole(hn::InterleaveLower(dw, high01, high23)), d, to + 2 * stride);
  hn::StoreU(whole(hn::InterleaveUpper(dw, high01, high23)), d, to + 3 * stride);
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
