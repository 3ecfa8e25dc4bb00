#include "sextant/metrics/features.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sextant/base/check.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

// Its two features are the mean of a picture and the mean of its upper row, as it sees them.
class Means : public torch::nn::Module, public Classifier {
 public:
  Tensor features(const Tensor& x) override {
    return torch::stack({x.flatten(1).mean(1), x.select(2, 0).flatten(1).mean(1)}, 1);
  }
  Tensor logits(const Tensor& features) override { return 5 * features; }
};

// Constant pictures whose grey is a random draw.
class Greys : public GenerativeModel {
 public:
  std::vector<Player> players() override { return {}; }
  Loss loss(size_t, const Batch&, Rng&) override { return {}; }
  PixelRange pixel_range() const override { return PixelRange::kSymmetric; }
  Tensor sample(const SampleRequest& request, Rng& rng) override {
    return (2 * rng.uniform({request.count, 1, 1, 1}) - 1).expand({request.count, 1, 3, 3});
  }
};

TEST(ToBytes, UndoesBothRangesAndClipsLikeAPictureFile) {
  const Tensor bytes = torch::arange(256).to(at::kByte).view({256, 1, 1, 1});
  for (const PixelRange range : {PixelRange::kUnit, PixelRange::kSymmetric})
    EXPECT_TRUE(to_bytes(to_model_range(bytes, range), range).equal(bytes));
  const Tensor outside = torch::tensor({-0.2f, 1.3f, 0.5f}).view({3, 1, 1, 1});
  EXPECT_TRUE(to_bytes(outside, PixelRange::kUnit).flatten().equal(torch::tensor({0, 255, 128}).to(at::kByte)));
  EXPECT_THROW(to_bytes(torch::full({1, 1, 2, 2}, std::nan("")), PixelRange::kUnit), Error);
  EXPECT_THROW(to_bytes(torch::zeros({4, 2}), PixelRange::kUnit), Error);
}

TEST(ExtractFeatures, BothSidesTakeTheSameWayWhateverTheirRangeAndBatch) {
  Means means;
  means.eval();
  const Tensor bytes = Rng(1).integers(0, 256, {1203, 1, 4, 4}).to(at::kByte);  // three batches, the last one short
  const Features whole = extract_features(means, PixelRange::kSymmetric, bytes);
  EXPECT_EQ(whole.n(), 1203);
  EXPECT_TRUE(whole.features.equal(means.features(to_model_range(bytes, PixelRange::kSymmetric))));
  EXPECT_TRUE(torch::allclose(whole.probabilities.sum(1), torch::ones({1203})));
  for (const PixelRange range : {PixelRange::kUnit, PixelRange::kSymmetric})
    EXPECT_TRUE(extract_features(means, PixelRange::kSymmetric, to_bytes(to_model_range(bytes, range), range))
                    .features.equal(whole.features));
  EXPECT_TRUE(
      extract_features(means, PixelRange::kSymmetric, Split{.x = bytes, .labels = {}}).features.equal(whole.features));
  EXPECT_EQ(extract_features(means, PixelRange::kUnit, bytes.slice(0, 0, 0)).n(), 0);
}

TEST(ExtractFeatures, RefusesPointsAndAClassifierInTraining) {
  Means means;
  EXPECT_THROW(extract_features(means, PixelRange::kUnit, torch::zeros({2, 1, 2, 2}, at::kByte)), Error);
  means.eval();
  EXPECT_THROW(extract_features(means, PixelRange::kUnit, Split{.x = torch::zeros({9, 2}), .labels = {}}), UsageError);
}

TEST(Subset, IsFixedSpreadOverTheSplitAndKeepsLabels) {
  const Split split = {.x = torch::arange(100).view({100, 1, 1, 1}).to(at::kByte), .labels = torch::arange(100)};
  const Split some = subset(split, 40), again = subset(split, 40);
  EXPECT_TRUE(some.x.equal(again.x));
  EXPECT_TRUE(some.x.flatten().to(at::kLong).equal(some.labels));
  EXPECT_EQ(std::get<0>(torch::_unique(some.labels)).numel(), 40);
  const int64_t late = (some.labels >= 50).sum().item<int64_t>();
  EXPECT_TRUE(late > 10 && late < 30) << late;  // 20 +- 2.5 expected: four sigma
  EXPECT_TRUE(subset(split, 100).x.equal(split.x));
  EXPECT_THROW(subset(split, 101), UsageError);
}

TEST(SampleBytes, FirstSamplesDoNotDependOnHowManyFollow) {
  Greys model;
  std::vector<int64_t> steps;
  const Tensor many = sample_bytes(model, 1200, Rng(3), [&](int64_t done) { steps.push_back(done); });
  EXPECT_EQ(many.sizes().vec(), (std::vector<int64_t>{1200, 1, 3, 3}));
  EXPECT_EQ(steps, (std::vector<int64_t>{500, 1000, 1200}));
  EXPECT_TRUE(sample_bytes(model, 500, Rng(3)).equal(many.slice(0, 0, 500)));
  EXPECT_FALSE(many.slice(0, 0, 500).equal(many.slice(0, 500, 1000)));
  EXPECT_THROW(sample_bytes(model, 0, Rng(3)), UsageError);
}

}  // namespace
}  // namespace sextant
