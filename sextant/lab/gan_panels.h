// Panels of the adversarial exercises: what samples score as training goes on, how many runs held their balance, and
// two kinds of runs at equal budgets.
#pragma once

#include "sextant/lab/comparison_panels.h"

namespace sextant::panels {

// Scores of samples after each kept epoch, drawn from the same noise -> <run>.after.<epoch>.fcd, .class_entropy,
// .classes_covered, .pairwise_distance, .updates (of the generator, up to there) …, and <run>.after.last.…; plots of
// the Fréchet distance and of the entropy over epochs.
Panel scores_by_epoch(const std::vector<NamedRun>& runs);

// When a run counts as stable, judged at the last epoch that all runs kept: the entropy of its classes is above
// kStableEntropy and D(x) - D(G(z)), mean over the last kLastEpochs epochs, below kStableGap. It counts as collapsed
// where the entropy is below kCollapsedEntropy.
constexpr double kStableEntropy = 1.8, kStableGap = 0.9, kCollapsedEntropy = 0.5;
constexpr int64_t kLastEpochs = 3;

// Counts stable and collapsed runs -> <key>.stable, .collapsed, .runs; <run>.gap, .entropy, .d_loss_sd, .g_loss_sd;
// judged_at_epoch; and says so in words. Comes after run_curves of loss, d_real and d_fake and after scores_by_epoch.
Panel stability(const std::vector<SeedGroup>& groups);

// Two groups at equal epochs and at equal numbers of generator updates, of which `second` makes one where `first` makes
// `ratio` -> equal_epochs.<epoch>.<key>.fcd (mean over seeds) and .fcd_low, .fcd_high; equal_updates.<epoch of
// second>.…; latest of both under .last. Says in words what came out. Comes after scores_by_epoch.
Panel equal_budgets(const SeedGroup& first, const SeedGroup& second, int64_t ratio);

// A critic trained under the gradient penalty on two small sets of points against the exact distance between them ->
// critic.exact, .estimate, .gradient_norm, .relative_error.
Panel critic_against_exact();

}  // namespace sextant::panels
