// What the adversarial pages rest on: kept weights come back, a collapsed generator has a defined score for everything
// that can be asked, and a critic under the penalty finds the distance.
#include "sextant/lab/gan_panels.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sextant/base/scratch.h"
#include "sextant/lab/critic_check.h"
#include "sextant/lab/snapshots.h"
#include "sextant/metrics/table.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

GanConfig small_gan() {
  GanConfig config;
  config.net.latent = 4;
  config.net.generator_hidden = config.net.discriminator_hidden = {8};
  return config;
}

// Every number is there and finite; a floor may be missing, if the record says why.
void expect_values(const std::string& path, const Json& json) {
  for (const auto& [key, value] : json.items()) {
    const std::string at = concat(path, ".", key);
    if (value.is_object()) expect_values(at, value);
    EXPECT_TRUE(!value.is_null() || (key == "floor" && json.contains("floor_reason"))) << at << " has no value";
    EXPECT_TRUE(!value.is_number() || std::isfinite(value.get<double>())) << at;
  }
}

sextant::Run small_run() {
  return {.name = "small-gan",
          .data = {.name = "shapes", .limit = 64, .test_limit = 32},
          .model = small_gan(),
          .train = {.epochs = 3, .batch_size = 16, .keep_epochs = {1, 2, 7}}};
}

TEST(Snapshots, HoldTheirEpochAndGiveTheFinalWeightsBack) {
  const ScratchFolder scratch;
  RunStore store(scratch.path(), true);
  const TrainedRun trained = store.ensure(small_run());
  EXPECT_EQ(kept_epochs(trained), (std::vector<int64_t>{1, 2}));  // there was no seventh
  const auto weight = [&] { return trained.model->parameters()[0].detach().clone(); };
  const Tensor final_weight = weight();
  Tensor first;
  {
    const BorrowedValues weights = weights_of_epoch(trained, 1);
    first = weight();
    const BorrowedValues second = weights_of_epoch(trained, 2);
    EXPECT_FALSE(first.equal(weight()));
  }
  EXPECT_FALSE(first.equal(final_weight));
  EXPECT_TRUE(final_weight.equal(weight()));
  EXPECT_THROW(weights_of_epoch(trained, 7), Error);
  EXPECT_TRUE(final_weight.equal(weight()));
}

// Mode collapse at its worst: every z gives one picture. Each metric of `sextant eval` that needs samples must answer
// with numbers, or say why it has none.
TEST(Collapse, AConstantGeneratorHasADefinedScoreForEverything) {
  const Dataset data = load_dataset(small_run().data);
  const auto model = build_model(ModelConfig(small_gan()), item_shape(data), Rng(1));
  const auto judge = build_model(ModelConfig(ClassifierConfig{.widths = {8, 8}}), item_shape(data), Rng(2));
  judge->eval();
  for (const auto& item : model->named_parameters())
    if (item.key().starts_with("generator")) item.value().detach().zero_();
  const ScoringClassifier classifier = {.classifier = dynamic_cast<Classifier*>(judge.get()),
                                        .range = judge->pixel_range(),
                                        .version = "test",
                                        .fingerprint = "0",
                                        .weights_sha256 = "0"};
  const torch::NoGradGuard no_grad;
  auto& generative = dynamic_cast<GenerativeModel&>(*model);
  SampleStudy study({.draw = [&] { return sample_bytes(generative, 32, Rng(0)); }, .record = {{"seed", 0}}}, data, 32,
                    classifier);
  int measured = 0;
  for (const MetricRow& metric : metrics()) {
    if (metric.needs == Needs::kModel || metric.missing) continue;
    const Json numbers = metric.measure({.model = *model, .data = data, .study = &study});
    expect_values(metric.name, numbers);
    ++measured;
  }
  EXPECT_GE(measured, 5);
  const Json all = score_samples(study.generated(), study.real());
  EXPECT_EQ(all["class_entropy"].get<double>(), 0);
  EXPECT_EQ(all["classes_covered"].get<int64_t>(), 1);
  EXPECT_EQ(mean_pairwise_distance(study.pictures()), 0);
  EXPECT_NEAR(all["inception_score"].get<double>(), 1, 1e-6);
  EXPECT_GT(all["fcd"].get<double>(), 0);
}

// The best function of slope s gains s W - lambda (s - 1)^2: so s = 1 + W / (2 lambda), and the estimate is s W. Left
// to a critic that is trained for some seconds: 2 %.
TEST(CriticSlow, ReachesTheExactDistanceBetweenTwoSetsOfPoints) {
  for (const double lambda : {10.0, 100.0}) {
    const CriticCheck check = check_critic({.points = 64, .steps = 2500, .lambda = lambda}, Rng(1));
    const double slope = 1 + check.exact / (2 * lambda);
    EXPECT_NEAR(check.estimate / check.exact, slope, 0.02) << lambda;
    EXPECT_NEAR(check.gradient_norm, slope, 0.02) << lambda;
  }
}

}  // namespace
}  // namespace sextant
