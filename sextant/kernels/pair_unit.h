// What multiplies pairs of bfloat16 on this CPU: same roundings of the factors, other orders of the sums.
#pragma once

#include <optional>

namespace sextant::kernels {

enum class PairUnit {
  kEmulated,     // by two multiply-adds of floats: slower than float32
  kInstruction,  // vdpbf16ps of AVX512_BF16
  kMatrix,       // AMX
};

// The fastest one of this CPU, or the one that a test has set.
PairUnit pair_unit();
bool has_pair_unit(PairUnit unit);
// For tests: nullopt lifts the choice. The unit must be one that the CPU has.
void set_pair_unit_for_test(std::optional<PairUnit> unit);

}  // namespace sextant::kernels
