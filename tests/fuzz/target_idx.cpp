// IDX, plain and compressed: an accepted array has as many elements as its shape says.
#include "sextant/data/idx.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sextant::fuzz(data, size, [](std::string_view bytes) {
    const sextant::IdxArray array = sextant::parse_idx(std::string(bytes), "fuzz");
    size_t elements = 1;
    for (const int64_t dim : array.shape) elements *= static_cast<size_t>(dim);
    sextant::require(elements == array.elements().size());
  });
}
