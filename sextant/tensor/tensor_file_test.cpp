#include "sextant/tensor/tensor_file.h"

#include <gtest/gtest.h>

#include "sextant/base/check.h"
#include "sextant/base/files.h"
#include "sextant/base/scratch.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

std::string message(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(TensorFile, EveryTypeAndLayoutComesBackEqual) {
  const ScratchFolder scratch;
  const auto file = scratch.path() / "t.safetensors";
  NamedTensors tensors;
  for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16, at::kHalf, at::kByte, at::kChar, at::kInt, at::kLong})
    tensors[c10::toString(type)] = torch::arange(24).view({2, 3, 4}).to(type);
  tensors["bool"] = torch::arange(5) % 2 == 0;
  tensors["transposed"] = torch::arange(6.0).view({2, 3}).t();
  tensors["channels last"] = torch::arange(48.0).view({1, 3, 4, 4}).contiguous(at::MemoryFormat::ChannelsLast);
  tensors["empty"] = torch::empty({0, 3});
  tensors["scalar"] = torch::tensor(2.5);
  save_tensors(file, tensors, {{"key", "värde"}});
  const TensorFile loaded = load_tensors(file);
  ASSERT_EQ(loaded.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) EXPECT_TRUE(loaded.tensors.at(name).equal(tensor)) << name;
  EXPECT_EQ(loaded.metadata.at("key"), "värde");
}

TEST(TensorFile, EqualContentGivesEqualBytes) {
  const ScratchFolder scratch;
  const Tensor x = torch::arange(12.0).view({3, 4});
  save_tensors(scratch.path() / "a", {{"x", x}});
  save_tensors(scratch.path() / "b", {{"x", x.t().contiguous().t()}});
  EXPECT_EQ(read_file(scratch.path() / "a"), read_file(scratch.path() / "b"));
}

// A flipped byte of the header is refused or gives tensors that lie within the file; one of a number changes that
// number.
TEST(TensorFile, AFlippedByteDoesNoMoreThanItSaysAndAMissingOneIsRefused) {
  const ScratchFolder scratch;
  const auto file = scratch.path() / "t";
  save_tensors(file, {{"x", torch::arange(8.0)}, {"y", torch::ones({2, 2})}});
  const std::string good = read_file(file);
  const NamedTensors whole = load_tensors(file).tensors;
  constexpr size_t kNumbers = 12;
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x15);
    write_file(file, bad);
    if (i >= good.size() - kNumbers * sizeof(float)) {
      int64_t changed = 0;
      for (const auto& [name, tensor] : load_tensors(file).tensors)
        changed += (tensor != whole.at(name)).sum().item<int64_t>();
      EXPECT_EQ(changed, 1) << "byte " << i;
    } else {
      try {
        int64_t bytes = 0;
        for (const auto& [name, tensor] : load_tensors(file).tensors) bytes += static_cast<int64_t>(tensor.nbytes());
        EXPECT_LE(bytes, static_cast<int64_t>(kNumbers * sizeof(float))) << "byte " << i;
      } catch (const Error&) {  // most of them
      }
    }
    write_file(file, good.substr(0, i));
    EXPECT_THROW(load_tensors(file), Error) << "cut at " << i;
  }
}

TEST(TensorFile, WeightsOfAnotherArchitectureAreNamed) {
  const NamedTensors model = {{"a", torch::zeros({2, 2})}, {"b", torch::zeros({3})}};
  EXPECT_NE(message([&] {
              copy_tensors_(model, {{"a", torch::ones({2, 2})}}, "w");
            }).find("lacks b"),
            std::string::npos);
  EXPECT_NE(message([&] {
              copy_tensors_(model, {{"a", torch::ones({2, 3})}, {"b", torch::ones({3})}}, "w");
            }).find("[2,3], wanted is [2,2]"),
            std::string::npos);
  EXPECT_NE(message([&] {
              copy_tensors_(model, {{"a", torch::ones({2, 2})}, {"b", torch::ones({3})}, {"c", torch::ones({1})}}, "w");
            }).find("holds c"),
            std::string::npos);
  EXPECT_EQ(model.at("a").sum().item<double>(), 0);  // nothing is copied before all is checked
  copy_tensors_(model, {{"a", torch::ones({2, 2})}, {"b", torch::ones({3})}}, "w");
  EXPECT_EQ(model.at("a").sum().item<double>(), 4);
}

TEST(Shape, OneValueAnItemBroadcasts) {
  const Tensor x = torch::ones({2, 3, 4});
  EXPECT_TRUE((x * per_item(torch::tensor({2.0, 3.0}), x)).select(0, 1).equal(3 * torch::ones({3, 4})));
  EXPECT_THROW(per_item(torch::ones({3}), x), Error);
  EXPECT_NE(message([&] {
              check_items("vae", x, {1, 28, 28});
            }).find("[vae] expected items of shape [1,28,28]; got"),
            std::string::npos);
}

}  // namespace
}  // namespace sextant
