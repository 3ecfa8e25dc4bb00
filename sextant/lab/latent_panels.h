// Panels of runs with latent variables, of one run and of several: numbers, reconstructions, what units of z do, where
// each run stands between rate and distortion.
#pragma once

#include "sextant/lab/comparison_panels.h"

namespace sextant::panels {

// What the model can do beyond sampling. Throws Error when it has no latent variable.
LatentVariable& latent_of(const TrainedRun& trained);

// -> <run>.active_units, .kl_per_unit, .mse; and a table of the loss and its parts after the kept epochs, which
// training_curves of "loss", "reconstruction" and "kl" has put before.
Panel latent_variable_numbers(const std::string& run);

// The first `count` test pictures and below them what the model makes of them after each kept epoch.
Panel reconstructions(const std::string& run, int64_t count);

// Importance-weighted log p(x) against the number of draws, from q(z|x) -> <run>.log_p.<K>.
Panel importance_curve(const std::string& run, int64_t images, const std::vector<int64_t>& draws);

// Decoded means over a square of a two-dimensional z, quantiles of the prior on both axes.
Panel latent_map(const std::string& run, int64_t side);

// A table of the final reconstruction term, KL, their sum (all unweighted, test split), squared error and active units
// -> <run>.reconstruction, .kl, .sum, .mse, .active_units; and the rate-distortion plot: KL against reconstruction.
Panel rate_and_distortion(const std::vector<NamedRun>& runs);

// Both terms against a setting of the runs, one plot each. values[i] belongs to runs[i]; their axis is logarithmic
// where all are positive, that of the terms is linear and begins at 0. After rate_and_distortion, whose numbers it
// draws.
Panel terms_over(const std::vector<NamedRun>& runs, const std::vector<double>& values, const std::string& setting);

// The first `count` test pictures and, a row a run, the mean of p(x|z) at the mean of q(z|x).
Panel run_reconstructions(const std::vector<NamedRun>& runs, int64_t count);

// What a picture costs under each run: parameters, squared error and PSNR of reconstructions, negative ELBO, KL, and
// bits a dimension where p(x|z) is a probability of bytes or a density -> <run>.parameters, .mse, .psnr, .nelbo, .kl,
// .bits_per_dim.
Panel code_lengths(const std::vector<NamedRun>& runs);

// Decoded pictures while one unit of z moves from -3 to 3 and the others stay at the mean of q(z|x) of the first test
// picture: the `units` units with the largest KL, a row each, the largest first.
Panel traversals(const NamedRun& run, int64_t units, int64_t steps);

}  // namespace sextant::panels
