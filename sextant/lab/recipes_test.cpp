// A recipe and an exercise that name the same run must mean the same, or the run is trained twice and nobody notices.
#include <gtest/gtest.h>

#include <set>

#include "sextant/lab/experiment.h"

namespace sextant {
namespace {

TEST(Recipes, EachIsARunOfAnExerciseOrStandsAlone) {
  const std::set<std::string> alone = {"classifier-cifar10", "classifier-mnist", "classifier-shapes", "dcgan-mnist"};
  std::set<std::string> planned, strangers;
  for (const Experiment& experiment : experiments())
    for (const PlannedRun& run : experiment.runs) planned.insert(fingerprint(run.run));
  for (const auto& entry : std::filesystem::directory_iterator(find_shipped("recipes")))
    if (!planned.contains(fingerprint(read_recipe(entry.path(), {})))) strangers.insert(entry.path().stem().string());
  EXPECT_EQ(strangers, alone);
}

}  // namespace
}  // namespace sextant
