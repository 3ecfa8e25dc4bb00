// Numbers as file formats hold them, lowest byte first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sextant {

// The unsigned number that `bytes`, at most eight, spell.
constexpr uint64_t little_endian(std::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = bytes.size(); i-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

}  // namespace sextant
