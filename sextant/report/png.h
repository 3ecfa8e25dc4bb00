// PNG files of grey or RGB pictures through libpng. No time stamp, no text: the same picture gives the same bytes with
// the same zlib.
#pragma once

#include <filesystem>
#include <string>

#include "sextant/report/picture.h"

namespace sextant {

// The bytes of an 8-bit PNG at the highest compression. Throws Error for a picture that contradicts itself.
std::string encode_png(const Picture& picture);

// encode_png, put under `file` in one step.
void write_png(const std::filesystem::path& file, const Picture& picture);

}  // namespace sextant
