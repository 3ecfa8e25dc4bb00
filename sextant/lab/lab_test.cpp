#include <gtest/gtest.h>

#include <set>

#include "sextant/base/files.h"
#include "sextant/base/scratch.h"
#include "sextant/lab/panels.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

TEST(Run, RecipeAndJsonSayTheSame) {
  const ScratchFolder scratch;
  write_file(scratch.path() / "two-d.toml", "[model]\nfamily = \"vae\"\nlatent = 2\n[model.optimiser]\nlr = 0.01\n");
  const sextant::Run run = read_recipe(scratch.path() / "two-d.toml", {"train.epochs=3"});
  EXPECT_EQ(run.name, "two-d");
  EXPECT_EQ(run.train.epochs, 3);
  EXPECT_EQ(std::get<VaeConfig>(run.model).latent, 2);
  sextant::Run again;
  assign(again, to_json(run));
  EXPECT_EQ(fingerprint(again), fingerprint(run));
}

TEST(Run, TheNameIsNoPartOfTheFingerprintAndEverySettingIs) {
  const sextant::Run run;
  sextant::Run renamed = run, other = run;
  renamed.name = "other";
  other.train.seed = 1;
  EXPECT_EQ(fingerprint(run), fingerprint(renamed));
  EXPECT_NE(fingerprint(run), fingerprint(other));
}

TEST(Run, ANameThatIsNoFileNameIsRefused) {
  const ScratchFolder scratch;
  write_file(scratch.path() / "r.toml", "name = \"../up\"\n");
  EXPECT_THROW(read_recipe(scratch.path() / "r.toml", {}), UsageError);
}

TEST(Results, ANumberThatIsNotThereIsAnError) {
  Results results;
  results.put("a.b", 2.5);
  results.put("a.word", "x");
  results.put("a.10000", 1);  // a key, not the place in an array
  EXPECT_EQ(results.number("a.b"), 2.5);
  EXPECT_EQ(results.json().dump(), R"({"a":{"b":2.5,"word":"x","10000":1}})");
  EXPECT_THROW(results.number("a.c"), Error);
  EXPECT_THROW(results.number("a.word"), Error);
}

TEST(Experiments, AreSoundAtEveryScale) {
  std::set<std::string> ids;
  for (const Experiment& experiment : experiments()) {
    EXPECT_TRUE(ids.insert(experiment.id).second);
    EXPECT_FALSE(experiment.question.empty());
    EXPECT_FALSE(experiment.reading.empty());
    EXPECT_FALSE(experiment.claims.empty());
    bool at_smoke = false;  // CI must judge something
    for (const Claim& claim : experiment.claims) at_smoke = at_smoke || claim.from == RunScale::kSmoke;
    EXPECT_TRUE(at_smoke) << experiment.id;
    for (const RunScale scale : {RunScale::kSmoke, RunScale::kQuick, RunScale::kFull}) {
      const StudyOptions options = {.scale = scale};
      EXPECT_NO_THROW(Study(experiment, options)) << experiment.id;  // every --set of the scale names a setting
    }
  }
}

// An experiment without runs: a panel that measures, claims that hold, fail, and are not due at this scale.
TEST(Conduct, JudgesEveryClaimAndKeepsPageNumbersAndIndex) {
  const ScratchFolder scratch;
  const auto above = [](double limit) { return [limit](const Results& r) { return r.number("x") > limit; }; };
  const Experiment experiment = {
      .id = "0.1",
      .title = "A test",
      .question = "Is it so?",
      .panels = {[](Study& study) {
        study.results().put("x", 3);
        study.add_figure("plot", Plot{.title = "t", .series = {{.x = {1, 2}, .y = {3, 4}}}}, "a plot");
        study.add_figure("grid", ImageGrid{.pictures = {{.width = 1, .height = 1, .channels = 1, .pixels = {7}}}},
                         "a grid");
      }},
      .claims = {{.says = "above 2", .numbers = {"x"}, .holds = above(2)},
                 {.says = "above 4", .numbers = {"x", "absent"}, .holds = above(4)},
                 {.says = "above 5", .numbers = {}, .holds = above(5), .from = RunScale::kFull}},
      .reading = "So.",
  };
  const StudyOptions options = {
      .scale = RunScale::kSmoke, .out = scratch.path(), .runs = scratch.path() / "runs", .quiet = true};
  const Json result = conduct(experiment, options);
  ASSERT_EQ(result.at("claims").size(), 3u);
  EXPECT_EQ(result.at("claims")[0].at("verdict"), "holds");
  EXPECT_EQ(result.at("claims")[0].at("numbers"), "x = 3");
  EXPECT_EQ(result.at("claims")[1].at("verdict"), "fails");
  EXPECT_EQ(result.at("claims")[2].at("verdict"), "not run");
  EXPECT_EQ(result.at("results").dump(), R"({"x":3})");
  const std::string page = read_file(scratch.path() / "0.1" / "index.html");
  EXPECT_NE(page.find("Is it so?"), std::string::npos);
  for (const char* name : {"plot.csv", "plot.svg", "grid.png", "thumbnail.png", "results.json"})
    EXPECT_TRUE(std::filesystem::exists(scratch.path() / "0.1" / name)) << name;
  EXPECT_TRUE(std::filesystem::exists(scratch.path() / "index.html"));
}

TEST(Pictures, RangeChannelsAndOrderAreKept) {
  const Tensor x = torch::tensor({-1.0f, 0.0f, 1.0f, 2.0f}).view({1, 1, 2, 2});
  const auto grey = panels::to_pictures(x, PixelRange::kSymmetric);
  ASSERT_EQ(grey.size(), 1u);
  EXPECT_EQ(grey[0].pixels, (std::vector<uint8_t>{0, 128, 255, 255}));
  const Tensor colour = torch::tensor({1.0f, 0.0f, 0.5f}).view({1, 3, 1, 1});
  EXPECT_EQ(panels::to_pictures(colour, PixelRange::kUnit)[0].pixels, (std::vector<uint8_t>{255, 0, 128}));
  EXPECT_THROW(panels::to_pictures(torch::ones({1, 2, 3, 3}), PixelRange::kUnit), Error);
}

}  // namespace
}  // namespace sextant
