// Full float32, whatever else this process was asked for: what measures must not change with what is measured.
#pragma once

#include "sextant/tensor/precision.h"

namespace sextant {

// While it lives, products on this thread's CPU kernels are float32, and convolutions on CUDA multiply without TF32 (in
// the whole process).
class Float32Scope {
 public:
  Float32Scope();
  ~Float32Scope();
  Float32Scope(const Float32Scope&) = delete;
  Float32Scope& operator=(const Float32Scope&) = delete;

 private:
  PrecisionScope products_;
  bool tf32_before_;
};

}  // namespace sextant
