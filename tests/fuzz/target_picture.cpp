// PNG and JPEG: an accepted picture has all its pixels and can be scaled.
#include "sextant/data/raster.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sextant::fuzz(data, size, [](std::string_view bytes) {
    const sextant::Raster raster = sextant::decode_raster(bytes, "fuzz");
    sextant::require(raster.bytes.size() == static_cast<size_t>(raster.width * raster.height * 3));
    sextant::require(sextant::centre_square(raster, 4).bytes.size() == 48);
  });
}
