// Nothing is lost: runs that are killed, interrupted, locked, damaged or out of disk.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "program.h"
#include "sextant/base/files.h"

namespace sextant::testing_program {
namespace {
namespace fs = std::filesystem;

std::vector<std::string> with(std::vector<std::string> words, const std::string& word) {
  words.push_back(word);
  return words;
}

// The log without its clock.
std::string timeless_log(const fs::path& run) {
  std::string text;
  std::istringstream lines(read_file(run / "log.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    Json record = parse_json(line, "log");
    record.erase("wall_s");
    text += record.dump() + "\n";
  }
  return text;
}

void expect_same_run(const fs::path& a, const fs::path& b) {
  EXPECT_EQ(read_file(a / "weights.safetensors"), read_file(b / "weights.safetensors"));
  EXPECT_EQ(read_file(a / "snapshots" / "epoch-0003.safetensors"),
            read_file(b / "snapshots" / "epoch-0003.safetensors"));
  EXPECT_EQ(timeless_log(a), timeless_log(b));
}

void wait_for(const fs::path& file, Process& process) {
  for (int i = 0; i < 6000 && !fs::exists(file) && process.running(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

// Each attempt is killed when the log has reached a random length, a random few milliseconds later: somewhere in a
// step, a write, a checkpoint.
TEST(ResumeSlow, ARunKilledAtAnyMomentEndsInTheSameBytesAsOneNeverKilled) {
  const ScratchFolder scratch;
  const Said whole = run(smoke_training("whole"), scratch.path());
  ASSERT_EQ(whole.code, 0) << whole.err;
  const auto length = static_cast<double>(fs::file_size(scratch.path() / "whole" / "log.jsonl"));
  std::mt19937 random(1);
  std::uniform_real_distribution<double> part(0, 1);
  int kills = 0;
  for (int trial = 0; trial < 3; ++trial) {
    const std::string folder = "killed" + std::to_string(trial);
    const fs::path log = scratch.path() / folder / "log.jsonl";
    for (int attempt = 0; attempt < 4; ++attempt) {
      const double until = length * (attempt + part(random)) / 4;
      Process process(with(smoke_training(folder), "--resume"), scratch.path());
      std::error_code absent;
      while (process.running() && (!fs::exists(log, absent) || static_cast<double>(fs::file_size(log, absent)) < until))
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      std::this_thread::sleep_for(std::chrono::duration<double>(0.02 * part(random)));
      kills += process.running();
      ::kill(process.pid(), SIGKILL);
      process.wait();
    }
    const Said last = run(with(smoke_training(folder), "--resume"), scratch.path());
    ASSERT_EQ(last.code, 0) << last.err;
    expect_same_run(scratch.path() / "whole", scratch.path() / folder);
  }
  EXPECT_GE(kills, 6);  // of twelve; a fast machine may finish before the last one comes
}

TEST(ResumeSlow, AnInterruptSavesAndSaysHowToGoOn) {
  const ScratchFolder scratch;
  ASSERT_EQ(run(smoke_training("whole"), scratch.path()).code, 0);
  Process process(smoke_training("cut"), scratch.path());
  wait_for(scratch.path() / "cut" / "log.jsonl", process);
  ::kill(process.pid(), SIGINT);
  const Said said = process.wait();
  EXPECT_EQ(said.code, 130) << said.err;
  EXPECT_NE(said.err.find("goes on from here"), std::string::npos) << said.err;
  const Said refused = run(smoke_training("cut"), scratch.path());
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("add --resume"), std::string::npos) << refused.err;
  ASSERT_EQ(run(with(smoke_training("cut"), "--resume"), scratch.path()).code, 0);
  expect_same_run(scratch.path() / "whole", scratch.path() / "cut");
}

TEST(ResumeSlow, TwoProcessesDoNotTrainIntoOneRun) {
  const ScratchFolder scratch;
  Process first(with(with(smoke_training("run"), "--set"), "train.epochs=2000"), scratch.path());
  wait_for(scratch.path() / "run" / "log.jsonl", first);
  const Said second =
      run(with(with(with(smoke_training("run"), "--set"), "train.epochs=2000"), "--resume"), scratch.path());
  EXPECT_EQ(second.code, 1);
  EXPECT_NE(second.err.find("in use by process " + std::to_string(first.pid())), std::string::npos) << second.err;
}

TEST(ResumeSlow, AnotherRecipeDoesNotContinueTheRun) {
  const ScratchFolder scratch;
  ASSERT_EQ(run(smoke_training("run"), scratch.path()).code, 0);
  const Said said = run(with(with(smoke_training("run"), "--set"), "train.seed=1"), scratch.path());
  EXPECT_EQ(said.code, 1);
  EXPECT_NE(said.err.find("holds another run"), std::string::npos) << said.err;
}

TEST(ResumeSlow, ADamagedCheckpointIsNamedAndTheOlderOneServes) {
  const ScratchFolder scratch;
  ASSERT_EQ(run(smoke_training("whole"), scratch.path()).code, 0);
  ASSERT_EQ(run(smoke_training("run"), scratch.path()).code, 0);
  fs::remove(scratch.path() / "run" / "weights.safetensors");
  std::vector<fs::path> checkpoints;
  for (const auto& entry : fs::directory_iterator(scratch.path() / "run" / "checkpoints"))
    checkpoints.push_back(entry.path());
  ASSERT_EQ(checkpoints.size(), 2u);
  const fs::path newest = std::max(checkpoints[0], checkpoints[1]);
  std::string bytes = read_file(newest / "model.safetensors");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 64);
  write_file(newest / "model.safetensors", bytes);
  const Said said = run(with(smoke_training("run"), "--resume"), scratch.path());
  EXPECT_EQ(said.code, 1);
  EXPECT_NE(said.err.find("Remove "), std::string::npos) << said.err;
  fs::remove_all(newest);
  ASSERT_EQ(run(with(smoke_training("run"), "--resume"), scratch.path()).code, 0);
  expect_same_run(scratch.path() / "whole", scratch.path() / "run");
}

// On a file system of 3 MB in a mount namespace of its own; without the right to make one the test skips and says so.
TEST(ResumeSlow, AFullDiskStopsTheRunAndMoreSpaceLetsItGoOn) {
  const ScratchFolder scratch;
  ASSERT_EQ(run(smoke_training("whole"), scratch.path()).code, 0);
  const fs::path small = scratch.path() / "small", copy = scratch.path() / "copy";
  fs::create_directory(small);
  std::string program = SEXTANT_PROGRAM;
  for (const std::string& word : with(smoke_training(small / "run"), "--resume")) program += " '" + word + "'";
  const std::string script =
      "mount -t tmpfs -o size=3m none '" + small.string() + "' || exit 77; " + program + " 2>'" +
      (scratch.path() / "first").string() + "'; [ $? = 1 ] || exit 78; mount -o remount,size=90m '" + small.string() +
      "' || exit 77; " + program + " || exit 79; cp -r '" + (small / "run").string() + "' '" + copy.string() + "'";
  write_file(scratch.path() / "script", script);
  const std::string unshare = ::geteuid() == 0 ? "unshare --mount sh " : "unshare --mount --map-root-user sh ";
  const int status = std::system((unshare + (scratch.path() / "script").string() + " >/dev/null 2>&1").c_str());
  if (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 1)
    GTEST_SKIP() << "no right to mount a small file system here";
  ASSERT_EQ(WEXITSTATUS(status), 0) << read_file(scratch.path() / "first");
  EXPECT_NE(read_file(scratch.path() / "first").find("free some space"), std::string::npos)
      << read_file(scratch.path() / "first");
  expect_same_run(scratch.path() / "whole", copy);
}

}  // namespace
}  // namespace sextant::testing_program
