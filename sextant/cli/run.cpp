#include "sextant/base/choice.h"
#include "sextant/cli/command.h"
#include "sextant/lab/experiment.h"

namespace sextant {
namespace {

struct Options {
  std::string exercise, scale = "quick", out = "report", runs = "runs";
  std::optional<int64_t> seed;
  bool check = false, zoo = false;
};

std::string summary(const Json& result) {
  std::string text;
  for (const Json& claim : result["claims"])
    text += concat("  ", claim["verdict"].get<std::string>(), ": ", claim["says"].get<std::string>(), "  (",
                   claim["numbers"].get<std::string>(), ")\n");
  return concat("exercise ", result["exercise"].get<std::string>(), " at scale ", result["scale"].get<std::string>(),
                "\n", text, "report: ", result["report"].get<std::string>(), "\n");
}

constexpr int64_t kLargestSeed = 1000000000;

void run(const Options& options, Console& console) {
  SEXTANT_USAGE_CHECK(!options.seed || (*options.seed >= 0 && *options.seed <= kLargestSeed),
                      "[run] --seed must be 0 to ", kLargestSeed, "; got ", *options.seed);
  RunScale scale{};
  assign(scale, options.scale, "--scale");
  const auto all = experiments();
  const auto found = std::ranges::find(all, options.exercise, &Experiment::id);
  if (found == all.end()) {
    std::vector<std::string> known;
    for (const Experiment& experiment : all) known.push_back(experiment.id);
    refuse_unknown("run", "the exercise", options.exercise, known);
  }
  const Json result = conduct(*found, {.scale = scale,
                                       .seed = options.seed,
                                       .out = options.out,
                                       .runs = options.runs,
                                       .zoo = options.zoo,
                                       .quiet = console.quiet,
                                       .device = console.prepare(),
                                       .precision = console.precision(),
                                       .command = console.command_line});
  console.print(result, summary(result));
  for (const Json& claim : result["claims"])
    if (options.check && claim["verdict"] == to_text(Verdict::kFails)) console.exit_code = 3;
}

}  // namespace

void add_run(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("run", "run an exercise: train what is missing, draw its page, judge its claims");
  command->add_option("exercise", options->exercise, "number of the exercise, such as 14.21")->required();
  command->add_option("--scale", options->scale, "smoke (seconds), quick (minutes) or full (what the exercise asks)")
      ->capture_default_str();
  command->add_option("--seed", options->seed,
                      "added to the seed of every run; those of three seeds have 0, 1 and 2, so 3 makes all anew");
  command->add_option("--out", options->out, "folder of the pages")->capture_default_str();
  command->add_option("--runs", options->runs, "folder of the trained runs")->capture_default_str();
  command->add_flag("--zoo", options->zoo, "take trained weights from the zoo where it holds the run");
  command->add_flag("--check", options->check, "exit with 3 when a claim fails");
  command->footer("Example: sextant run 14.21 --scale quick --out report");
  add_common(*command, console, true);
  add_precision(*command, console);
  command->callback([options, &console] { run(*options, console); });
}

}  // namespace sextant
