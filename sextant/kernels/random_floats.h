// For tests and benchmarks: reproducible buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sextant/kernels/philox.h"

namespace sextant::kernels {

inline std::vector<float> random_normals(int64_t count, uint64_t key) {
  std::vector<float> x(static_cast<size_t>(count));
  philox_normal(key, 0, x.data(), count);
  return x;
}

}  // namespace sextant::kernels
