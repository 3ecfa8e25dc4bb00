// An exercise is data: a question, the runs that it needs, the panels that its page shows, the claims that it makes,
// and how to read it. `conduct` trains what is missing, draws the page and judges the claims.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "sextant/lab/claims.h"
#include "sextant/lab/run_store.h"
#include "sextant/lab/score_board.h"
#include "sextant/report/html.h"

namespace sextant {

// smoke: seconds, so that CI runs everything end to end; quick: minutes on two cores; full: what the exercise asks.
enum class RunScale { kSmoke, kQuick, kFull };
constexpr auto enum_names(RunScale) {
  return std::array{std::pair{RunScale::kSmoke, "smoke"}, std::pair{RunScale::kQuick, "quick"},
                    std::pair{RunScale::kFull, "full"}};
}

// The numbers of an exercise, by path: number("vae.test.kl").
class Results {
 public:
  const Json& json() const { return json_; }
  // Throws Error when there is no such number.
  double number(const std::string& path) const;
  void put(const std::string& path, Json value);

 private:
  Json json_ = Json::object();
};

// A sentence with a predicate over measured numbers.
struct Claim {
  std::string says;
  std::vector<std::string> numbers;     // their paths; all are shown beside it, those that are only context come last
  std::function<bool(Values v)> holds;  // v[i] is the value at numbers[i]
  RunScale from = RunScale::kSmoke;     // below this scale it is "not run"
};

// A run and what it becomes at the smaller scales, as --set would say it.
struct PlannedRun {
  Run run;
  std::vector<std::string> quick, smoke;
};

class Study;
using Panel = std::function<void(Study& study)>;

struct Experiment {
  std::string id, title, question;
  std::vector<PlannedRun> runs;
  std::vector<Panel> panels;  // in the order of the page
  std::vector<Claim> claims;
  std::string reading;  // how to read the page; lite mark-up, in which only an empty line ends a paragraph
};

struct StudyOptions {
  RunScale scale = RunScale::kQuick;
  std::optional<int64_t> seed;           // added to every run's own: runs that differ by seed only stay different
  std::filesystem::path out = "report";  // pages
  std::filesystem::path runs = "runs";
  bool zoo = false;  // take from the zoo what it holds instead of training it
  bool quiet = false;
  at::Device device = at::kCPU;
  Precision precision = Precision::kFloat32;  // of every run's training
  std::string command;                        // that reproduces the page
};

// What a panel works on: the trained runs, the page and the numbers.
class Study {
 public:
  Study(const Experiment& experiment, const StudyOptions& options);

  const TrainedRun& run(const std::string& name);
  RunScale scale() const { return options_.scale; }
  bool quiet() const { return options_.quiet; }
  uint64_t seed() const { return static_cast<uint64_t>(options_.seed.value_or(0)); }
  // What judges samples of this run's data, made once: as many real pictures as samples at this scale.
  const ScoreBoard& scores(const TrainedRun& trained);
  Results& results() { return results_; }
  // Says on the page which machine drew samples that were kept beside a run.
  void drawn_on(const std::string& machine) { drawn_on_.insert(machine); }
  // A stream of random numbers for one purpose, the same at every scale.
  Rng rng(const std::string& purpose) const;
  void add(Block block) { blocks_.push_back(std::move(block)); }
  // Adds a figure and keeps its numbers (a plot's CSV) or its picture (PNG) beside the page under `name`.
  void add_figure(const std::string& name, Image image, const std::string& caption);

 private:
  friend Json conduct(const Experiment& experiment, const StudyOptions& options);
  std::filesystem::path folder() const { return options_.out / experiment_.id; }

  const Experiment& experiment_;
  const StudyOptions& options_;
  RunStore store_;
  std::map<std::string, Run> plan_;
  std::map<std::string, TrainedRun> trained_;
  std::map<std::pair<std::string, bool>, std::unique_ptr<ScoreBoard>>
      scores_;  // by data set and whether one pass samples
  Results results_;
  std::set<std::string> drawn_on_, figures_;
  std::vector<Block> blocks_;
  std::optional<Picture> thumbnail_;
};

// Runs the exercise and writes out/<id>/index.html, results.json and the index of all pages.
// Returns {"exercise","scale","report","results","claims":[{"says","verdict","numbers"}]}, and in a claim that is not
// due at this scale "not_measured" where it lists numbers that only a larger one measures. Throws Error when a claim
// that is due at this scale lists a number that is not there: a claim about nothing is a mistake in the exercise.
Json conduct(const Experiment& experiment, const StudyOptions& options);

// Every exercise that the program can run, in the chapter's order.
std::span<const Experiment> experiments();

// Rewrites out/index.html from the pages that are there; returns its path.
std::filesystem::path write_index(const std::filesystem::path& out);

}  // namespace sextant
