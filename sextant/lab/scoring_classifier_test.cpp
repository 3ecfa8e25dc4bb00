#include "sextant/lab/scoring_classifier.h"

#include <gtest/gtest.h>

#include "sextant/base/scratch.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

constexpr const char* kZoo = "zoo/classifier-mnist";  // tests run in the repository's root

TrainedRun made_run(const std::string& data, std::vector<int64_t> shape) {
  TrainedRun run;
  run.run.name = "made";
  run.run.data.name = data;
  run.record = {{"item_shape", shape}};
  return run;
}

std::string refusal(const TrainedRun& run, const std::string& folder) {
  try {
    open_scoring_classifier(run, folder);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

// The table's hash is that of the file: only so may its scores be called v1.
TEST(ScoringClassifier, TheOneThatShipsCarriesItsVersion) {
  for (const char* folder : {"", kZoo}) {
    const OpenClassifier open = open_scoring_classifier(made_run("mnist", {1, 28, 28}), folder);
    EXPECT_EQ(open.scoring.version, "mnist-v1");
    EXPECT_EQ(open.scoring.fingerprint, open.run.record.at("fingerprint"));
    EXPECT_NE(open.scoring.classifier, nullptr);
  }
}

TEST(ScoringClassifier, OtherWeightsAreNamedByTheirHash) {
  const ScratchFolder scratch;
  std::filesystem::copy(std::filesystem::path(kZoo) / "config.json", scratch.path() / "config.json");
  TensorFile file = load_tensors(std::filesystem::path(kZoo) / "weights.safetensors");
  file.tensors.begin()->second.add_(1);
  save_tensors(scratch.path() / "weights.safetensors", file.tensors, file.metadata);
  const OpenClassifier open = open_scoring_classifier(made_run("mnist", {1, 28, 28}), scratch.path());
  EXPECT_EQ(open.scoring.version, "mnist-" + open.scoring.weights_sha256.substr(0, 8));
}

// 1000 of the test pictures: 99.4 % are expected, sigma 0.25 %.
TEST(ScoringClassifier, TheOneThatShipsKnowsItsDigits) {
  const OpenClassifier open = open_scoring_classifier(made_run("mnist", {1, 28, 28}));
  const Dataset data = reference_data(open.run.run);
  const Split some = subset(data.test, 1000);
  const Features seen = extract_features(*open.scoring.classifier, open.scoring.range, some);
  EXPECT_GE((seen.probabilities.argmax(1) == some.labels).sum().item<int64_t>(), 985);
}

// Scores must not change with the precision in which samples are drawn.
TEST(ScoringClassifier, SeesInFloat32WhateverTheScope) {
  const OpenClassifier open = open_scoring_classifier(made_run("mnist", {1, 28, 28}));
  const Dataset data = reference_data(open.run.run);
  const auto seen = [&] { return SampleStudy({}, data, 20, open.scoring).real().features; };
  const Tensor exact = seen();
  const PrecisionScope rounded(Precision::kBFloat16);
  EXPECT_TRUE(seen().equal(exact));
  const Split some = subset(data.test, 20);
  EXPECT_FALSE(extract_features(*open.scoring.classifier, open.scoring.range, some).features.equal(exact));
}

TEST(ScoringClassifier, ForOtherDataNamesTheRemedy) {
  EXPECT_NE(refusal(made_run("folder", {3, 32, 32}), "").find("--classifier"), std::string::npos);
  EXPECT_NE(refusal(made_run("cifar10", {3, 32, 32}), kZoo).find("was trained on mnist"), std::string::npos);
  EXPECT_NE(refusal(made_run("mnist", {1, 32, 32}), kZoo).find("was trained on mnist"), std::string::npos);
  EXPECT_NE(refusal(made_run("mnist", {1, 28, 28}), "zoo/vae-mnist").find("is no classifier"), std::string::npos);
}

TEST(ReferenceData, IsWholeWhateverTheRunWasLimitedTo) {
  sextant::Run run;
  run.data.limit = 10;
  run.data.test_limit = 20;
  const Dataset data = reference_data(run);
  EXPECT_EQ(data.train.size(), 60000);
  EXPECT_EQ(data.test.size(), 10000);
}

}  // namespace
}  // namespace sextant
