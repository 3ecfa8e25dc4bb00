// Memory that a kernel needs for a moment: one growing block a thread and purpose, aligned to cache lines, never
// shrunk.
#pragma once

#include <hwy/aligned_allocator.h>

#include <cstddef>
#include <cstdint>
#include <new>

namespace sextant::kernels {

class ScratchBuffer {
 public:
  // At least `count` floats; what was in it is lost when it grows. Throws std::bad_alloc.
  float* get(int64_t count) {
    if (count > size_) {
      data_ = hwy::AllocateAligned<float>(static_cast<size_t>(count));
      size_ = data_ ? count : 0;
      if (!data_) throw std::bad_alloc();
    }
    return data_.get();
  }

 private:
  hwy::AlignedFreeUniquePtr<float[]> data_;
  int64_t size_ = 0;
};

}  // namespace sextant::kernels
