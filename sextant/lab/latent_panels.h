// Panels that compare runs with latent variables: where each stands between rate and distortion, what each makes of the
// same test pictures, and what single units of z do.
#pragma once

#include "sextant/lab/comparison_panels.h"

namespace sextant::panels {

// A table of the final reconstruction term, KL, their sum (all unweighted, test split), squared error and active units
// -> <run>.reconstruction, .kl, .sum, .mse, .active_units; and the rate-distortion plot: KL against reconstruction.
Panel rate_and_distortion(const std::vector<NamedRun>& runs);

// Both terms against a setting of the runs, one plot each. values[i] belongs to runs[i]; both axes logarithmic where
// all values are positive. After rate_and_distortion, whose numbers it draws.
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
