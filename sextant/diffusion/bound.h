// The variational bound of a diffusion model (Ho et al. 2020, eq. 5, with the chain's beta-tilde variances):
//   log p(x_0) >= -KL(q(x_T|x_0) || N(0,I)) - sum over i = 2 … T of KL(q(x_{i-1}|x_i,x_0) || p(x_{i-1}|x_i)) + log
//   p(x_0|x_1)
// The last term is a discretised Gaussian over the 256 grey values (eq. 13), so data is 2 v / 255 - 1 for bytes v.
#pragma once

#include "sextant/diffusion/denoiser.h"

namespace sextant {

// Each [B], in nats, summed over pixels.
struct BoundTerms {
  Tensor prior;    // KL at the noisy end
  Tensor chain;    // sum of the KLs between, estimated
  Tensor decoder;  // -log p(x_0 | x_1)
  Tensor elbo() const { return -(prior + chain + decoder); }
};

// draws >= 1: so many random steps estimate the sum without bias, one from each of as many strata that grow
// geometrically along the chain; draws = 0: all T - 1 steps, exact but for the noise in x_i. The items of a batch share
// the steps, so their estimates are not independent. x0 is clipped as in sampling.
BoundTerms variational_bound(const Denoiser& denoiser, const Tensor& x, int64_t draws, Rng& rng);

}  // namespace sextant
