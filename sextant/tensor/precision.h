// The precision of the products inside convolutions, for layers that run on this thread: float32 unless a scope says
// otherwise. It changes how numbers are computed, not what a model is, so no layer has it among its options.
#pragma once

#include <array>
#include <utility>

#include "sextant/kernels/precision.h"

namespace sextant::kernels {
constexpr auto enum_names(Precision) {
  return std::array{std::pair{Precision::kFloat32, "fp32"}, std::pair{Precision::kBFloat16, "bf16"}};
}
}  // namespace sextant::kernels

namespace sextant {

using kernels::Precision;

// What stands beside every figure and run that products in bfloat16 made.
constexpr const char* kBFloat16Caution =
    "each factor keeps three digits; that losses and scores come out as in fp32 is not shown over several seeds";

Precision product_precision();

// Sets it for this thread, until the scope ends.
class PrecisionScope {
 public:
  explicit PrecisionScope(Precision precision);
  ~PrecisionScope();
  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;

 private:
  Precision before_;
};

}  // namespace sextant
