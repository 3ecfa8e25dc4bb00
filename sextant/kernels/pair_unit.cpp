#include "sextant/kernels/pair_unit.h"

#include "sextant/base/check.h"
#include "sextant/kernels/amx.h"
#include "sextant/kernels/precision.h"

namespace sextant::kernels {
namespace {

std::optional<PairUnit> chosen_for_test;

bool has_instruction() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx512bf16") != 0;
  return has;
#else
  return false;
#endif
}

}  // namespace

bool has_pair_unit(PairUnit unit) {
  if (unit == PairUnit::kEmulated) return true;
  return has_instruction() && (unit == PairUnit::kInstruction || amx::is_available());
}

PairUnit pair_unit() {
  if (chosen_for_test) return *chosen_for_test;
  if (has_pair_unit(PairUnit::kMatrix)) return PairUnit::kMatrix;
  return has_pair_unit(PairUnit::kInstruction) ? PairUnit::kInstruction : PairUnit::kEmulated;
}

void set_pair_unit_for_test(std::optional<PairUnit> unit) {
  SEXTANT_CHECK(!unit || has_pair_unit(*unit), "[kernels] this CPU has no such unit; ask has_pair_unit() first");
  chosen_for_test = unit;
}

bool has_bfloat16_products() { return has_pair_unit(PairUnit::kInstruction); }

}  // namespace sextant::kernels
