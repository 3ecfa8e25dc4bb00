// In which numbers matrix products multiply. Sums are float32 in both, and so is everything outside the products.
#pragma once

namespace sextant::kernels {

// kBFloat16: both factors are rounded to bfloat16 (8 bits of mantissa, to nearest, ties away from zero).
enum class Precision { kFloat32, kBFloat16 };

// Has this CPU an instruction that multiplies pairs of bfloat16? Without one kBFloat16 is emulated: the same rounding,
// and slower than float32.
bool has_bfloat16_products();

}  // namespace sextant::kernels
