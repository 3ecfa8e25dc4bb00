// The classifier's own laws; what it owes as something that is trained is in tests/family_contract.
#include <gtest/gtest.h>

#include <set>

#include "sextant/families/registry.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

TEST(Classifier, InEvalModeItIsAFunctionOfThePictureAlone) {
  const auto model =
      build_model(ModelConfig(ClassifierConfig{.widths = {8}}), {.sizes = {1, 8, 8}, .classes = 2}, Rng(1));
  model->eval();
  const Batch batch = {.x = Rng(3).uniform({8, 1, 8, 8}), .labels = torch::arange(8) % 2};
  Rng a(1), b(2);
  EXPECT_TRUE(model->loss(0, batch, a).total.equal(model->loss(0, batch, b).total));
  auto& classifier = dynamic_cast<Classifier&>(*model);
  const Tensor logits = classifier.logits(classifier.features(batch.x));
  EXPECT_EQ(logits.sizes().vec(), (std::vector<int64_t>{8, 2}));
  // The parts by their definitions.
  const Loss loss = model->loss(0, batch, a);
  const Tensor p = logits.softmax(1).gather(1, batch.labels.view({8, 1}));
  EXPECT_NEAR(loss.parts[1].second.item<double>(), -p.log().mean().item<double>(), 1e-6);  // float32 rounding
  EXPECT_EQ(loss.parts[0].second.item<double>(),
            (logits.argmax(1) == batch.labels).to(at::kFloat).mean().item<double>());
}

// Against the slow path: every picture is padded by its own border and cut out again at each possible place.
TEST(Classifier, AShiftedPictureIsThePictureCutOutOfItsPaddedSelf) {
  const int64_t most = 2, side = 5;
  const Tensor x = Rng(1).normal({40, 3, side, side});
  Rng rng(2);
  const Tensor shifted = shift_pictures(x, most, rng);
  const Tensor padded = torch::replication_pad2d(x, {most, most, most, most});
  std::set<std::pair<int64_t, int64_t>> seen;
  for (int64_t i = 0; i < x.size(0); ++i) {
    bool found = false;
    for (int64_t down = 0; down <= 2 * most; ++down)
      for (int64_t right = 0; right <= 2 * most; ++right)
        if (padded[i].slice(1, down, down + side).slice(2, right, right + side).equal(shifted[i])) {
          found = true;
          seen.insert({down, right});
        }
    EXPECT_TRUE(found) << i;
  }
  EXPECT_GT(seen.size(), 12u);  // of 25 places, 40 draws leave out 5 on average
}

TEST(Classifier, UnfitDataIsRefusedWithTheRemedy) {
  const auto says = [](const ClassifierConfig& config, const ItemShape& shape) -> std::string {
    try {
      build_model(ModelConfig(config), shape, Rng(0));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(says({}, {.sizes = {2}, .classes = 2}).find("Choose a picture data set"), std::string::npos);
  EXPECT_NE(says({}, {.sizes = {1, 28, 28}, .classes = 0}).find("labelled data"), std::string::npos);
  EXPECT_NE(says({}, {.sizes = {1, 4, 4}, .classes = 2}).find("fewer numbers"), std::string::npos);
  EXPECT_NE(says({.groups = 7}, {.sizes = {1, 28, 28}, .classes = 2}).find("model.groups"), std::string::npos);
}

}  // namespace
}  // namespace sextant
