// torch.save's files: what is accepted holds as many bytes as its shape says, all of them readable.
#include <numeric>

#include "sextant/data/pytorch_file.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sextant::fuzz(data, size, [](std::string_view bytes) {
    const auto file = sextant::PytorchFile::parse(std::string(bytes), "fuzz");
    for (const auto& [name, entry] : file.tensors()) {
      int64_t wanted = sextant::safetensors_type_size(entry.dtype);
      for (const int64_t dim : entry.shape) wanted *= dim;
      sextant::require(static_cast<int64_t>(entry.bytes.size()) == wanted);
      const volatile unsigned sum = std::accumulate(entry.bytes.begin(), entry.bytes.end(), 0u);
      (void)sum;
    }
  });
}
