// The adversarial family as a user meets it: its recipes, its mistakes, what can be measured, its exercises.
#include <gtest/gtest.h>

#include "program.h"

namespace sextant::testing_program {
namespace {
namespace fs = std::filesystem;

std::vector<std::string> train(const std::string& recipe, const fs::path& out,
                               const std::vector<std::string>& settings) {
  std::vector<std::string> words = {"train", (source_root() / "recipes" / (recipe + ".toml")).string(), "--out",
                                    out.string()};
  for (const std::string& setting : settings) {
    words.emplace_back("--set");
    words.push_back(setting);
  }
  return words;
}

std::vector<std::string> tiny(const std::string& recipe) {
  std::vector<std::string> settings = {"data.limit=256", "data.test_limit=64", "train.epochs=2", "train.batch_size=32",
                                       "train.keep_epochs=[]"};
  if (recipe == "dcgan-mnist") {
    settings.emplace_back("model.net.width=4");
  } else {
    settings.insert(settings.end(), {"model.net.generator_hidden=[16]", "model.net.discriminator_hidden=[16]"});
  }
  return settings;
}

TEST(GanCliSlow, MistakesEndWithTheirCodeAndNameTheRemedy) {
  const ScratchFolder scratch;
  const struct {
    const char *recipe, *setting, *says;
  } mistakes[] = {
      {"wgan-gp-mnist", "model.gradient_penalty=-1", "model.gradient_penalty"},
      {"wgan-gp-mnist", "model.gradient_penalty=0", "model.gradient_penalty = 10"},
      {"wgan-gp-mnist", "model.critic_steps=0", "model.critic_steps"},
      {"wgan-gp-mnist", "train.batch_size=128", "lower train.batch_size"},
      {"wgan-gp-mnist", "data.limit=224", "lower train.batch_size"},  // 7 batches: the last of two rounds ends both
      {"wgan-gp-mnist", "model.net.width=8", "model.net.width has no effect"},
      {"dcgan-mnist", "train.ema_decay=0.9", "leave out train.ema_decay"},
      {"dcgan-mnist", "data.name=two_moons", "dcgan makes pictures"},
      {"gan-mnist", "model.loss=hinge", "non_saturating | saturating | wasserstein"},
  };
  for (const auto& mistake : mistakes) {
    std::vector<std::string> settings = tiny(mistake.recipe);
    settings.emplace_back(mistake.setting);
    const Said said = run(train(mistake.recipe, scratch.path() / mistake.setting, settings), scratch.path());
    EXPECT_EQ(said.code, 2) << mistake.setting << said.err;
    EXPECT_NE(said.err.find(mistake.says), std::string::npos) << mistake.setting << said.err;
    EXPECT_FALSE(fs::exists(scratch.path() / mistake.setting)) << "a recipe that is refused leaves no folder behind";
  }
}

TEST(GanCliSlow, EachRecipeTrainsSamplesAndIsMeasured) {
  const ScratchFolder scratch;
  for (const char* recipe : {"gan-mnist", "wgan-gp-mnist", "dcgan-mnist"}) {
    const fs::path folder = scratch.path() / recipe;
    ASSERT_EQ(run(train(recipe, folder, tiny(recipe)), scratch.path()).code, 0) << recipe;
    ASSERT_EQ(run({"sample", folder.string(), "-n", "4", "-o", "s.png"}, scratch.path()).code, 0) << recipe;
    EXPECT_TRUE(fs::exists(scratch.path() / "s.png"));
    const Said said = run(
        {"eval", folder.string(), "--metrics", "fcd,coverage,pairwise_distance", "-n", "64", "--json"}, scratch.path());
    ASSERT_EQ(said.code, 0) << said.err;
    const Json measured = said.json().at("metrics");
    EXPECT_TRUE(measured.at("fcd").at("fcd").is_number()) << measured.dump();
    EXPECT_TRUE(measured.at("pairwise_distance").at("mean_distance").is_number()) << measured.dump();
    EXPECT_GE(measured.at("coverage").at("classes_covered").get<int64_t>(), 1) << measured.dump();
    const Said refused = run({"eval", folder.string(), "--metrics", "elbo"}, scratch.path());
    EXPECT_NE(refused.code, 0) << "an implicit model has no likelihood";
  }
}

}  // namespace
}  // namespace sextant::testing_program
