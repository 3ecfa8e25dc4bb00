// The binary layout of CIFAR-10: records of one label byte and 3072 pixels, red plane, green plane, blue plane, rows
// from the top (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sextant {

inline constexpr int64_t kCifarSide = 32, kCifarChannels = 3, kCifarClasses = 10;
inline constexpr size_t kCifarPixels = 3072, kCifarRecord = 1 + kCifarPixels;

// Pictures [3,32,32] end to end, and a label in 0 … 9 for each.
struct CifarRecords {
  std::string pixels;
  std::vector<uint8_t> labels;
};

// Appends the records of one file to `records`. Throws Error naming `source` unless it has one record or more, all
// whole, and each label is below 10.
void parse_cifar(std::string_view bytes, std::string_view source, CifarRecords& records);

}  // namespace sextant
