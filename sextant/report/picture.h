// A picture in bytes: what the models' floats become before they reach a file or a page. Row-major, channels
// interleaved, grey or RGB, sRGB as it is. Only report/ turns numbers into such bytes.
#pragma once

#include <cstdint>
#include <vector>

namespace sextant {

struct Picture {
  int64_t width = 0, height = 0;
  int64_t channels = 1;              // 1: grey, 3: RGB
  std::vector<uint8_t> pixels = {};  // [height, width, channels]
};

// Throws Error, naming `where`, unless sizes are positive, channels are 1 or 3 and `pixels` has the matching length.
void check_picture(const Picture& picture, const char* where);

}  // namespace sextant
