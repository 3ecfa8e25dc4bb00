// Every exercise that the program knows runs end to end at smoke scale, and no claim that is judged there fails.
#include <gtest/gtest.h>

#include "program.h"

namespace sextant::testing_program {
namespace {
namespace fs = std::filesystem;

TEST(ExerciseSlow, EveryExerciseRunsAtSmoke) {
  const ScratchFolder scratch;  // one folder of runs: exercises share them
  const Json list = run({"list", "--json"}, scratch.path()).json();
  ASSERT_GE(list.at("exercises").size(), 9u);
  for (const Json& exercise : list.at("exercises")) {
    const std::string id = exercise.at("id");
    const Said said = run({"run", id, "--scale", "smoke", "--json", "--quiet"}, scratch.path());
    ASSERT_EQ(said.code, 0) << id << said.err;
    const Json result = said.json();
    EXPECT_EQ(result.at("exercise"), id);
    EXPECT_TRUE(fs::exists(scratch.path() / result.at("report").get<std::string>()));
    for (const Json& claim : result.at("claims")) EXPECT_NE(claim.at("verdict"), "fails") << id << claim.dump();
  }
}

}  // namespace
}  // namespace sextant::testing_program
