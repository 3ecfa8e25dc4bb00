// What the zoo holds is copied instead of trained, and whoever looks at the page is told.
#include <gtest/gtest.h>

#include "sextant/base/files.h"
#include "sextant/base/scratch.h"
#include "sextant/lab/experiment.h"
#include "sextant/lab/sample_sets.h"
#include "sextant/tensor/tensor_file.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;

// The zoo is looked for beside the process first.
class ZooSlow : public testing::Test {
 protected:
  void SetUp() override {
    fs::current_path(scratch_.path());
    const TrainedRun trained = RunStore("here", true).ensure(experiment_.runs[0].run);
    fs::create_directories("zoo");
    fs::copy(trained.folder, "zoo/tiny", fs::copy_options::recursive);
    write_file("zoo/tiny/samples/0123.safetensors", "a set");
    write_file("zoo/no-run/README.md", "nothing here");
  }
  void TearDown() override { fs::current_path(before_); }
  Json draw(const char* runs, bool zoo) const {
    return conduct(experiment_, {.scale = RunScale::kFull, .out = "report", .runs = runs, .zoo = zoo, .quiet = true});
  }
  bool was_trained(const char* runs) const {
    const fs::path folder = RunStore(runs, true).folder_of(experiment_.runs[0].run);
    return fs::exists(folder / "events.out.tfevents.sextant");
  }

  const Experiment experiment_ = {.id = "0.2",
                                  .title = "A test",
                                  .question = "Where from?",
                                  .runs = {{.run = {.name = "tiny",
                                                    .data = {.name = "shapes", .limit = 32, .test_limit = 16},
                                                    .model = VaeConfig{.hidden = {8}, .latent = 2},
                                                    .train = {.epochs = 1, .batch_size = 16}}}},
                                  .panels = {},
                                  .claims = {},
                                  .reading = "So."};
  fs::path before_ = fs::current_path();
  ScratchFolder scratch_;
};

TEST_F(ZooSlow, GivesWeightsLogAndSamplesAndThePageSaysSo) {
  draw("from-zoo", true);
  EXPECT_FALSE(was_trained("from-zoo"));
  const fs::path folder = RunStore("from-zoo", true).folder_of(experiment_.runs[0].run);
  for (const char* name : {"weights.safetensors", "log.jsonl", "samples/0123.safetensors"})
    EXPECT_EQ(read_file(folder / name), read_file(fs::path("zoo/tiny") / name)) << name;
  EXPECT_NE(read_file("report/0.2/index.html").find("from zoo/tiny"), std::string::npos);
  EXPECT_NE(read_file("report/0.2/results.json").find("from zoo/tiny"), std::string::npos);
}

TEST_F(ZooSlow, IsLeftAloneUnlessAsked) {
  draw("trained", false);
  EXPECT_TRUE(was_trained("trained"));
  EXPECT_EQ(read_file("report/0.2/index.html").find("from zoo"), std::string::npos);
}

TEST_F(ZooSlow, WithoutTheLogTheRunIsTrained) {
  fs::remove("zoo/tiny/log.jsonl");
  draw("trained", true);
  EXPECT_TRUE(was_trained("trained"));
}

// Hours of sampling are lost to everyone if a name changes.
TEST(Zoo, EverySetOfSamplesLiesWhereItsPlanLooks) {
  int sets = 0;
  for (const auto& entry : fs::directory_iterator(find_shipped("zoo"))) {
    if (!fs::exists(entry.path() / "samples")) continue;
    const TrainedRun trained = open_run(entry.path());
    for (const auto& file : fs::directory_iterator(entry.path() / "samples")) {
      const Metadata about = load_tensors(file.path()).metadata;
      SamplePlan plan;
      assign(plan, parse_json(about.at("plan"), file.path().string()));
      EXPECT_EQ(sample_set_file(trained, plan, std::stoull(about.at("seed"))), file.path());
      ++sets;
    }
  }
  EXPECT_GE(sets, 2);
}

// The samples that came along are those of the zoo's weights, not of weights trained here.
TEST_F(ZooSlow, ACopyThatWasCutOffIsMadeAnewOrForgotten) {
  draw("cut", true);
  const fs::path folder = RunStore("cut", true).folder_of(experiment_.runs[0].run);
  fs::remove(folder / "weights.safetensors");
  draw("cut", true);
  EXPECT_FALSE(was_trained("cut"));
  EXPECT_EQ(read_file(folder / "weights.safetensors"), read_file("zoo/tiny/weights.safetensors"));
  fs::remove(folder / "weights.safetensors");
  draw("cut", false);
  EXPECT_TRUE(was_trained("cut"));
  EXPECT_FALSE(fs::exists(folder / "samples" / "0123.safetensors"));
}

TEST_F(ZooSlow, ARunIsNotReusedOnceItsDataHasChanged) {
  draw("trained", false);
  const fs::path record = RunStore("trained", true).folder_of(experiment_.runs[0].run) / "config.json";
  Json changed = parse_json(read_file(record), "config.json");
  changed["data_sha256"] = "0";
  write_file(record, changed.dump());
  EXPECT_THROW(draw("trained", false), Error);
}

TEST_F(ZooSlow, OfOtherDataIsRefused) {
  Json record = parse_json(read_file("zoo/tiny/config.json"), "config.json");
  record["data_sha256"] = "0";
  write_file("zoo/tiny/config.json", record.dump());
  EXPECT_THROW(draw("refused", true), Error);
}

}  // namespace
}  // namespace sextant
