#include "sextant/metrics/sample_study.h"

#include <gtest/gtest.h>

#include <set>

#include "sextant/metrics/table.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

class MeanOnly : public torch::nn::Module, public Classifier {
 public:
  Tensor features(const Tensor& x) override { return x.flatten(1).slice(1, 0, 2); }
  Tensor logits(const Tensor& features) override { return features; }
};

// Counts how many samples it was asked for.
class Counting : public GenerativeModel {
 public:
  std::vector<Player> players() override { return {}; }
  Loss loss(size_t, const Batch&, Rng&) override { return {}; }
  PixelRange pixel_range() const override { return PixelRange::kUnit; }
  Tensor sample(const SampleRequest& request, Rng& rng) override {
    asked += request.count;
    return rng.uniform({request.count, 1, 3, 3});
  }
  int64_t asked = 0;
};

Dataset pictures(int64_t train, int64_t test) {
  const auto split = [](int64_t n, uint64_t seed) {
    return Split{.x = Rng(seed).integers(0, 256, {n, 1, 3, 3}).to(at::kByte), .labels = {}};
  };
  return {.name = "made", .train = split(train, 1), .test = split(test, 2), .classes = 2, .content_hash = "abc"};
}

class SampleStudyLaws : public testing::Test {
 protected:
  SampleStudyLaws() {
    means_.eval();
    scoring_ = {.classifier = &means_, .version = "made-v1", .fingerprint = "f", .weights_sha256 = "w"};
  }
  Json measure(const char* name, SampleStudy& study, const Dataset& data) {
    for (const MetricRow& row : metrics())
      if (std::string(row.name) == name) return row.measure({.model = model_, .data = data, .study = &study});
    throw Error("no such row");
  }
  SampleSource source(int64_t n) {
    return {.draw = [this, n] { return sample_bytes(model_, n, Rng(3)); }, .record = {{"seed", 3}}};
  }
  Counting model_;
  MeanOnly means_;
  ScoringClassifier scoring_;
};

TEST_F(SampleStudyLaws, TheModelIsAskedOnceForAllScores) {
  const Dataset data = pictures(80, 60);
  SampleStudy study(source(50), data, 50, scoring_);
  EXPECT_EQ(model_.asked, 0);
  for (const MetricRow& row : sample_metrics()) {
    if (row.needs == Needs::kModel || row.missing) continue;  // what is not there on every machine has its own test
    const Json json = measure(row.name, study, data);
    EXPECT_EQ(json.at("provenance").at("n"), 50) << row.name;
    EXPECT_EQ(json.at("provenance").at("seed"), 3) << row.name;
    EXPECT_EQ(json.at("provenance").at("data_sha256"), "abc") << row.name;
    EXPECT_EQ(json.at("provenance").at("classifier").at("weights_sha256"), "w") << row.name;
    EXPECT_EQ(json.at("metric"), concat(row.name, row.needs == Needs::kClassifier ? "-made-v1" : "")) << row.name;
  }
  EXPECT_EQ(model_.asked, 50);
  EXPECT_EQ(study.real().n(), 50);
}

TEST_F(SampleStudyLaws, WithoutEnoughTrainingPicturesThereIsNoFloorAndAReason) {
  const Dataset few = pictures(40, 60);
  SampleStudy study(source(50), few, 50, scoring_);
  for (const char* name : {"fcd", "kid"}) {
    const Json json = measure(name, study, few);
    EXPECT_TRUE(json.at("floor").is_null()) << name;
    EXPECT_TRUE(json.contains("floor_reason")) << name;
  }
  const Dataset enough = pictures(50, 60);
  SampleStudy other(source(50), enough, 50, scoring_);
  EXPECT_TRUE(measure("fcd", other, enough).at("floor").at("fcd").is_number());
}

TEST_F(SampleStudyLaws, WhatDoesNotFitIsRefused) {
  const Dataset data = pictures(80, 60);
  EXPECT_THROW(SampleStudy(source(61), data, 61, scoring_), UsageError);
  EXPECT_THROW(SampleStudy(source(0), data, 0, scoring_), UsageError);
  Dataset points = data;
  points.train.x = points.test.x = torch::zeros({80, 2});
  EXPECT_THROW(SampleStudy(source(10), points, 10, scoring_), UsageError);
  SampleStudy bare(source(20), data, 20, std::nullopt);
  EXPECT_EQ(bare.pictures().size(0), 20);
  EXPECT_THROW(bare.generated(), Error);
  SampleStudy other_count(source(19), data, 20, std::nullopt);
  EXPECT_THROW(other_count.pictures(), Error);
}

TEST(MetricTable, NamesAreUnique) {
  std::set<std::string> names;
  for (const MetricRow& row : metrics()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.measure) << row.name;
  }
  EXPECT_TRUE(names.contains("fid") && names.contains("elbo"));
}

}  // namespace
}  // namespace sextant
