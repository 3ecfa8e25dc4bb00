// safetensors: what is accepted can be written again and then reads the same.
#include "sextant/base/safetensors.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sextant::fuzz(data, size, [](std::string_view bytes) {
    const auto file = sextant::SafetensorsFile::parse(std::string(bytes), "fuzz");
    const std::string written = sextant::encode_safetensors(file.tensors(), file.metadata());
    const auto again = sextant::SafetensorsFile::parse(written, "fuzz");
    sextant::require(again.metadata() == file.metadata() && again.tensors().size() == file.tensors().size());
    sextant::require(sextant::encode_safetensors(again.tensors(), again.metadata()) == written);
  });
}
