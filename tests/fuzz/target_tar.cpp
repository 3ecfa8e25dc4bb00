// tar: what is taken out is what was asked for.
#include "sextant/data/tar.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sextant::fuzz(data, size, [](std::string_view bytes) {
    const auto files = sextant::untar(bytes, {{"a.bin", 3}, {"b.bin", 600}}, "fuzz");
    sextant::require(files.size() == 2 && files.at("a.bin").size() == 3 && files.at("b.bin").size() == 600);
  });
}
