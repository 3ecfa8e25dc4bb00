#include "sextant/data/cifar.h"

#include "sextant/base/check.h"

namespace sextant {

void parse_cifar(std::string_view bytes, std::string_view source, CifarRecords& records) {
  SEXTANT_CHECK(!bytes.empty() && bytes.size() % kCifarRecord == 0, "[cifar] ", source, " has ", bytes.size(),
                " bytes, no multiple of the ", kCifarRecord,
                " that a record takes; it is cut short or no CIFAR-10 file in the binary layout");
  const size_t count = bytes.size() / kCifarRecord;
  for (size_t i = 0; i < count; ++i) {
    const auto label = static_cast<uint8_t>(bytes[i * kCifarRecord]);
    SEXTANT_CHECK(label < kCifarClasses, "[cifar] ", source, ": record ", i, " has the label ", int{label},
                  "; labels are 0 to 9, so this is no CIFAR-10 file in the binary layout");
  }
  records.pixels.reserve(records.pixels.size() + count * kCifarPixels);
  for (size_t i = 0; i < count; ++i) {
    records.labels.push_back(static_cast<uint8_t>(bytes[i * kCifarRecord]));
    records.pixels += bytes.substr(i * kCifarRecord + 1, kCifarPixels);
  }
}

}  // namespace sextant
