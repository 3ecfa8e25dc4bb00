// CIFAR-10 records: a label below 10 for each picture.
#include "sextant/data/cifar.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sextant::fuzz(data, size, [](std::string_view bytes) {
    sextant::CifarRecords records;
    sextant::parse_cifar(bytes, "fuzz", records);
    sextant::require(records.pixels.size() == records.labels.size() * sextant::kCifarPixels);
    for (const uint8_t label : records.labels) sextant::require(label < sextant::kCifarClasses);
  });
}
