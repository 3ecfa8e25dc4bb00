#include "sextant/train/trainer.h"

#include <gtest/gtest.h>

#include <fstream>

#include "sextant/base/files.h"
#include "sextant/base/interrupt.h"
#include "sextant/base/scratch.h"
#include "sextant/tensor/torch.h"
#include "sextant/train/checkpoint.h"
#include "sextant/train/run_log.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;

// Two players that pull one weight each towards the data's mean, with noise; the second sees what the first read.
// `sabotage` breaks one law at a time.
enum class Sabotage { kNone, kNan, kUnusedParameter, kUnregistered };
class Tug : public Trainable {
 public:
  explicit Tug(Sabotage sabotage = Sabotage::kNone) : sabotage_(sabotage) {
    a_ = register_parameter("a", torch::zeros({4}));
    b_ = register_parameter("b", torch::zeros({4}));
    if (sabotage == Sabotage::kUnregistered) b_ = torch::zeros({4}).requires_grad_();
  }
  std::vector<Player> players() override {
    const OptimiserConfig fast = {.lr = 0.05};
    return {{.name = "first", .parameters = {a_}, .optimiser = fast, .steps_per_round = 2},
            {.name = "second", .parameters = {b_}, .optimiser = fast}};
  }
  Loss loss(size_t player, const Batch& batch, Rng& rng) override {
    const Tensor noise = 0.01 * rng.normal({4});
    Tensor used = player == 0 ? a_ : b_;
    if (sabotage_ == Sabotage::kUnusedParameter && player == 1) used = a_;
    Tensor total = (used + noise - batch.x.mean()).square().sum();
    if (sabotage_ == Sabotage::kNan && ++calls_ == 5) total = total / 0.0 - total / 0.0;
    return {.total = total, .parts = {{"distance", total.detach()}}};
  }
  void after_step(int64_t) override { ++rounds; }
  PixelRange pixel_range() const override { return PixelRange::kUnit; }
  int64_t rounds = 0;

 private:
  Sabotage sabotage_;
  int calls_ = 0;
  Tensor a_, b_;
};

Dataset points(int64_t n) {
  Dataset data;
  data.name = "test";
  data.train.x = Rng(1).normal({n, 2});
  data.test.x = Rng(2).normal({10, 2});
  return data;
}

TrainOptions quiet() { return {.title = "t", .quiet = true}; }

std::string error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

NamedTensors weights(const fs::path& folder) { return load_tensors(folder / "weights.safetensors").tensors; }

TEST(Trainer, ARoundReadsABatchForEachStepOfTheFirstPlayer) {
  const ScratchFolder scratch;
  Tug model;
  const TrainOutcome outcome = train(model, points(40), {.epochs = 3, .batch_size = 10}, scratch.path(), quiet());
  EXPECT_EQ(outcome.steps, 3 * 4 / 2);  // 4 batches an epoch, 2 a round
  EXPECT_EQ(model.rounds, outcome.steps);
  int64_t epochs = 0, items = 0;
  for (const Json& line : read_log(scratch.path()))
    if (line.at("kind") == "epoch" && line.at("split") == "train" && line.at("player") == "second") {
      ++epochs;
      items = line.at("items_seen").get<int64_t>();
    }
  EXPECT_EQ(epochs, 3);
  EXPECT_EQ(items, 120);
}

TEST(Trainer, AnInterruptedRunEndsInTheSameBytes) {
  const Dataset data = points(37);  // an epoch ends in a smaller batch
  const TrainConfig config = {.epochs = 6, .batch_size = 10, .ema_decay = 0.9, .keep_epochs = {2, 6}, .log_every = 3};
  const ScratchFolder whole, cut;
  Tug model;
  train(model, data, config, whole.path(), quiet());
  for (int attempt = 0; attempt < 40 && !fs::exists(cut.path() / "weights.safetensors"); ++attempt) {
    Tug again;
    pretend_interrupted(true);  // one round a session
    try {
      train(again, data, config, cut.path(), quiet());
    } catch (const Interrupted& error) {
      EXPECT_NE(std::string(error.what()).find("goes on from here"), std::string::npos);
    }
    pretend_interrupted(false);
  }
  for (const auto& [name, tensor] : weights(whole.path()))
    EXPECT_TRUE(tensor.equal(weights(cut.path()).at(name))) << name;
  EXPECT_EQ(read_file(whole.path() / "snapshots/epoch-0002.safetensors"),
            read_file(cut.path() / "snapshots/epoch-0002.safetensors"));
  auto a = read_log(whole.path()), b = read_log(cut.path());
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    a[i].erase("wall_s");
    b[i].erase("wall_s");
    EXPECT_EQ(a[i].dump(), b[i].dump());
  }
}

TEST(Trainer, ALossThatIsNotFiniteStopsTheRunAndNamesItsParts) {
  const ScratchFolder scratch;
  Tug model(Sabotage::kNan);
  const std::string error =
      error_of([&] { train(model, points(40), {.epochs = 3, .batch_size = 10}, scratch.path(), quiet()); });
  EXPECT_NE(error.find("at step 2 is not finite"), std::string::npos) << error;
  EXPECT_NE(error.find("distance ="), std::string::npos) << error;
  EXPECT_FALSE(fs::exists(scratch.path() / "weights.safetensors"));
}

TEST(Trainer, AParameterWithoutGradientOrRegistrationIsNamed) {
  const ScratchFolder scratch;
  Tug unused(Sabotage::kUnusedParameter), unregistered(Sabotage::kUnregistered);
  EXPECT_NE(error_of([&] {
              train(unused, points(300), {}, scratch.path(), quiet());
            }).find("does not depend on its parameter b"),
            std::string::npos);
  EXPECT_NE(error_of([&] { train(unregistered, points(300), {}, scratch.path(), quiet()); }).find("did not register"),
            std::string::npos);
}

TEST(Trainer, TooFewItemsForOneStepIsAUsageError) {
  const ScratchFolder scratch;
  Tug model;
  EXPECT_THROW(train(model, points(10), {.epochs = 1, .batch_size = 10}, scratch.path(), quiet()), UsageError);
}

// A small language for broken checkpoints.
class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() {
    save_checkpoint(
        folder(),
        {.model = {{"w", torch::ones({3})}}, .optimiser = {{"m", torch::zeros({3})}}, .state = {{"step", 5}}});
    save_checkpoint(
        folder(),
        {.model = {{"w", torch::ones({3})}}, .optimiser = {{"m", torch::zeros({3})}}, .state = {{"step", 9}}});
  }
  const fs::path& folder() const { return scratch_.path(); }
  fs::path newest() const { return *newest_checkpoint(folder()); }
  void flip(const std::string& name, size_t at) const {
    std::string bytes = read_file(newest() / name);
    bytes.at(at) = static_cast<char>(bytes.at(at) ^ 1);
    write_file(newest() / name, bytes);
  }
  std::string error() const {
    return error_of([&] { load_checkpoint(newest()); });
  }
  ScratchFolder scratch_;
};

TEST_F(CheckpointTest, TheNewestWholeOneCountsAndTwoAreKept) {
  EXPECT_EQ(newest().filename(), "step-000000009");
  fs::create_directory(folder() / "checkpoints" / "step-000000011.part-77");
  EXPECT_EQ(newest().filename(), "step-000000009");
  EXPECT_FALSE(fs::exists(folder() / "checkpoints" / "step-000000011.part-77"));
  save_checkpoint(folder(), {.state = {{"step", 12}}});
  EXPECT_FALSE(fs::exists(folder() / "checkpoints" / "step-000000005"));
  EXPECT_TRUE(load_checkpoint(folder() / "checkpoints" / "step-000000009").model.at("w").equal(torch::ones({3})));
}

TEST_F(CheckpointTest, AFlippedBitIsFoundAndTheRemedyNamed) {
  flip("model.safetensors", 70);  // among the numbers
  EXPECT_NE(error().find("model.safetensors does not match its checksum"), std::string::npos) << error();
  EXPECT_NE(error().find("to go on from the checkpoint before it"), std::string::npos);
}

TEST_F(CheckpointTest, AnotherDigitInTheStateIsFound) {
  Json state = parse_json(read_file(newest() / "state.json"), "state.json");
  state["step"] = 8;
  write_file(newest() / "state.json", state.dump());
  EXPECT_NE(error().find("state.json does not match its checksum"), std::string::npos) << error();
  state["sha256"].erase("state.json");  // as it was written before there was one
  write_file(newest() / "state.json", state.dump());
  EXPECT_EQ(load_checkpoint(newest()).state.at("step"), 8);
}

TEST_F(CheckpointTest, AMissingPartAShortStateAndAnotherFormatAreErrors) {
  fs::remove(newest() / "optimiser.safetensors");
  EXPECT_NE(error().find("can't read"), std::string::npos) << error();
  write_file(newest() / "state.json", "{\"format\":2}");
  EXPECT_NE(error().find("of format 2"), std::string::npos) << error();
  write_file(newest() / "state.json", "[]");
  EXPECT_NE(error().find("is broken"), std::string::npos) << error();
  write_file(newest() / "state.json", "{\"format\":");
  EXPECT_NE(error().find("is broken"), std::string::npos) << error();
}

TEST(RunLog, IsCutBackToWhereTheCheckpointStood) {
  const ScratchFolder scratch;
  RunLog::Position kept;
  {
    RunLog log(scratch.path(), {});
    log.record({{"step", 1}, {"loss", 2.0}}, "train");
    kept = log.flush();
    log.record({{"step", 2}, {"loss", 1.0}}, "train");
  }
  std::ofstream(scratch.path() / "log.jsonl", std::ios::app) << "{\"step\": 3, \"lo";  // killed in the middle of a line
  EXPECT_EQ(read_log(scratch.path()).size(), 2u);
  {
    RunLog log(scratch.path(), kept);
    log.record({{"step", 2}, {"loss", 7.0}}, "train");
  }
  const auto records = read_log(scratch.path());
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1].at("loss"), 7.0);
}

TEST(RunLog, OneThatLostRecordsIsRefusedWithTheRemedy) {
  const ScratchFolder scratch;
  write_file(scratch.path() / "log.jsonl", "{}\n");
  const std::string said = error_of([&] { RunLog(scratch.path(), {.bytes = 9}); });
  EXPECT_NE(said.find("3 bytes where the checkpoint knows of 9; restore it"), std::string::npos) << said;
}

}  // namespace
}  // namespace sextant
