// JSON as records and logs hold it.
#include "sextant/base/json.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sextant::fuzz(data, size, [](std::string_view bytes) {
    const sextant::Json json = sextant::parse_json(bytes, "fuzz");
    sextant::require(sextant::parse_json(json.dump(), "itself") == json);
  });
}
