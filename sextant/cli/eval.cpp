#include "sextant/cli/command.h"
#include "sextant/lab/run_store.h"
#include "sextant/metrics/likelihood.h"

namespace sextant {
namespace {

struct Options {
  std::string run, metrics = "elbo";
  int64_t images = 100, samples = 1000;
  uint64_t seed = 0;
};

const MetricRow& metric_named(const std::string& name) {
  std::string known;
  for (const MetricRow& row : metrics()) {
    if (name == row.name) return row;
    known += concat(" ", row.name);
  }
  throw UsageError(concat("[eval] there is no metric '", name, "'; known are:", known));
}

void eval(const Options& options, Console& console) {
  SEXTANT_USAGE_CHECK(options.images >= 1 && options.samples >= 1, "[eval] --images and --samples must be at least 1");
  std::vector<const MetricRow*> wanted;
  std::stringstream names(options.metrics);
  for (std::string name; std::getline(names, name, ',');) wanted.push_back(&metric_named(name));
  SEXTANT_USAGE_CHECK(!wanted.empty(), "[eval] --metrics names none; try --metrics elbo");
  const TrainedRun trained = open_run(find_shipped(options.run), console.prepare());
  const Dataset data = load_dataset(trained.run.data);
  Json result = {{"run", trained.run.name}, {"fingerprint", fingerprint(trained.run)}, {"split", "test"},
                 {"seed", options.seed},    {"data_sha256", data.content_hash},        {"metrics", Json::object()}};
  std::string text = concat(trained.run.name, ", test split of ", data.name, "\n");
  for (const MetricRow* metric : wanted) {
    const Json numbers = metric->measure({.model = *trained.model,
                                          .data = data,
                                          .images = options.images,
                                          .samples = options.samples,
                                          .seed = options.seed});
    result["metrics"][metric->name] = numbers;
    text += concat("  ", metric->name, " (", metric->text, ")\n");
    for (const auto& [name, value] : numbers.items()) text += concat("    ", name, " = ", value.dump(), "\n");
  }
  console.print(result, text);
}

}  // namespace

void add_eval(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("eval", "measure a trained run on its test split");
  std::string text = "which, separated by commas:";
  for (const MetricRow& row : metrics()) text += concat(" ", row.name, " (", row.text, ");");
  command->add_option("run", options->run, "run folder, or a zoo entry")->required();
  command->add_option("--metrics", options->metrics, text)->capture_default_str();
  command->add_option("--images", options->images, "log_likelihood: test images used")->capture_default_str();
  command->add_option("--samples", options->samples, "log_likelihood: draws of z an image")->capture_default_str();
  command->add_option("--seed", options->seed, "seed of the noise")->capture_default_str();
  command->footer("Example: sextant eval zoo/vae-mnist --metrics elbo,log_likelihood --samples 5000 --json");
  add_common(*command, console, true);
  command->callback([options, &console] { eval(*options, console); });
}

}  // namespace sextant
