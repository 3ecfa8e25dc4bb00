#include <algorithm>
#include <cstdio>

#include "sextant/base/choice.h"
#include "sextant/base/progress.h"
#include "sextant/cli/command.h"
#include "sextant/cli/plan_options.h"
#include "sextant/lab/scoring_classifier.h"
#include "sextant/metrics/table.h"
#include "sextant/tensor/device.h"

namespace sextant {
namespace {

struct Options {
  const CLI::App* command = nullptr;
  std::string run, metrics = "elbo", classifier;
  int64_t images = 100, samples = 1000, count = 10000;
  uint64_t seed = 0;
};

const MetricRow& metric_named(const std::string& name) {
  std::vector<std::string> known;
  for (const MetricRow& row : metrics()) {
    if (name == row.name) {
      SEXTANT_USAGE_CHECK(row.at_hand(), "[eval] ", row.missing());
      return row;
    }
    known.emplace_back(row.name);
  }
  refuse_unknown("eval", "--metrics", name, known);
}

std::vector<const MetricRow*> wanted_metrics(const Options& options) {
  std::vector<const MetricRow*> wanted;
  std::stringstream names(options.metrics);
  for (std::string name; std::getline(names, name, ',');) wanted.push_back(&metric_named(name));
  SEXTANT_USAGE_CHECK(!wanted.empty(), "[eval] --metrics names none; try --metrics elbo");
  return wanted;
}

// An option that no wanted metric looks at would be believed to have had an effect.
void refuse_unused(const Options& options, const std::vector<const MetricRow*>& wanted, Needs needs) {
  const auto check = [&](const std::string& option, bool used, const std::string& users) {
    SEXTANT_USAGE_CHECK(used || options.command->get_option(option)->count() == 0, "[eval] ", option, " is for ", users,
                        "; leave it out, or add one of those to --metrics");
  };
  for (const std::string option : {"--images", "--samples", "--seed"}) {
    const auto reads = [&](const MetricRow& row) { return std::ranges::find(row.reads, option) != row.reads.end(); };
    std::string users;
    for (const MetricRow& row : metrics())
      if (reads(row)) users += concat(users.empty() ? "" : ", ", row.name);
    const bool of_samples = option == "--seed";  // they begin from noise
    check(option,
          (of_samples && needs != Needs::kModel) ||
              std::ranges::any_of(wanted, [&](const MetricRow* row) { return reads(*row); }),
          of_samples ? users + " and scores of samples" : users);
  }
  check("--count", needs != Needs::kModel, "scores of samples, such as fcd");
  check("--classifier", needs == Needs::kClassifier, "scores by a classifier, such as fcd");
}

// What the rows that score samples share: data, classifier, and the samples once they are asked for.
struct Scoring {
  Dataset reference;
  OpenClassifier classifier;
  std::unique_ptr<SampleStudy> study;
};

std::unique_ptr<Scoring> prepare_scoring(const TrainedRun& trained, const Options& options,
                                         const std::optional<SamplePlan>& plan, Needs needs, PhasedProgress& bar) {
  auto scoring = std::make_unique<Scoring>();
  trained.generative();  // or there is nothing to score
  std::optional<ScoringClassifier> classifier;
  if (needs == Needs::kClassifier) {
    const auto folder = options.classifier.empty() ? std::filesystem::path() : find_shipped(options.classifier);
    scoring->classifier = open_scoring_classifier(trained, folder, trained.device());
    classifier = scoring->classifier.scoring;
  }
  scoring->reference = reference_data(trained.run);
  const auto progress = [&bar, &options](int64_t done) {
    bar.update("sampling", done, options.count, [&] { return concat(done, " of ", options.count, " samples"); });
  };
  SampleSource source = {.draw =
                             [&, progress, plan] {
                               return plan ? draw_set(trained, *plan, options.count, options.seed,
                                                      [progress](const DrawStep& at) { progress(at.done); })
                                           : draw_samples(trained, options.count, options.seed, progress);
                             },
                         .record = {{"seed", options.seed},
                                    {"device", device_text(trained.device())},
                                    {"precision", to_string(product_precision())}}};
  if (plan) source.record["plan"] = to_json(*plan);
  scoring->study = std::make_unique<SampleStudy>(std::move(source), scoring->reference, options.count, classifier);
  return scoring;
}

void eval(const Options& options, const PlanOptions& plan_options, Console& console) {
  SEXTANT_USAGE_CHECK(options.images >= 1 && options.samples >= 1, "[eval] --images and --samples must be at least 1");
  const std::vector<const MetricRow*> wanted = wanted_metrics(options);
  const at::Device device = console.prepare();
  const PrecisionScope scope(console.precision());
  const TrainedRun trained = open_run(find_shipped(options.run), device);
  Needs needs = Needs::kModel;
  for (const MetricRow* metric : wanted) needs = std::max(needs, metric->needs);
  const bool draws = needs != Needs::kModel, diffuses = dynamic_cast<Diffusion*>(trained.model.get()) != nullptr;
  std::optional<SamplePlan> plan;  // of a diffusion run's samples
  if (plan_options.asked() || (draws && diffuses)) plan = plan_options.plan(diffusion_of(trained));
  SEXTANT_USAGE_CHECK(!plan || draws,
                      "[eval] none of these metrics draws samples, so no sampler is used; add one that does, such as ",
                      "--metrics fcd, or leave out the sampler's options");
  refuse_unused(options, wanted, needs);
  PhasedProgress bar(console.quiet);
  std::unique_ptr<Scoring> scoring;
  if (draws) scoring = prepare_scoring(trained, options, plan, needs, bar);
  const Dataset data = load_dataset(trained.run.data);
  Json result = {{"run", trained.run.name},
                 {"fingerprint", fingerprint(trained.run)},
                 {"split", "test"},
                 {"seed", options.seed},
                 {"device", device_text(device)},
                 {"precision", to_string(product_precision())},
                 {"data_sha256", data.content_hash},
                 {"metrics", Json::object()}};
  if (const std::string trained_on = trained.record.value("data_sha256", ""); trained_on != data.content_hash) {
    result["trained_on_data_sha256"] = trained_on;
    if (!console.quiet)
      std::fprintf(stderr, "%s was trained on another copy of %s than is at hand: this test split may not be its own\n",
                   trained.run.name.c_str(), data.name.c_str());
  }
  std::string text = concat(trained.run.name, ", test split of ", data.name, "\n");
  for (const MetricRow* metric : wanted) {
    const Json numbers =
        metric->measure({.model = *trained.model,
                         .data = data,
                         .images = options.images,
                         .samples = options.samples,
                         .seed = options.seed,
                         .study = scoring ? scoring->study.get() : nullptr,
                         .progress = [&](const char* what, int64_t done, int64_t total) {
                           bar.update(what, done, total, [&] { return concat(done, " of ", total, " pictures"); });
                         }});
    result["metrics"][metric->name] = numbers;
    text += concat("  ", metric->name, " (", metric->text, ")\n");
    for (const auto& [name, value] : numbers.items())
      if (name != "provenance") text += concat("    ", name, " = ", value.dump(), "\n");
  }
  if (scoring)
    text += concat("  samples and what they are held against\n    ", scoring->study->provenance().dump(), "\n");
  console.print(result, text);
}

}  // namespace

void add_eval(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("eval", "measure a trained run on its test split");
  options->command = command;
  std::string text = "which, separated by commas:";
  for (const MetricRow& row : metrics()) text += concat(" ", row.name, " (", row.text, ");");
  command->add_option("run", options->run, "run folder, or a zoo entry")->required();
  command->add_option("--metrics", options->metrics, text)->capture_default_str();
  command->add_option("--images", options->images, "log_likelihood, bound: test images used")->capture_default_str();
  command->add_option("--samples", options->samples, "log_likelihood: draws of z an image")->capture_default_str();
  command
      ->add_option("-n,--count", options->count,
                   "scores of samples: how many, against as many test pictures; compare equal numbers only")
      ->capture_default_str();
  command->add_option("--classifier", options->classifier,
                      "scores of samples: the run that classifies; without it the one that ships for the data set");
  command->add_option("--seed", options->seed, "seed of the noise")->capture_default_str();
  command->footer(
      "Example: sextant eval zoo/vae-mnist --metrics elbo,log_likelihood --samples 5000 --json\n"
      "Example: sextant eval zoo/vae-mnist --metrics fcd,kid,precision_recall -n 10000\n"
      "Example: sextant eval zoo/ddpm-mnist --metrics fcd --sampler ddpm --steps 1000 --guidance 2 -n 2000");
  add_common(*command, console, true);
  add_precision(*command, console);
  const auto plan = add_plan_options(*command);
  command->callback([options, plan, &console] { eval(*options, *plan, console); });
}

}  // namespace sextant
