// What every vector kernel includes first, between its HWY_TARGET_INCLUDE and <hwy/foreach_target.h>: which instruction
// sets are built (SSSE3, SSE4, AVX2, AVX-512; NEON on ARM), and the arithmetic contract: a product and a sum are fused
// only where the source says MulAdd, so that all targets with fused multiply-add round alike. A kernel file holds its
// vector code once, in sextant::kernels::HWY_NAMESPACE, compiled per target; the plain code under HWY_ONCE checks
// arguments, shares work among threads and calls through HWY_DYNAMIC_DISPATCH.
// SVE's vectors have no size at compile time, so that no array or struct can hold them; such CPUs run NEON.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off")
#elif defined(__clang__)
#pragma clang fp contract(off)
#endif
