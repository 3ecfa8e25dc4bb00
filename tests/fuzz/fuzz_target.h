// What the fuzz targets share. A target reads the bytes; sextant::Error is the right answer to bad ones, anything else
// that happens is a finding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sextant/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace sextant {

template <class Read>
int fuzz(const uint8_t* data, size_t size, const Read& read) {
  try {
    read(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const Error&) {  // refused, as it should be
  }
  return 0;
}

// A law that must hold of whatever was accepted.
inline void require(bool law) {
  if (!law) std::abort();
}

}  // namespace sextant
