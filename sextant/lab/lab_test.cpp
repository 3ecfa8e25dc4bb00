#include <gtest/gtest.h>

#include <cmath>
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
    for (const Claim& claim : experiment.claims) {
      at_smoke = at_smoke || claim.from == RunScale::kSmoke;
      EXPECT_FALSE(claim.numbers.empty()) << claim.says;
    }
    EXPECT_TRUE(at_smoke) << experiment.id;
    for (const RunScale scale : {RunScale::kSmoke, RunScale::kQuick, RunScale::kFull}) {
      const StudyOptions options = {.scale = scale};
      EXPECT_NO_THROW(Study(experiment, options)) << experiment.id;  // every --set of the scale names a setting
    }
  }
}

TEST(Claims, FallingAndRisingAreStrictOverAllValues) {
  const double falls[] = {3, 2, 1}, rises[] = {1, 2, 3}, ties[] = {2, 2}, turns[] = {3, 1, 2};
  const double unknown[] = {1, std::nan(""), 2};
  EXPECT_TRUE(strictly_falling(falls));
  EXPECT_TRUE(strictly_rising(rises));
  for (const Values v : {Values(rises), Values(ties), Values(turns), Values(unknown)})
    EXPECT_FALSE(strictly_falling(v));
  for (const Values v : {Values(falls), Values(ties), Values(turns), Values(unknown)}) EXPECT_FALSE(strictly_rising(v));
}

TEST(Claims, EachAsksEveryValueAndWithinIncludesItsEnds) {
  const double v[] = {1.5, 2, 2.5};
  EXPECT_TRUE(each(within(2, 0.5))(v));
  EXPECT_FALSE(each(within(2, 0.25))(v));
  EXPECT_FALSE(each([](double value) { return value < 2.5; })(v));
  EXPECT_FALSE(within(2, 0.5)(std::nan("")));
}

// Runs an experiment without runs, whose one panel measures "x" = 3, "a.y" = 5 and the word "a.word".
class Conduct : public testing::Test {
 protected:
  Json judged(const std::vector<Claim>& claims) {
    const Experiment experiment = {
        .id = "0.1",
        .title = "A test",
        .question = "Is it so?",
        .panels = {[](Study& study) {
          study.results().put("x", 3);
          study.results().put("a.y", 5);
          study.results().put("a.word", "five");
          study.add_figure("plot", Plot{.title = "t", .series = {{.x = {1, 2}, .y = {3, 4}}}}, "a plot");
          study.add_figure("grid", ImageGrid{.pictures = {{.width = 1, .height = 1, .channels = 1, .pixels = {7}}}},
                           "a grid");
        }},
        .claims = claims,
        .reading = "So.",
    };
    return conduct(experiment, {.scale = RunScale::kSmoke,
                                .seed = 4,
                                .out = scratch_.path(),
                                .runs = scratch_.path() / "runs",
                                .quiet = true});
  }
  std::filesystem::path folder() const { return scratch_.path() / "0.1"; }

  const ScratchFolder scratch_;
};

std::function<bool(Values)> above(double limit) {
  return each([limit](double value) { return value > limit; });
}

TEST_F(Conduct, JudgesEveryClaimAndKeepsPageNumbersAndIndex) {
  const Json result = judged({{.says = "above 2", .numbers = {"x", "a.y"}, .holds = above(2)},
                              {.says = "above 4", .numbers = {"x", "a.y"}, .holds = above(4)},
                              {.says = "above 5", .numbers = {"x"}, .holds = above(5), .from = RunScale::kFull}});
  ASSERT_EQ(result.at("claims").size(), 3u);
  EXPECT_EQ(result.at("claims")[0].at("verdict"), "holds");
  EXPECT_EQ(result.at("claims")[0].at("numbers"), "x = 3, a.y = 5");
  EXPECT_EQ(result.at("claims")[1].at("verdict"), "fails");
  EXPECT_EQ(result.at("claims")[2].at("verdict"), "not run");
  EXPECT_EQ(result.at("results").dump(), R"({"x":3,"a":{"y":5,"word":"five"}})");
  EXPECT_NE(read_file(folder() / "index.html").find("Is it so?"), std::string::npos);
  for (const char* name : {"plot.csv", "plot.svg", "grid.png", "thumbnail.png", "results.json"})
    EXPECT_TRUE(std::filesystem::exists(folder() / name)) << name;
  EXPECT_TRUE(std::filesystem::exists(scratch_.path() / "index.html"));
}

TEST_F(Conduct, AClaimSeesItsNumbersInTheirOrder) {
  std::vector<double> seen;
  const auto see = [&](Values v) {
    seen.assign(v.begin(), v.end());
    return true;
  };
  judged({{.says = "two numbers", .numbers = {"a.y", "x"}, .holds = see}});
  EXPECT_EQ(seen, (std::vector<double>{5, 3}));
  judged({{.says = "two numbers", .numbers = {"x", "a.y"}, .holds = see}});
  EXPECT_EQ(seen, (std::vector<double>{3, 5}));
}

TEST_F(Conduct, ADueClaimWithoutItsNumberIsAnError) {
  for (const char* path : {"absent", "a.absent", "a.word", "a"}) {
    try {
      judged({{.says = "about nothing", .numbers = {"x", path}, .holds = above(0)}});
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(concat("'", path, "'")), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(judged({{.says = "about nothing at all", .numbers = {}, .holds = above(0)}}), Error);
  EXPECT_TRUE(std::filesystem::exists(folder() / "results.json")) << "what was measured is lost";
}

TEST_F(Conduct, AClaimThatIsNotDueShowsTheNumbersThatAreThere) {
  const Json result =
      judged({{.says = "later", .numbers = {"absent", "a.word", "x"}, .holds = above(0), .from = RunScale::kQuick}});
  EXPECT_EQ(result.at("claims")[0].at("verdict"), "not run");
  EXPECT_EQ(result.at("claims")[0].at("numbers"), "x = 3");
  EXPECT_EQ(result.at("claims")[0].at("not_measured").dump(), R"(["absent","a.word"])");
}

TEST_F(Conduct, PageAndNumbersNameTheSeedOfAnExerciseWithoutRuns) {
  judged({});
  EXPECT_NE(read_file(folder() / "index.html").find("<dt>Seed</dt><dd>4</dd>"), std::string::npos);
  const Json results = parse_json(read_file(folder() / "results.json"), "results.json");
  EXPECT_EQ(results.at("provenance").at("seeds").dump(), "[4]");
}

// Tiny runs that differ in their seed; --seed is added to each.
TEST(ConductSlow, PageAndNumbersNameTheSeedsOfAllRuns) {
  const ScratchFolder scratch;
  Experiment experiment = {
      .id = "0.1", .title = "A test", .question = "Is it so?", .panels = {}, .claims = {}, .reading = "So."};
  for (const auto& [name, seed] : {std::pair{"a", 1}, std::pair{"b", 0}, std::pair{"c", 1}})
    experiment.runs.push_back({.run = {.name = name,
                                       .data = {.name = "shapes", .limit = 32, .test_limit = 16},
                                       .model = VaeConfig{.hidden = {8}, .latent = 2},
                                       .train = {.epochs = 1, .seed = seed, .batch_size = 16}}});
  conduct(experiment,
          {.scale = RunScale::kFull, .seed = 4, .out = scratch.path(), .runs = scratch.path() / "runs", .quiet = true});
  EXPECT_NE(read_file(scratch.path() / "0.1" / "index.html").find("<dt>Seeds</dt><dd>4, 5</dd>"), std::string::npos);
  const Json results = parse_json(read_file(scratch.path() / "0.1" / "results.json"), "results.json");
  EXPECT_EQ(results.at("provenance").at("seeds").dump(), "[4,5]");
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
