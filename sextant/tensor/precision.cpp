#include "sextant/tensor/precision.h"

namespace sextant {
namespace {
thread_local Precision current = Precision::kFloat32;
}

Precision product_precision() { return current; }

PrecisionScope::PrecisionScope(Precision precision) : before_(current) { current = precision; }
PrecisionScope::~PrecisionScope() { current = before_; }

}  // namespace sextant
