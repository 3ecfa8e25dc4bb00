// The losses of adversarial training on logits, and the penalties on the discriminator's input gradient. Pure
// functions: Goodfellow et al. 2014 (the game and the non-saturating loss), Arjovsky et al. 2017 (Wasserstein),
// Gulrajani et al. 2017 (gradient penalty), Mescheder et al. 2018 (R1). Every mean is over the batch; logits are [B].
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "sextant/tensor/rng.h"

namespace sextant {

// -E log D(real) - E log(1 - D(fake)) with D = sigmoid(logit), the sum of both halves: 2 log 2 where all logits are 0.
// By softplus of the logits: neither half underflows.
Tensor discriminator_loss(const Tensor& real, const Tensor& fake);
// -E log D(fake), Goodfellow's heuristic: log 2 at logits 0.
Tensor non_saturating_loss(const Tensor& fake);
// E log(1 - D(fake)), the game's own: -log 2 at logits 0. Its gradient vanishes where the discriminator is sure.
Tensor saturating_loss(const Tensor& fake);
// E f(real) - E f(fake): what the critic maximises; W1 where f is the best function of slope at most 1.
Tensor wasserstein_estimate(const Tensor& real, const Tensor& fake);

// u real + (1 - u) fake [B,…], with one u, uniform in [0,1), for each item. Holds no gradient.
Tensor interpolates(const Tensor& real, const Tensor& fake, Rng& rng);

using Critic = std::function<Tensor(const Tensor& x)>;  // x [B,…] -> values [B], no item depending on another

// ||d critic / d x_i|| for each item, over all dimensions but the batch: [B]. 1e-12 stands under the root, where a
// norm has no derivative at 0. Computes gradients even where they are switched off; the result can be differentiated
// itself, by the critic's weights, only where they are on.
Tensor gradient_norms(const Critic& critic, const Tensor& x);

// E (norm - 1)^2: Gulrajani et al. eq. 3 without its lambda.
Tensor gradient_penalty(const Tensor& norms);

}  // namespace sextant
