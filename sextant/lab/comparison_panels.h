// Panels that set several runs side by side: the same figure for each, one line, row or column a run.
#pragma once

#include "sextant/lab/experiment.h"

namespace sextant::panels {

struct NamedRun {
  std::string run, title;  // "beta-20", "β = 20"
};
// <run>.<key> of each run: the numbers of a claim about all of them.
std::vector<std::string> numbers_of(const std::vector<NamedRun>& runs, const std::string& key);

// Runs that differ in their seed only.
struct SeedGroup {
  std::string key, title;  // "b05", "β₁ = 0.5"
  std::vector<NamedRun> runs;
};
std::vector<NamedRun> all_runs(const std::vector<SeedGroup>& groups);

// Which number of the log a curve shows.
struct LoggedPart {
  std::string part;            // "kl"
  std::string title, unit;     // of the plot and its axis
  std::string player = {};     // empty: the only one
  std::string split = "test";  // "train": mean over the running epoch
  bool log_scale = false;
};

// One plot of a part of the loss over epochs, a line a run -> <run>.<split>.<epoch>.<part> and
// <run>.<split>.last.<part>, with the player before the part where one is named.
Panel run_curves(const std::vector<NamedRun>& runs, const LoggedPart& part);

// One grid a run: a row after each kept epoch, each column from the same noise, the same for every run.
Panel epoch_samples(const std::vector<NamedRun>& runs, int64_t columns);

// `columns` samples of each run, a row a run, each column from the same noise.
Panel run_samples(const std::vector<NamedRun>& runs, int64_t columns);

// Scores of each run's samples, the floor, and how unlike the samples are: mean distance of two of them, mean standard
// deviation of a pixel, mean p(1 - p), and the share of each class -> <run>.fcd …, .pairwise_distance, .pixel_sd,
// .blur, .class_share.<k>; real.….
Panel run_scores(const std::vector<NamedRun>& runs);

}  // namespace sextant::panels
