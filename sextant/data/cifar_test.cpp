#include "sextant/data/cifar.h"

#include <gtest/gtest.h>

#include "sextant/data/test_support.h"

namespace sextant {
namespace {

std::string record(char label, char pixel) { return std::string(1, label) + std::string(kCifarPixels, pixel); }

std::string refusal(const std::string& bytes) {
  CifarRecords records;
  return error_text([&] { parse_cifar(bytes, "batch.bin", records); });
}

TEST(Cifar, RecordsOfSeveralFilesFollowEachOther) {
  CifarRecords records;
  parse_cifar(record(3, 'a') + record(9, 'b'), "x", records);
  parse_cifar(record(0, 'c'), "y", records);
  EXPECT_EQ(records.labels, (std::vector<uint8_t>{3, 9, 0}));
  EXPECT_EQ(records.pixels,
            std::string(kCifarPixels, 'a') + std::string(kCifarPixels, 'b') + std::string(kCifarPixels, 'c'));
}

TEST(Cifar, ShortLongOrEmptyIsRefused) {
  EXPECT_TRUE(has(refusal(""), "batch.bin has 0 bytes"));
  EXPECT_TRUE(has(refusal(record(1, 'a').substr(1)), "no multiple of the 3073"));
  EXPECT_TRUE(has(refusal(record(1, 'a') + "x"), "no multiple of the 3073"));
}

TEST(Cifar, ALabelAboveNineIsRefused) {
  EXPECT_TRUE(has(refusal(record(1, 'a') + record(10, 'a')), "record 1 has the label 10"));
  EXPECT_TRUE(has(refusal(record(static_cast<char>(255), 'a')), "label 255"));
}

}  // namespace
}  // namespace sextant
