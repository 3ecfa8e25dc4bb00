// Products of bfloat16, two at a time: the 32 bits of a float hold a pair, the first in the low half. So pairs travel
// through the same pointers, strides and tiles as floats, and a matrix of depth K is one of K/2 pairs. Included inside
// the loop over targets, hence the toggled guard.
#if defined(SEXTANT_KERNELS_BFLOAT16_PAIRS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEXTANT_KERNELS_BFLOAT16_PAIRS_INL_H
#undef SEXTANT_KERNELS_BFLOAT16_PAIRS_INL_H
#else
#define SEXTANT_KERNELS_BFLOAT16_PAIRS_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "sextant/kernels/register_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
using Bits = hn::RebindToUnsigned<Floats>;

// v rounded to bfloat16, in the upper half of each lane; what is below it is not cleared. Infinity and the usual NaN
// stay.
HWY_INLINE hn::Vec<Bits> rounded_bits(FloatVec v) { return hn::Add(hn::BitCast(Bits(), v), hn::Set(Bits(), 0x8000)); }

// The first halves of some pairs at `to`, the second ones zero; and the second ones of pairs whose first ones are
// there.
HWY_INLINE void store_first_halves(FloatVec v, float* to) {
  hn::StoreU(hn::BitCast(Floats(), hn::ShiftRight<16>(rounded_bits(v))), Floats(), to);
}
HWY_INLINE void store_second_halves(FloatVec v, float* to) {
  const auto first = hn::BitCast(Bits(), hn::LoadU(Floats(), to));
  const auto second = hn::And(rounded_bits(v), hn::Set(Bits(), 0xFFFF0000u));
  hn::StoreU(hn::BitCast(Floats(), hn::Or(first, second)), Floats(), to);
}

// sum += first * first + second * second, for any CPU.
struct PairProducts {
  static constexpr bool kByMatrixUnit = false;
  static HWY_INLINE FloatVec accumulate(FloatVec a, FloatVec b, FloatVec sum) {
    return hn::MulAdd(second(a), second(b), hn::MulAdd(first(a), first(b), sum));
  }

 private:
  static HWY_INLINE FloatVec first(FloatVec pairs) {
    return hn::BitCast(Floats(), hn::ShiftLeft<16>(hn::BitCast(Bits(), pairs)));
  }
  static HWY_INLINE FloatVec second(FloatVec pairs) {
    return hn::BitCast(Floats(), hn::And(hn::BitCast(Bits(), pairs), hn::Set(Bits(), 0xFFFF0000u)));
  }
};

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
// The same by the instruction of AVX512_BF16, which Highway 1.0.3 does not know; to be used where the CPU has it.
struct NativePairProducts {
  static constexpr bool kByMatrixUnit = false;
  static HWY_INLINE FloatVec accumulate(FloatVec a, FloatVec b, FloatVec sum) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(b.raw), "v"(a.raw));
    return sum;
  }
};
#else
using NativePairProducts = PairProducts;
#endif

// The same by the matrix unit, which takes over a whole product: see point_product. A target without 512 bits stands
// for a CPU that has none.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
struct MatrixPairProducts {
  static constexpr bool kByMatrixUnit = true;
};
#else
using MatrixPairProducts = PairProducts;
#endif

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
