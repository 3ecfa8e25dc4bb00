// gzip: no content beyond the limit; the head is the beginning of the whole.
#include "sextant/data/gzip.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sextant::fuzz(data, size, [](std::string_view bytes) {
    constexpr size_t kLimit = 4096;
    const std::string content = sextant::gunzip(bytes, kLimit, "fuzz");
    sextant::require(content.size() <= kLimit && content.starts_with(sextant::gunzip_head(bytes, 20, "fuzz")));
  });
}
