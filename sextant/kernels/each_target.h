// For tests: runs a body once on every instruction set that was built and that this CPU has.
#pragma once

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <string>

#include "sextant/kernels/simd.h"

namespace sextant::kernels {

constexpr int64_t kFusingTargets = HWY_AVX2 | HWY_AVX3 | HWY_NEON;  // those whose multiply-add rounds once

// body(target): target is one HWY_ bit; SCOPED_TRACE names it. The choice is lifted afterwards.
template <class Body>
void each_target(const Body& body) {
  hwy::SetSupportedTargetsForTest(0);
  const int64_t all = hwy::SupportedTargets() & HWY_TARGETS;
  for (int64_t rest = all; rest != 0; rest &= rest - 1) {
    const int64_t target = rest & -rest;
    SCOPED_TRACE(std::string("target ") + hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    body(target);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace sextant::kernels
