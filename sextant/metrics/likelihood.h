// Likelihoods of latent-variable models. All in nats; sums over pixels; nothing averaged but where said.
#pragma once

#include "sextant/families/model.h"

namespace sextant {

// Where the samples of z come from: the encoder's q(z|x), or the prior (exercise 14.2 shows what that costs).
enum class Proposal { kPosterior, kPrior };

struct ImportanceEstimate {
  Tensor log_p;  // [B] log of the mean of K weights p(x,z)/q(z|x): unbiased for p(x), low for log p(x) (Jensen)
  Tensor effective_samples;  // [B] (sum w)^2 / sum w^2, between 1 and K
};

// Burda et al. 2016, eq. 8, with `samples` = K draws an item, in log space throughout, in pieces that fit into memory.
ImportanceEstimate importance_weighted(LatentVariable& model, const Tensor& x, int64_t samples, Proposal proposal,
                                       Rng& rng);

// Mean KL(q(z_j|x) || N(0,1)) of each unit over a split: [L], float64.
Tensor kl_per_unit(LatentVariable& model, const Split& split, PixelRange range);

// Mean squared error a pixel of decode(posterior mean) over a split.
double reconstruction_error(LatentVariable& model, const Split& split, PixelRange range);

}  // namespace sextant
