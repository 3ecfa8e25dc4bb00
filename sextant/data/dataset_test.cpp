#include "sextant/data/dataset.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "sextant/base/files.h"
#include "sextant/base/scratch.h"
#include "sextant/data/cifar.h"
#include "sextant/data/test_support.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;

TEST(LoadDataset, MnistHasItsKnownContent) {
  const Dataset mnist = load_dataset({});
  EXPECT_EQ(mnist.train.x.sizes(), (std::vector<int64_t>{60000, 1, 28, 28}));
  EXPECT_EQ(mnist.test.x.sizes(), (std::vector<int64_t>{10000, 1, 28, 28}));
  EXPECT_EQ(mnist.classes, 10);
  EXPECT_EQ(mnist.train.labels[0].item<int64_t>(), 5);
  EXPECT_EQ(mnist.test.labels[0].item<int64_t>(), 7);
  EXPECT_NEAR(mnist.train.x.to(at::kFloat).mean().item<double>() / 255, 0.1307, 5e-5);  // the mean that is often quoted
}

TEST(LoadDataset, LimitsTakeTheFirstItemsAndShowInTheHash) {
  const Dataset all = load_dataset({.name = "two_moons", .toy_size = 50});
  const Dataset some = load_dataset({.name = "two_moons", .limit = 20, .test_limit = 10, .toy_size = 50});
  EXPECT_EQ(some.train.size(), 20);
  EXPECT_EQ(some.test.size(), 10);
  EXPECT_TRUE(at::equal(some.train.x, all.train.x.narrow(0, 0, 20)));
  EXPECT_EQ(some.content_hash.size(), 64u);
  EXPECT_NE(some.content_hash, all.content_hash);
  EXPECT_EQ(all.content_hash, load_dataset({.name = "two_moons", .toy_size = 50}).content_hash);
  EXPECT_THROW(load_dataset({.name = "two_moons", .limit = 51, .toy_size = 50}), UsageError);
}

TEST(LoadDataset, UnknownNamesAndMisplacedOptionsAreUsageErrors) {
  EXPECT_THROW(load_dataset({.name = "imagenet"}), UsageError);
  EXPECT_THROW(load_dataset({.image_size = 64}), UsageError);
  EXPECT_THROW(load_dataset({.name = "folder"}), UsageError);
}

TEST(LoadDataset, ASetThatIsNotAtHandNamesBothRemedies) {
  const ScratchFolder scratch;
  const std::string text = error_text([&] { load_dataset({.name = "cifar10", .path = scratch.path().string()}); });
  EXPECT_TRUE(has(text, "sextant data fetch cifar10") && has(text, "sextant data add cifar10 PATH")) << text;
}

TEST(LoadDataset, ADamagedMnistFileIsNamed) {
  const ScratchFolder scratch;
  for (const char* name :
       {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"})
    write_file(scratch.path() / name, std::string(60008, '\0'));
  const DatasetConfig config{.name = "mnist", .path = scratch.path().string()};
  EXPECT_TRUE(has(error_text([&] { load_dataset(config); }), "train-images-idx3-ubyte holds 60008 bytes"));
}

TEST(LoadDataset, ACifarCopyWithOtherPixelsIsReadAndHasItsOwnHash) {
  const ScratchFolder scratch;
  const fs::path folder = scratch.path() / "cifar-10-batches-bin";
  const auto batch = [](char pixel) {
    std::string bytes;
    for (int i = 0; i < 10000; ++i)
      bytes += std::string(1, static_cast<char>(i % 10)) + std::string(kCifarPixels, pixel);
    return bytes;
  };
  for (const char* name : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                           "data_batch_5.bin", "test_batch.bin"})
    write_file(folder / name, batch('a'));
  const DatasetConfig config{.name = "cifar10", .path = scratch.path().string(), .limit = 100, .test_limit = 100};
  const Dataset dataset = load_dataset(config);
  EXPECT_EQ(dataset.train.x.sizes(), (std::vector<int64_t>{100, 3, 32, 32}));
  EXPECT_EQ(dataset.train.labels[13].item<int64_t>(), 3);
  EXPECT_EQ(dataset.train.x.max().item<int64_t>(), 'a');
  write_file(folder / "data_batch_1.bin", batch('b'));
  EXPECT_NE(load_dataset(config).content_hash, dataset.content_hash);
  write_file(folder / "test_batch.bin", "short");
  EXPECT_TRUE(has(error_text([&] { load_dataset(config); }), "test_batch.bin holds 5 bytes"));
}

}  // namespace
}  // namespace sextant
