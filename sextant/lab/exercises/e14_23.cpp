// Exercise 14.23: the toy GAN of the chapter's section 14.5 under two first moments of Adam.
#include "sextant/lab/exercises/exercises.h"
#include "sextant/lab/exercises/gan_runs.h"
#include "sextant/lab/panels.h"

namespace sextant {
Experiment exercise_14_23() {
  const panels::SeedGroup low = gan_group(0.5, "β₁ = 0.5"), high = gan_group(0.9, "β₁ = 0.9");
  const std::vector<panels::NamedRun> runs = panels::all_runs({low, high});
  const auto curve = [&](const std::string& player, const std::string& part, const std::string& title,
                         const std::string& unit) {
    return panels::run_curves(runs, {.part = part, .title = title, .unit = unit, .player = player, .split = "train"});
  };
  std::vector<PlannedRun> planned = planned_gans(0.5);
  for (PlannedRun& run : planned_gans(0.9)) planned.push_back(std::move(run));

  return {
      .id = "14.23",
      .title = "The toy GAN and Adam's first moment",
      .question =
          "Train the same pair of fully connected nets on the handwritten digits with Adam's β₁ at 0.5 and at 0.9. "
          "Which of the two keeps generator and discriminator in balance, and what becomes of the samples where it is "
          "lost?",
      .runs = planned,
      .panels = {panels::heading("The game over the epochs"),
                 curve("discriminator", "loss", "D's loss", "nats, real and generated summed"),
                 curve("generator", "loss", "G's loss", "nats, −log D(G(z))"),
                 curve("discriminator", "d_real", "D(x)", "mean probability"),
                 curve("discriminator", "d_fake", "D(G(z))", "mean probability"), panels::scores_by_epoch(runs),
                 panels::stability({low, high}), panels::epoch_samples(runs, 12)},
      .claims = {{.says = "With β₁ = 0.5 every seed is stable.",
                  .numbers = {"b05.stable", "b05.runs"},
                  .holds = [](Values v) { return v[0] == v[1]; },
                  .from = RunScale::kFull},
                 {.says = "With β₁ = 0.9 no seed is.",
                  .numbers = {"b09.stable", "b09.collapsed", "b09.runs"},
                  .holds = [](Values v) { return v[0] == 0; },
                  .from = RunScale::kQuick},
                 {.says = "More runs are stable with β₁ = 0.5 than with 0.9.",
                  .numbers = {"b05.stable", "b09.stable"},
                  .holds = strictly_falling,
                  .from = RunScale::kQuick},
                 {.says = concat("With β₁ = 0.9 every seed collapses: the entropy of its samples' classes is below ",
                                 panels::kCollapsedEntropy, " nats."),
                  .numbers = panels::numbers_of(high.runs, "entropy"),
                  .holds = each([](double entropy) { return entropy < panels::kCollapsedEntropy; }),
                  .from = RunScale::kQuick},
                 {.says = concat("With β₁ = 0.9 the discriminator wins in every seed: D(x) − D(G(z)) ends above ",
                                 panels::kStableGap, "."),
                  .numbers = panels::numbers_of(high.runs, "gap"),
                  .holds = each([](double gap) { return gap > panels::kStableGap; }),
                  .from = RunScale::kQuick},
                 {.says = "No discriminator is fooled altogether: D(x) ends above D(G(z)) in every run.",
                  .numbers = panels::numbers_of(runs, "gap"),
                  .holds = each([](double gap) { return gap > 0; })}},
      .reading =
          R"(Both players use Adam with rate 2e-4 and batches of 128; only β₁ differs, and the seeds are the same for
both. The generator minimises the **non-saturating** loss −log D(G(z)), computed from logits. The discriminator's loss
is the sum of its real and its generated half: 2 log 2 = 1.386 is a tie, and 0 a discriminator that is never wrong. A
value near 1.386 alone proves nothing: a discriminator too weak to see a difference has it as well. Neither loss says
how good the samples are, which is why they are scored.

Two failures can be told apart. **Mode collapse**: many z, few digits; the class entropy falls. **A vanished game**:
D(x) → 1 and D(G(z)) → 0, and the generator no longer learns anything useful from an opponent that is sure of
everything. β₁ is the memory of the gradient's mean: at 0.9 a step averages over about the last ten gradients, most of
them against an opponent that has changed since, at 0.5 over about two.

These nets have no BatchNorm and no dropout; with either the contrast may be milder. The runs with β₁ = 0.5 are those of
exercise 14.24 and go on for 50 epochs at full scale; the comparison is made at the last epoch that all runs kept.)",
  };
}

}  // namespace sextant
