// Sampling a diffusion run from the command line, end to end on a net that trains in a second, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "program.h"
#include "sextant/base/files.h"

namespace sextant::testing_program {
namespace {
namespace fs = std::filesystem;

std::vector<std::string> tiny_training(const fs::path& out, bool conditional) {
  const std::string recipe = (source_root() / "recipes" / "ddpm-mnist.toml").string();
  std::vector<std::string> arguments = {"train", recipe, "--quiet", "--out", out.string()};
  for (const char* setting : {"data.limit=128", "data.test_limit=32", "train.epochs=1", "train.batch_size=32",
                              "train.keep_epochs=[]", "model.net.widths=[8,8]", "model.net.groups=4"})
    arguments.insert(arguments.end(), {"--set", setting});
  arguments.insert(arguments.end(), {"--set", concat("model.conditional=", conditional ? "true" : "false")});
  return arguments;
}

// The tests share two runs, `guided` and `plain`, in one folder.
class DiffusionCli : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    scratch_.emplace();
    ASSERT_EQ(run(tiny_training(path("guided"), true), scratch_->path()).code, 0);
    ASSERT_EQ(run(tiny_training(path("plain"), false), scratch_->path()).code, 0);
  }
  static void TearDownTestSuite() { scratch_.reset(); }
  static fs::path path(const char* name) { return scratch_->path() / name; }
  static Said sample(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "sample");
    return run(arguments, scratch_->path());
  }
  static inline std::optional<ScratchFolder> scratch_;
};
using DiffusionCliSlow = DiffusionCli;

TEST_F(DiffusionCliSlow, SamplesByEverySamplerAndFilmsThem) {
  const std::vector<std::vector<std::string>> plans = {
      {"guided", "--steps", "5", "--guidance", "3", "--label", "7", "--film", "film.png"},
      {"guided", "--steps", "4", "--each-label"},
      {"guided", "--steps", "4", "--sampler", "ddpm", "--no-clip"},
      {"plain", "--steps", "4", "--sampler", "dpm-solver", "--spacing", "linspace", "--film", "film.png"},
      {"plain", "--steps", "4", "--eta", "1"},
      {"plain"}};
  for (std::vector<std::string> arguments : plans) {
    arguments.insert(arguments.end(), {"-n", "3", "-o", "grid.png", "--json"});
    const Said said = sample(arguments);
    ASSERT_EQ(said.code, 0) << said.err;
    EXPECT_EQ(said.json().at("count"), 3);
    EXPECT_TRUE(said.json().contains("plan"));
    for (const char* file : {"grid.png", "film.png"}) EXPECT_EQ(read_file(path(file)).substr(1, 3), "PNG") << file;
  }
}

TEST_F(DiffusionCliSlow, ScoresSamplesOfAnyPlanAndRecordsIt) {
  const auto score = [&](std::vector<std::string> plan) {
    std::vector<std::string> arguments = {"eval", "guided", "--metrics", "pairwise_distance", "-n", "70", "--json"};
    arguments.insert(arguments.end(), plan.begin(), plan.end());
    const Said said = run(arguments, scratch_->path());
    EXPECT_EQ(said.code, 0) << said.err;
    return said.json().at("metrics").at("pairwise_distance");
  };
  const Json one = score({"--sampler", "ddpm", "--steps", "3", "--label", "4", "--guidance", "2"});
  const Json same = score({"--sampler", "ddpm", "--steps", "3", "--label", "4", "--guidance", "2"});
  const Json other = score({"--sampler", "ddpm", "--steps", "4", "--label", "4", "--guidance", "2"});
  EXPECT_EQ(one, same);
  EXPECT_NE(one.at("mean_distance"), other.at("mean_distance"));
  const Json& plan = one.at("provenance").at("plan");
  EXPECT_EQ(plan.at("steps"), 3);
  EXPECT_EQ(plan.at("label"), 4);
  EXPECT_EQ(plan.at("guidance"), 2);
  EXPECT_EQ(plan.at("sampler").at("sampler"), "ddpm");
  EXPECT_EQ(one.at("provenance").at("device"), "cpu");
  for (const auto& [where, says] : {std::pair{(source_root() / "zoo" / "vae-mnist").string(), "no diffusion model"},
                                    std::pair{std::string("guided"), "--metrics fcd"}}) {
    const Said refused = run({"eval", where, "--steps", "9"}, scratch_->path());
    EXPECT_EQ(refused.code, 2);
    EXPECT_NE(refused.err.find(says), std::string::npos) << refused.err;
  }
}

TEST_F(DiffusionCli, TheSameSeedGivesTheSamePicture) {
  std::string before;
  for (const char* seed : {"1", "1", "2"}) {
    ASSERT_EQ(sample({"guided", "-n", "2", "--steps", "3", "-o", "grid.png", "--seed", seed}).code, 0);
    const std::string now = read_file(path("grid.png"));
    if (!before.empty()) {
      EXPECT_EQ(now == before, std::string(seed) == "1");
    }
    before = now;
  }
}

TEST_F(DiffusionCliSlow, PrecisionIsOfTheRunAndOfTheSampling) {
  std::vector<std::string> weights, pictures;
  for (const char* precision : {"fp32", "bf16"}) {
    std::vector<std::string> arguments = tiny_training(path(precision), false);
    arguments.insert(arguments.end(), {"--precision", precision, "--set", "model.net.zero_init=false"});
    ASSERT_EQ(run(arguments, scratch_->path()).code, 0);
    const Json config = Json::parse(read_file(path(precision) / "config.json"));
    EXPECT_EQ(config.at("run").at("train").at("precision"), precision);
    weights.push_back(read_file(path(precision) / "weights.safetensors"));
  }
  EXPECT_TRUE(weights[0] != weights[1]);
  for (const char* precision : {"fp32", "bf16", "bf16"}) {
    const Said said =
        sample({"fp32", "-n", "9", "--steps", "20", "--no-clip", "-o", "grid.png", "--precision", precision});
    ASSERT_EQ(said.code, 0) << said.err;
    pictures.push_back(read_file(path("grid.png")));
  }
  EXPECT_TRUE(pictures[0] != pictures[1]);
  EXPECT_TRUE(pictures[1] == pictures[2]);
  const Said said = sample({"fp32", "--precision", "fp16"});
  EXPECT_EQ(said.code, 2);
  EXPECT_NE(said.err.find("bf16"), std::string::npos) << said.err;
}

TEST_F(DiffusionCliSlow, WhatDoesNotFitIsRefusedWithTheRemedy) {
  struct Refused {
    std::vector<std::string> arguments;
    const char* says;
  };
  const Refused refused[] = {
      {{"guided", "--steps", "0"}, "at least 1"},
      {{"guided", "--steps", "1001"}, "between 1 and the chain's 1000"},
      {{"guided", "--sampler", "euler"}, "ddim"},
      {{"guided", "--spacing", "even"}, "trailing"},
      {{"guided", "--label", "10"}, "0 to 9"},
      {{"guided", "--label", "3", "--each-label"}, "not both"},
      {{"plain", "--each-label"}, "unconditional"},
      {{"plain", "--guidance", "2"}, "unconditional"},
      {{"guided", "--label", "-3"}, "0 or more"},
      {{"guided", "--film-frames", "5"}, "--film FILE"},
      {{"guided", "--guidance", "-1", "--label", "3"}, "at least 0"},
      {{"plain", "--guidance", "3", "--label", "3"}, "conditional"},
      {{"guided", "--eta", "2"}, "1"},
      {{"guided", "--eta", "0.5", "--sampler", "ddpm"}, "--eta belongs"},
      {{"guided", "--film", "film.png", "--film-frames", "1000"}, "2 to 64"},
      {{"guided", "-n", "0"}, "between 1"},
      {{(source_root() / "zoo" / "vae-mnist").string(), "--steps", "10"}, "no diffusion model"},
  };
  for (const Refused& r : refused) {
    const Said said = sample(r.arguments);
    std::string line;
    for (const std::string& word : r.arguments) line += word + " ";
    EXPECT_EQ(said.code, 2) << line << said.err;
    EXPECT_NE(said.err.find(r.says), std::string::npos) << line << said.err;
  }
}

// Without a label a conditional run draws its classes in turn, and at guidance 0 knows of none.
TEST_F(DiffusionCliSlow, ClassesComeInTurnUnlessOneIsNamed) {
  const auto picture = [&](std::vector<std::string> plan) {
    plan.insert(plan.begin(), {"guided", "-n", "12", "--steps", "3", "--no-clip", "-o", "grid.png"});
    EXPECT_EQ(sample(plan).code, 0);
    return read_file(path("grid.png"));
  };
  const std::string usual = picture({});
  EXPECT_TRUE(usual == picture({"--each-label"}));
  EXPECT_TRUE(usual == picture({"--guidance", "1"}));
  EXPECT_TRUE(usual != picture({"--guidance", "0"}));
  EXPECT_TRUE(picture({"--guidance", "0"}) == picture({"--label", "3", "--guidance", "0"}));
}

TEST_F(DiffusionCliSlow, WeightsOfAnotherNetAreNamedWithTheRemedy) {
  fs::create_directory(path("mixed"));
  fs::copy_file(path("guided") / "config.json", path("mixed") / "config.json");
  fs::copy_file(path("plain") / "weights.safetensors", path("mixed") / "weights.safetensors");
  const Said said = sample({"mixed"});
  EXPECT_EQ(said.code, 1) << said.err;
  EXPECT_NE(said.err.find("class_embedding"), std::string::npos) << said.err;
  EXPECT_NE(said.err.find("weights.safetensors"), std::string::npos) << said.err;
}

// A net whose weights are broken: the first step that shows it is named, and no picture is written.
TEST_F(DiffusionCliSlow, WhatIsNotFiniteWhileSamplingIsSaid) {
  fs::copy(path("plain"), path("broken"), fs::copy_options::recursive);
  std::string weights = read_file(path("broken") / "weights.safetensors");
  uint64_t header = 0;
  std::memcpy(&header, weights.data(), sizeof(header));
  std::fill(weights.begin() + static_cast<std::ptrdiff_t>(sizeof(header) + header), weights.end(), '\xff');  // NaN
  write_file(path("broken") / "weights.safetensors", weights);
  const Said said = sample({"broken", "--steps", "4", "-o", "never.png"});
  EXPECT_EQ(said.code, 1) << said.err;
  EXPECT_NE(said.err.find("is not finite after step 1"), std::string::npos) << said.err;
  EXPECT_FALSE(fs::exists(path("never.png")));
}

TEST_F(DiffusionCliSlow, AnExportIsARunOfHalfTheSize) {
  ASSERT_EQ(run({"export", "guided", "small", "--bf16"}, scratch_->path()).code, 0);
  const auto size = [&](const char* name) { return fs::file_size(path(name) / "weights.safetensors"); };
  EXPECT_LT(3 * size("small"), 2 * size("guided"));
  EXPECT_EQ(read_file(path("small") / "log.jsonl"), read_file(path("guided") / "log.jsonl"));
  EXPECT_EQ(sample({"small", "-n", "2", "--steps", "2"}).code, 0);
  EXPECT_EQ(run({"export", "guided", "small"}, scratch_->path()).code, 2);
}

}  // namespace
}  // namespace sextant::testing_program
