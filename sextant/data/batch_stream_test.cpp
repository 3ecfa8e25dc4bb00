#include "sextant/data/batch_stream.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/flip.h>
#include <gtest/gtest.h>

#include "sextant/data/test_support.h"

namespace sextant {
namespace {

// Ten pictures [1,2,3]; picture i begins with the byte i and has the label i.
Split ten_pictures() {
  Tensor x = at::arange(60, at::kByte).view({10, 1, 2, 3}).clone();
  x.select(1, 0).select(1, 0).select(1, 0).copy_(at::arange(10, at::kByte));
  return {.x = x, .labels = at::arange(10, at::kLong)};
}

Tensor bytes_of(const Tensor& unit) { return unit.mul(255).round().to(at::kByte); }

TEST(BatchStream, EachEpochIsAnotherPermutationWithTheRightLabels) {
  const Split split = ten_pictures();
  BatchStream stream(split, {.batch_size = 4}, PixelRange::kUnit, Rng(1));
  ASSERT_EQ(stream.batches_per_epoch(), 3);
  std::vector<Tensor> orders;
  for (int epoch = 0; epoch < 3; ++epoch) {
    std::vector<Tensor> labels;
    for (const int64_t size : {4, 4, 2}) {
      const Batch batch = stream.next();
      ASSERT_EQ(batch.x.sizes(), (std::vector<int64_t>{size, 1, 2, 3}));
      EXPECT_TRUE(at::equal(bytes_of(batch.x), split.x.index_select(0, batch.labels)));
      labels.push_back(batch.labels);
    }
    orders.push_back(at::cat(labels));
    EXPECT_TRUE(at::equal(std::get<0>(orders.back().sort()), at::arange(10, at::kLong)));
  }
  EXPECT_FALSE(at::equal(orders[0], orders[1]));
  EXPECT_FALSE(at::equal(orders[1], orders[2]));
}

TEST(BatchStream, SeekGivesTheBatchOfThatNumber) {
  const Split split = ten_pictures();
  const StreamConfig config{.batch_size = 3, .flip = true};
  BatchStream stream(split, config, PixelRange::kSymmetric, Rng(2)),
      jumper(split, config, PixelRange::kSymmetric, Rng(2));
  std::vector<Batch> batches;
  for (int i = 0; i < 12; ++i) batches.push_back(stream.next());
  EXPECT_EQ(stream.position(), 12);
  for (const int64_t at : {7, 0, 11, 3, 4}) {
    jumper.seek(at);
    const Batch batch = jumper.next();
    EXPECT_TRUE(at::equal(batch.x, batches[static_cast<size_t>(at)].x)) << at;
    EXPECT_TRUE(at::equal(batch.labels, batches[static_cast<size_t>(at)].labels)) << at;
    EXPECT_EQ(jumper.position(), at + 1);
  }
  EXPECT_THROW(jumper.seek(-1), Error);
}

TEST(BatchStream, EqualSeedsGiveEqualBytesAndOthersOthers) {
  const Split split = ten_pictures();
  BatchStream a(split, {.batch_size = 10}, PixelRange::kUnit, Rng(3)),
      b(split, {.batch_size = 10}, PixelRange::kUnit, Rng(3)), c(split, {.batch_size = 10}, PixelRange::kUnit, Rng(4));
  const Tensor first = a.next().x;
  EXPECT_TRUE(at::equal(first, b.next().x));
  EXPECT_FALSE(at::equal(first, c.next().x));
}

TEST(BatchStream, DropLastLeavesOutThePartialBatch) {
  const Split split = ten_pictures();
  BatchStream stream(split, {.batch_size = 4, .drop_last = true}, PixelRange::kUnit, Rng(5));
  EXPECT_EQ(stream.batches_per_epoch(), 2);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(stream.next().x.size(0), 4);
}

TEST(BatchStream, FlipMirrorsWholePicturesAboutHalfTheTime) {
  const Split split = ten_pictures();
  BatchStream stream(split, {.batch_size = 10, .flip = true}, PixelRange::kUnit, Rng(6));
  int64_t mirrored = 0;
  for (int epoch = 0; epoch < 100; ++epoch) {
    const Batch batch = stream.next();
    const Tensor plain = split.x.index_select(0, batch.labels), got = bytes_of(batch.x);
    const Tensor is_plain = got.eq(plain).flatten(1).all(1), is_mirror = got.eq(at::flip(plain, {3})).flatten(1).all(1);
    EXPECT_TRUE(is_plain.logical_or(is_mirror).all().item<bool>());
    mirrored += is_mirror.sum().item<int64_t>();
  }
  EXPECT_NEAR(static_cast<double>(mirrored), 500, 5 * 15.8);  // 1000 coins, 5 standard deviations
}

TEST(BatchStream, WrongConfigsAreUsageErrors) {
  const Split split = ten_pictures(), points{.x = at::arange(20, at::kFloat).view({10, 2}), .labels = {}};
  const auto make = [](const Split& from, const StreamConfig& config) {
    BatchStream(from, config, PixelRange::kUnit, Rng(0));
  };
  EXPECT_THROW(make(split, {.batch_size = 0}), UsageError);
  EXPECT_THROW(make(split, {.batch_size = 11, .drop_last = true}), UsageError);
  EXPECT_THROW(make(points, {.batch_size = 1, .flip = true}), UsageError);
  EXPECT_NO_THROW(make(split, {.batch_size = 11}));
}

TEST(Slice, GivesItemsInFileOrderAndPointsAsTheyAre) {
  const Split split = ten_pictures(), points{.x = at::arange(20, at::kFloat).view({10, 2}), .labels = {}};
  const Batch batch = slice(split, 3, 4, PixelRange::kUnit);
  EXPECT_TRUE(at::equal(bytes_of(batch.x), split.x.narrow(0, 3, 4)));
  EXPECT_TRUE(at::equal(batch.labels, at::arange(3, 7, at::kLong)));
  EXPECT_TRUE(at::equal(slice(points, 8, 2, PixelRange::kSymmetric).x, points.x.narrow(0, 8, 2)));
  EXPECT_FALSE(slice(points, 8, 2, PixelRange::kSymmetric).labels.defined());
  EXPECT_THROW(slice(split, 8, 3, PixelRange::kUnit), Error);
  EXPECT_THROW(slice(split, -1, 3, PixelRange::kUnit), Error);
}

TEST(ModelRange, EveryByteHasItsExactQuotient) {
  const Tensor bytes = at::arange(256, at::kByte);
  const Tensor unit = to_model_range(bytes, PixelRange::kUnit),
               symmetric = to_model_range(bytes, PixelRange::kSymmetric);
  for (int64_t i = 0; i < 256; ++i) {
    EXPECT_EQ(unit[i].item<float>(), static_cast<float>(i) / 255.0f);
    EXPECT_EQ(symmetric[i].item<float>(), static_cast<float>(i) / 127.5f - 1.0f);
  }
  EXPECT_EQ(symmetric[0].item<float>(), -1.0f);
  EXPECT_EQ(symmetric[255].item<float>(), 1.0f);
  EXPECT_TRUE(at::equal(to_model_range(unit, PixelRange::kSymmetric), unit));
}

}  // namespace
}  // namespace sextant
