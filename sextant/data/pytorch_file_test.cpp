// The files are PyTorch's own, in both of its forms: tests/goldens/state_dict.py says what they hold.
#include "sextant/data/pytorch_file.h"

#include <gtest/gtest.h>

#include <cstring>

#include "sextant/base/files.h"
#include "sextant/data/test_support.h"

namespace sextant {
namespace {

const std::string kFolder = "tests/fuzz/corpus/pytorch/";

template <class Number>
std::vector<Number> numbers(const TensorEntry& entry) {
  std::vector<Number> read(entry.bytes.size() / sizeof(Number));
  if (!read.empty()) std::memcpy(read.data(), entry.bytes.data(), read.size() * sizeof(Number));
  return read;
}

std::string refusal(const std::string& bytes) {
  return error_text([&] { PytorchFile::parse(bytes, "w.pth"); });
}

class PytorchFileForms : public testing::TestWithParam<const char*> {
 protected:
  const std::string bytes_ = read_file(kFolder + GetParam());
};

TEST_P(PytorchFileForms, EveryTensorIsReadAsItWasSaved) {
  const PytorchFile file = PytorchFile::parse(bytes_, "x");
  const auto& tensors = file.tensors();
  const auto expect = [&](const char* name, const char* dtype, const std::vector<int64_t>& shape, auto wanted) {
    ASSERT_TRUE(tensors.contains(name)) << name;
    EXPECT_EQ(tensors.at(name).dtype, dtype) << name;
    EXPECT_EQ(tensors.at(name).shape, shape) << name;
    EXPECT_EQ(numbers<typename decltype(wanted)::value_type>(tensors.at(name)), wanted) << name;
  };
  expect("rows", "F32", {2, 3}, std::vector<float>{-1, -0.75, -0.5, -0.25, 0, 0.25});
  expect("columns", "F32", {3, 2}, std::vector<float>{-1, -0.25, -0.75, 0, -0.5, 0.25});
  expect("last", "F32", {2}, std::vector<float>{0, 0.25});
  expect("parameter", "F32", {1, 3}, std::vector<float>{-1, -0.75, -0.5});
  expect("double", "F64", {2}, std::vector<double>{1.5, -2.5});
  expect("half", "F16", {1}, std::vector<uint16_t>{0x3800});
  expect("bfloat", "BF16", {1}, std::vector<uint16_t>{0xc000});
  expect("steps", "I64", {}, std::vector<int64_t>{(int64_t{1} << 40) + 7});
  expect("bytes", "U8", {2}, std::vector<uint8_t>{0, 255});
  expect("flags", "BOOL", {2}, std::vector<uint8_t>{1, 0});
  expect("empty", "F32", {0, 4}, std::vector<float>{});
  std::vector<int32_t> permuted;
  for (int32_t i = 0; i < 24; ++i) permuted.push_back(i % 6 * 4 + i / 6);
  expect("permuted", "I32", {4, 2, 3}, permuted);
  EXPECT_EQ(tensors.size(), 12u) << "the counter and the nested dictionary are passed over";
}

TEST_P(PytorchFileForms, AFileCutShortAnywhereIsRefused) {
  for (size_t size = 0; size < bytes_.size(); ++size) EXPECT_NE(refusal(bytes_.substr(0, size)), "") << size;
}

INSTANTIATE_TEST_SUITE_P(All, PytorchFileForms, testing::Values("archive.pth", "old.pth"));

TEST(PytorchFile, AnythingButADictionaryOfTensorsIsRefused) {
  const std::string old = read_file(kFolder + "old.pth");
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string bytes = old;
    return bytes.replace(bytes.find(from), from.size(), to);
  };
  EXPECT_TRUE(has(refusal(read_file(kFolder + "module.pth")), "Save the state dict alone"));
  EXPECT_TRUE(has(refusal("{}"), "is no file of torch.save"));
  EXPECT_TRUE(has(refusal(changed("torch._utils\n_rebuild_tensor_v2", "posixxxxxxxx\nsystemmmmmmmmmmmm1")),
                  "asks for 'posixxxxxxxx systemmmmmmmmmmmm1'"));
  EXPECT_TRUE(has(refusal(changed("torch\nFloatStorage", "torch\nFlockStorage")), "'torch FlockStorage'"));
  EXPECT_TRUE(has(refusal(changed("collections\nOrderedDict", "collections\nUnknownDict")), "no dictionary"));
}

TEST(PytorchFile, ADictionaryOfPython2IsRead) {
  const PytorchFile file = PytorchFile::parse(read_file(kFolder + "python2.pth"), "x");
  ASSERT_EQ(file.tensors().size(), 1u);
  EXPECT_EQ(numbers<float>(file.tensors().at("rows"))[3], -0.25f);
}

TEST(PytorchFile, ATensorThatRepeatsItsStorageIsRefused) {
  EXPECT_TRUE(has(refusal(read_file(kFolder + "expanded.pth")), "wide reaches beyond its storage, or repeats it"));
}

// The shape (2,3) becomes (200,3): K\x02K\x03\x86 in the pickle.
TEST(PytorchFile, ATensorBeyondItsStorageIsRefused) {
  std::string bytes = read_file(kFolder + "old.pth");
  const size_t at = bytes.find("K\x02K\x03\x86");
  ASSERT_NE(at, std::string::npos);
  bytes[at + 1] = static_cast<char>(200);
  EXPECT_TRUE(has(refusal(bytes), "rows reaches beyond its storage"));
}

}  // namespace
}  // namespace sextant
