#include "sextant/lab/exercises/gan_runs.h"

namespace sextant {
namespace {

std::string tens(double beta1) { return concat("b0", static_cast<int64_t>(10 * beta1 + 0.5)); }

std::vector<PlannedRun> planned(const panels::SeedGroup& group, const GanConfig& config, int64_t epochs) {
  std::vector<PlannedRun> runs;
  for (const panels::NamedRun& named : group.runs) {
    Run run = {.name = named.run, .data = {.name = "mnist"}, .model = config, .train = {.epochs = epochs}};
    run.train.seed = static_cast<int64_t>(runs.size());
    for (const int64_t epoch : {1, 2, 5, 10, 15, 30, 50})
      if (epoch <= epochs) run.train.keep_epochs.push_back(epoch);
    runs.push_back({.run = run,
                    .quick = {"train.epochs=10", "train.keep_epochs=[1,2,5,10]"},
                    .smoke = {"data.limit=640", "data.test_limit=256", "model.net.generator_hidden=[64]",
                              "model.net.discriminator_hidden=[64]", "train.epochs=5", "train.keep_epochs=[1,5]",
                              "train.batch_size=64", "train.log_every=4"}});
  }
  return runs;
}

panels::SeedGroup group_of(const std::string& prefix, const std::string& key, const std::string& title) {
  panels::SeedGroup group = {.key = key, .title = title, .runs = {}};
  for (int64_t seed = 0; seed < kGanSeeds; ++seed)
    group.runs.push_back({concat(prefix, "-s", seed), concat(title, ", seed ", seed)});
  return group;
}

}  // namespace

panels::SeedGroup gan_group(double beta1, const std::string& title) {
  return group_of("gan-" + tens(beta1), tens(beta1), title);
}

panels::SeedGroup wgan_gp_group() { return group_of("wgan-gp", "wgan-gp", "WGAN-GP"); }

std::vector<PlannedRun> planned_gans(double beta1) {
  GanConfig config;
  config.discriminator_optimiser.beta1 = config.generator_optimiser.beta1 = beta1;
  return planned(gan_group(beta1, ""), config, beta1 == 0.5 ? 50 : 15);
}

std::vector<PlannedRun> planned_wgan_gps() { return planned(wgan_gp_group(), wgan_gp(), 50); }

}  // namespace sextant
