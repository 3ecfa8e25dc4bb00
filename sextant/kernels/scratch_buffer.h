// Memory that a kernel needs for a moment: one growing block a thread and purpose, aligned to cache lines, never
// shrunk.
#pragma once

#include <hwy/aligned_allocator.h>

#include <cstddef>
#include <cstdint>

namespace sextant::kernels {

class ScratchBuffer {
 public:
  // At least `count` floats; what was in it is lost when it grows.
  float* get(int64_t count) {
    if (count > size_) {
      data_ = hwy::AllocateAligned<float>(static_cast<size_t>(count));
      size_ = data_ ? count : 0;
    }
    return data_.get();
  }

 private:
  hwy::AlignedFreeUniquePtr<float[]> data_;
  int64_t size_ = 0;
};

}  // namespace sextant::kernels
