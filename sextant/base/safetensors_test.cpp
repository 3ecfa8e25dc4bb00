#include "sextant/base/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>

#include "sextant/base/check.h"

namespace sextant {
namespace {

// A file with the header and the data given.
std::string file_of(const std::string& header, const std::string& data = {}) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), 8) + header + data;
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return concat('"', name, R"(":{"dtype":")", dtype, R"(","shape":)", shape, R"(,"data_offsets":)", offsets, "}");
}

// What parse says against the bytes; empty when it takes them.
std::string complaint(const std::string& bytes) {
  try {
    SafetensorsFile::parse(bytes, "x.safetensors");
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

void expect_refused(const std::string& bytes, const std::string& word) {
  const std::string text = complaint(bytes);
  EXPECT_NE(text.find(word), std::string::npos) << "expected: " << word << "\n     got: " << text;
  EXPECT_NE(text.find("x.safetensors"), std::string::npos) << text;
}

std::map<std::string, TensorEntry> sample() {
  return {{"w", {.dtype = "F32", .shape = {2, 3}, .bytes = "abcdefghijklmnopqrstuvwx"}},
          {"mask", {.dtype = "BOOL", .shape = {3}, .bytes = std::string_view("\0\1\0", 3)}},
          {"none", {.dtype = "I64", .shape = {0, 4}, .bytes = {}}},
          {"scalar", {.dtype = "F64", .shape = {}, .bytes = "12345678"}}};
}

TEST(Safetensors, ReadingGivesWhatWasWritten) {
  const std::map<std::string, std::string> metadata{{"recipe", "vae \"x\"\n"}, {"seed", "0"}};
  const std::string bytes = encode_safetensors(sample(), metadata);
  const SafetensorsFile file = SafetensorsFile::parse(bytes, "x");
  EXPECT_EQ(file.metadata(), metadata);
  ASSERT_EQ(file.tensors().size(), sample().size());
  for (const auto& [name, wanted] : sample()) {
    const TensorEntry& got = file.tensors().at(name);
    EXPECT_EQ(got.dtype, wanted.dtype) << name;
    EXPECT_EQ(got.shape, wanted.shape) << name;
    EXPECT_EQ(got.bytes, wanted.bytes) << name;
  }
  EXPECT_EQ(encode_safetensors(file.tensors(), file.metadata()), bytes);
}

TEST(Safetensors, DataStartsAtAMultipleOf64AndEachTensorIsAligned) {
  const std::string bytes = encode_safetensors(sample());
  const SafetensorsFile file = SafetensorsFile::parse(bytes, "x");
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  EXPECT_EQ((8 + header) % 64, 0u);
  EXPECT_EQ(bytes.size(), 8 + header + 8 + 24 + 3);
  const char* data = file.tensors().at("scalar").bytes.data();
  EXPECT_EQ((file.tensors().at("w").bytes.data() - data) % 4, 0);
}

TEST(Safetensors, AnEmptyFileOfTheFormatIsSound) {
  EXPECT_EQ(complaint(file_of("{}")), "");
  EXPECT_TRUE(SafetensorsFile::parse(encode_safetensors({}), "x").tensors().empty());
}

TEST(Safetensors, AFileMadeByTheReferenceImplementationIsRead) {
  // safetensors.numpy.save({"b": float32 [1, 2], "a": uint8 [7]}, metadata={"k": "v"}) of the Python package 0.8.0.
  const std::string header =
      R"({"__metadata__":{"k":"v"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[1],"data_offsets":[8,9]}})";
  const SafetensorsFile file =
      SafetensorsFile::parse(file_of(header + std::string(5, ' '), std::string("\0\0\x80\x3f\0\0\0\x40\x07", 9)), "x");
  float values[2];
  std::memcpy(values, file.tensors().at("b").bytes.data(), 8);
  EXPECT_EQ(values[0], 1.0f);
  EXPECT_EQ(values[1], 2.0f);
  EXPECT_EQ(file.tensors().at("a").bytes, "\x07");
  EXPECT_EQ(file.metadata().at("k"), "v");
}

TEST(Safetensors, CutShortAnywhereOrProlongedIsRefused) {
  const std::string bytes = encode_safetensors(sample());
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_NE(complaint(bytes.substr(0, size)), "") << size;
  expect_refused(bytes + "x", "belong to no tensor");
}

TEST(Safetensors, HeaderLengthIsCheckedAgainstTheFile) {
  expect_refused(std::string(8, '\xff') + "{}", "claims a header of 18446744073709551615 bytes");
  expect_refused("abc", "has 3 bytes");
}

TEST(Safetensors, HeaderMustBeAnObjectOfEntries) {
  expect_refused(file_of("[]"), "no JSON object");
  expect_refused(file_of("{\"a\":"), "no JSON");
  expect_refused(file_of("{\"a\":3}"), "exactly dtype, shape and data_offsets");
  expect_refused(file_of("{" + entry("a", "F32", "[0]", "[0,0],\"more\":1") + "}"), "exactly dtype");
  expect_refused(file_of(R"({"__metadata__":{"k":1}})"), "is no string");
  expect_refused(file_of(R"({"__metadata__":"k"})"), "no JSON object");
  expect_refused(file_of("{\"a\":" + std::string(100000, '[')), "nests deeper");
  expect_refused(file_of("{" + entry("a", "F32", "[0]", "[0,0]") + "," + entry("a", "F32", "[0]", "[0,0]") + "}"),
                 "\"a\" comes twice");
  expect_refused(file_of(R"({"a":{"dtype":"U8","shape":[0],"shape":[0],"data_offsets":[0,0]}})"),
                 "\"shape\" comes twice");
}

TEST(Safetensors, TypeShapeAndOffsetsMustAgree) {
  const std::string data(8, 'x');
  const auto one = [&](const char* dtype, const char* shape, const char* offsets) {
    return file_of("{" + entry("a", dtype, shape, offsets) + "}", data);
  };
  EXPECT_EQ(complaint(one("F32", "[2]", "[0,8]")), "");
  expect_refused(one("F31", "[2]", "[0,8]"), "unknown dtype \"F31\"");
  expect_refused(one("F32", "[3]", "[0,8]"), "don't give");
  expect_refused(one("F32", "[-2]", "[0,8]"), "no list of sizes");
  expect_refused(one("F32", "[2.0]", "[0,8]"), "no list of sizes");
  expect_refused(one("F32", "\"2\"", "[0,8]"), "no list of sizes");
  expect_refused(one("F32", "[4611686018427387904,4611686018427387904,2]", "[0,8]"), "don't give");
  expect_refused(one("F32", "[4611686018427387906]", "[0,8]"), "don't give");  // 8 modulo 2^64
  expect_refused(one("F32", "[18446744073709551615]", "[0,8]"), "no list of sizes");
  expect_refused(one("F32", "[2]", "[0,12]"), "cut short");
  expect_refused(one("F32", "[2]", "[8,0]"), "cut short");
  expect_refused(one("F32", "[2]", "[0]"), "two data_offsets");
  expect_refused(one("F32", "[1]", "[0,4]"), "belong to no tensor");
}

TEST(Safetensors, OverlapsAndGapsAreRefused) {
  const auto two = [](const char* a, const char* b) {
    return file_of("{" + entry("a", "U8", "[4]", a) + "," + entry("b", "U8", "[4]", b) + "}", "12345678");
  };
  EXPECT_EQ(complaint(two("[4,8]", "[0,4]")), "");
  expect_refused(two("[0,4]", "[0,4]"), "overlap or leave a gap");
  expect_refused(two("[0,4]", "[3,7]"), "overlap or leave a gap");
  expect_refused(
      file_of("{" + entry("a", "U8", "[3]", "[0,3]") + "," + entry("b", "U8", "[4]", "[4,8]") + "}", "12345678"),
      "overlap or leave a gap");
}

TEST(Safetensors, WritingRefusesWhatReadingWould) {
  EXPECT_THROW(encode_safetensors({{"a", {.dtype = "F32", .shape = {2}, .bytes = "1234"}}}), Error);
  EXPECT_THROW(encode_safetensors({{"a", {.dtype = "F3", .shape = {}, .bytes = "1234"}}}), Error);
  EXPECT_THROW(encode_safetensors({{"__metadata__", {.dtype = "U8", .shape = {0}, .bytes = {}}}}), Error);
  EXPECT_THROW(encode_safetensors({{"\xff", {.dtype = "U8", .shape = {0}, .bytes = {}}}}), Error);
}

}  // namespace
}  // namespace sextant
