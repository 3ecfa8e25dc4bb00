// Pictures from PNG and JPEG bytes (libpng, libjpeg-turbo), and their crop and scale. Sizes are checked before memory
// is taken. What libjpeg only warns of is an error too: it would paint grey over what is missing.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sextant {

// 8-bit red, green, blue, row by row from the top: bytes are [H,W,3]. Grey pictures have three equal channels.
struct Raster {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> bytes;
};

inline constexpr int64_t kMaxRasterSide = 32768, kMaxRasterPixels = int64_t{1} << 26;

// Decodes by the first bytes, whatever the file is called. Transparent parts are laid on white, 16 bits are rounded
// to 8; a PNG that states another gamma than sRGB's is converted to it. Throws Error naming `source` when it is neither
// PNG nor JPEG, cut short, damaged, or larger than the limits above.
Raster decode_raster(std::string_view bytes, std::string_view source);

// The largest square in the middle, scaled to side x side pixels with a triangle filter as wide as the scale needs
// (no aliasing when it shrinks, bilinear when it grows).
Raster centre_square(const Raster& raster, int64_t side);

}  // namespace sextant
