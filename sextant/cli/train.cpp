#include "sextant/base/number_text.h"
#include "sextant/cli/command.h"
#include "sextant/lab/run_store.h"

namespace sextant {
namespace {

struct Options {
  std::string recipe, out, runs = "runs";
  std::vector<std::string> settings;
  bool resume = false, show = false;
};

std::string settings_text(const Run& run) {
  std::vector<FieldHelp> help;
  describe(run, help);
  std::string text = "Settings for --set PATH=VALUE, as they are now:\n";
  for (const FieldHelp& field : help)
    text += concat("  ", field.path, " = ", field.value, "  (", field.type, ") ", field.text, "\n");
  return text;
}

void train_recipe(const Options& options, Console& console) {
  std::vector<std::string> settings = options.settings;
  if (!console.precision_name.empty()) settings.push_back("train.precision=" + console.precision_name);
  const Run run = read_recipe(find_shipped(options.recipe), settings);
  if (options.show) return console.print(to_json(run), settings_text(run));
  console.admit(run.train.precision);
  RunStore store(options.runs, console.quiet, console.prepare());
  const auto folder = options.out.empty() ? store.folder_of(run) : std::filesystem::path(options.out);
  const TrainedRun trained = store.ensure_in(folder, run, options.resume);
  const Json result = {{"run", trained.run.name}, {"folder", folder.string()}, {"record", trained.record}};
  console.print(result, concat("trained ", trained.run.name, " in ", duration_text(trained.trained_s()), ": ",
                               folder.string(), "\n"));
}

}  // namespace

void add_train(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("train", "train a model from a recipe");
  command->add_option("recipe", options->recipe, "recipe file, such as recipes/vae-mnist.toml")->required();
  command->add_option("--set", options->settings, "change a setting: train.epochs=3 (repeatable)");
  command->add_option("--out", options->out, "folder of this run; without it runs/<name>-<fingerprint>");
  command->add_option("--runs", options->runs, "folder of all runs")->capture_default_str();
  command->add_flag("--resume", options->resume, "go on with a run that was cut off");
  command->add_flag("--show", options->show, "print every setting with its value and meaning, and stop");
  command->footer(
      "Example: sextant train recipes/vae-mnist.toml --set train.epochs=3 --set model.latent=2\n"
      "Train on your own pictures: --set data.name=folder --set data.path=DIR --set data.image_size=32");
  add_common(*command, console, true);
  add_precision(*command, console);
  command->callback([options, &console] { train_recipe(*options, console); });
}

}  // namespace sextant
