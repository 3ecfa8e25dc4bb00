// Exercise 14.24: WGAN-GP against the toy GAN on the same nets.
#include "sextant/lab/exercises/exercises.h"
#include "sextant/lab/exercises/gan_runs.h"
#include "sextant/lab/panels.h"

namespace sextant {

Experiment exercise_14_24() {
  const panels::SeedGroup gan = gan_group(0.5, "GAN"), wgan = wgan_gp_group();
  const std::vector<panels::NamedRun> runs = panels::all_runs({gan, wgan});
  std::vector<PlannedRun> planned = planned_gans(0.5);
  for (PlannedRun& run : planned_wgan_gps()) planned.push_back(std::move(run));
  const auto critic_curve = [&](const std::string& part, const std::string& title, const std::string& unit) {
    return panels::run_curves(
        wgan.runs, {.part = part, .title = title, .unit = unit, .player = "discriminator", .split = "train"});
  };
  return {
      .id = "14.24",
      .title = "WGAN-GP against the GAN",
      .question =
          "Replace the classifying discriminator by a Wasserstein critic under a gradient penalty, on the same nets. "
          "After 50 epochs, are its samples nearer to the data than those of the GAN, and does the answer depend on "
          "what is held equal?",
      .runs = planned,
      .panels = {panels::heading("The critic over the epochs"),
                 critic_curve("wasserstein", "The critic's Wasserstein estimate", "E f(x) − E f(G(z))"),
                 critic_curve("gradient_norm", "Mean gradient norm of the critic", "between real and generated"),
                 panels::critic_against_exact(), panels::scores_by_epoch(runs), panels::equal_budgets(gan, wgan, 5),
                 panels::epoch_samples(runs, 12)},
      .claims =
          {{.says = "The penalty holds the slope: over the last epoch the mean gradient norm of each WGAN-GP run is "
                    "between 0.8 and 1.4.",
            .numbers = panels::numbers_of(wgan.runs, "train.last.discriminator.gradient_norm"),
            .holds = each([](double norm) { return norm > 0.8 && norm < 1.4; }),
            .from = RunScale::kQuick},
           {.says = "Over the last epoch each critic answers higher for real pictures than for generated ones: E f(x) "
                    "− E f(G(z)) > 0.",
            .numbers = panels::numbers_of(wgan.runs, "train.last.discriminator.wasserstein"),
            .holds = each([](double estimate) { return estimate > 0; })},
           {.says = "On two small sets of points a critic under this penalty finds the exact distance within 15 %.",
            .numbers = {"critic.relative_error", "critic.exact", "critic.estimate", "critic.gradient_norm"},
            .holds = [](Values v) { return v[0] < 0.15; },
            .from = RunScale::kQuick},
           {.says = concat("WGAN-GP does not collapse: the entropy of its samples' classes ends above ",
                           panels::kStableEntropy, " nats in each run."),
            .numbers = panels::numbers_of(wgan.runs, "after.last.class_entropy"),
            .holds = each([](double entropy) { return entropy > panels::kStableEntropy; }),
            .from = RunScale::kQuick},
           {.says = "After 50 epochs each the GAN, whose generator was updated five times as often, has the lower mean "
                    "Fréchet distance over three seeds.",
            .numbers = {"equal_epochs.last.b05.fcd", "equal_epochs.last.wgan-gp.fcd"},
            .holds = strictly_rising,
            .from = RunScale::kFull},
           {.says =
                "After as many updates of the generator WGAN-GP has the lower mean Fréchet distance over three seeds.",
            .numbers = {"equal_updates.last.wgan-gp.fcd", "equal_updates.last.b05.fcd"},
            .holds = strictly_rising,
            .from = RunScale::kFull}},
      .reading =
          R"(**An epoch** is one pass over the training pictures by the discriminator or critic. At batch 128 it has 469
batches; the GAN's generator steps after each, WGAN-GP's after every fifth. So 50 epochs are 23,450 updates of the GAN's
generator and 4,690 of WGAN-GP's, as many as the GAN makes in 10 epochs. Both comparisons are made, and neither promises
a winner: a large published search on MNIST found WGAN-GP behind the non-saturating GAN.

At equal updates of the generator much else differs: the loss and its penalty, the learning rate and both betas; and
behind each update stand five steps of the critic against one of the discriminator, so five times as many real pictures
have been seen. Which of these the difference comes from is not isolated here.

The critic minimises E f(G(z)) − E f(x) + 10 E(‖∇f(x̂)‖ − 1)², x̂ on the line between a real and a generated picture, with
one share u drawn for each pair, and the norm taken over all pixels of one picture. Adam 1e-4 with betas (0, 0.9) for
both players, as in the paper; the GAN keeps its own 2e-4 with (0.5, 0.999). No net has BatchNorm, which would mix
pictures inside the penalty.

The estimate is a lower bound of the distance times the slope that the penalty allows, by a critic that is never quite
trained: it rises while the critic learns and falls while the generator does. A flat curve is no proof of
convergence.)",
  };
}

}  // namespace sextant
