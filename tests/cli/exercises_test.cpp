// Every exercise that the program knows runs end to end at smoke scale, and no claim that is judged there fails.
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "program.h"
#include "sextant/base/files.h"

namespace sextant::testing_program {
namespace {
namespace fs = std::filesystem;

// Numbers that claims of a larger scale list and only that scale measures. A path that no panel measures at any scale
// would come to light after hours otherwise.
const std::set<std::string> kOfLargerScales = {
    "ddpm-mnist-chapter.train.7.loss", "vae-mnist.effective_samples.10000",
    "vae-mnist.log_p.10000",           "vae-mnist.test.10.kl",
    "vae-mnist.test.10.loss",          "vae-mnist.test.10.reconstruction",
    "vae-mnist.test.5.loss",
};

TEST(ExerciseSlow, EveryExerciseRunsAtSmoke) {
  const ScratchFolder scratch;  // one folder of runs: exercises share them
  const Json list = run({"list", "--json"}, scratch.path()).json();
  ASSERT_GE(list.at("exercises").size(), 9u);
  std::set<std::string> later;
  for (const Json& exercise : list.at("exercises")) {
    const std::string id = exercise.at("id");
    const Said said = run({"run", id, "--scale", "smoke", "--json", "--quiet"}, scratch.path());
    ASSERT_EQ(said.code, 0) << id << said.err;
    const Json result = said.json();
    EXPECT_EQ(result.at("exercise"), id);
    EXPECT_TRUE(fs::exists(scratch.path() / result.at("report").get<std::string>()));
    const Json kept = parse_json(read_file(scratch.path() / "report" / id / "results.json"), id);
    if (kept.at("results").contains("floor")) {  // scores, then: by which classifier?
      for (const Json& by : kept.at("provenance").at("scored_against"))
        EXPECT_EQ(by.at("classifier").at("weights_sha256").get<std::string>().size(), 64u) << id;
    }
    for (const Json& claim : result.at("claims")) {
      EXPECT_NE(claim.at("verdict"), "fails") << id << claim.dump();
      for (const Json& path : claim.value("not_measured", Json::array())) later.insert(path);
    }
  }
  EXPECT_EQ(later, kOfLargerScales);
}

// In the log of a finished run the test loss is made to rise.
TEST(ExerciseSlow, AClaimThatFailsIsAnExitCodeUnderCheck) {
  const ScratchFolder scratch;
  const std::vector<std::string> page = {"run", "14.21", "--scale", "smoke", "--quiet"},
                                 checked = {"run", "14.21", "--scale", "smoke", "--quiet", "--check"};
  ASSERT_EQ(run(checked, scratch.path()).code, 0);
  for (const auto& folder : fs::directory_iterator(scratch.path() / "runs")) {
    std::istringstream log(read_file(folder.path() / "log.jsonl"));
    std::string changed;
    for (std::string line; std::getline(log, line);) {
      Json record = parse_json(line, "log");
      if (record.value("split", "") == "test") record["loss"] = record.at("epoch");
      changed += record.dump() + "\n";
    }
    write_file(folder.path() / "log.jsonl", changed);
  }
  EXPECT_EQ(run(page, scratch.path()).code, 0);
  const Said said = run(checked, scratch.path());
  EXPECT_EQ(said.code, 3) << said.err;
  EXPECT_NE(said.out.find("fails: The test loss falls"), std::string::npos) << said.out;
}

}  // namespace
}  // namespace sextant::testing_program
