#include "sextant/lab/exercises/ddpm_runs.h"

namespace sextant {

PlannedRun planned_ddpm(const std::string& name, const UnetConfig& net, bool conditional) {
  return {.run = {.name = name,
                  .data = {.name = "mnist"},
                  .model = DdpmConfig{.net = net, .conditional = conditional},
                  .train = {.epochs = 20, .ema_decay = 0.999, .keep_epochs = {1, 2, 5, 10, 20}}},
          .quick = {"train.epochs=2", "train.keep_epochs=[1,2]"},
          .smoke = {"data.limit=512", "data.test_limit=256", "model.net.widths=[8,16]", "model.net.groups=4",
                    "train.epochs=2", "train.keep_epochs=[2]", "train.batch_size=64", "train.log_every=4"}};
}

panels::NamedPlan ddim_plan(int64_t steps) {
  return {.key = concat("ddim", steps), .title = concat("DDIM, ", steps, " steps"), .plan = {.steps = steps}};
}

panels::NamedPlan ddpm_plan() {
  return {.key = "ddpm", .title = "DDPM, 1000 steps (β̃)", .plan = {.sampler = Ancestral{}, .steps = 1000}};
}

}  // namespace sextant
