#include "sextant/tensor/float32_scope.h"

#include "sextant/tensor/device.h"

namespace sextant {

Float32Scope::Float32Scope() : products_(Precision::kFloat32), tf32_before_(tf32_allowed()) { allow_tf32(false); }
Float32Scope::~Float32Scope() { allow_tf32(tf32_before_); }

}  // namespace sextant
