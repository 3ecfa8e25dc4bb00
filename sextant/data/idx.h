// IDX, the format of MNIST: two zero bytes, the type of an element, the number of dimensions, each dimension as a
// big-endian 32-bit number, the elements. Read plain or compressed with gzip. Header and length are checked before the
// elements get their memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sextant {

// An array of bytes. `plain` is the whole file without compression, so that it can be hashed; the elements follow the
// header.
struct IdxArray {
  std::vector<int64_t> shape;
  std::string plain;
  size_t header_bytes = 0;
  std::string_view elements() const { return std::string_view(plain).substr(header_bytes); }
};

// Takes a file's bytes, plain or gzip. Throws Error naming `source` unless they are an IDX file of unsigned bytes (the
// type of every set in the catalogue) with one to four dimensions and exactly as many elements as these say.
IdxArray parse_idx(std::string bytes, std::string_view source);

}  // namespace sextant
