// A small critic, trained to its optimum under the gradient penalty on two fixed sets of points, against the exact
// Wasserstein-1 distance between them: what the estimate of a WGAN-GP run can be trusted for.
#pragma once

#include <vector>

#include "sextant/tensor/rng.h"

namespace sextant {

struct CriticCheckConfig {
  int64_t points = 128;  // of each set
  int64_t steps = 3000;
  double lambda = 10;
};

struct CriticCheck {
  double exact = 0;          // W1 by the network simplex
  double estimate = 0;       // the critic's, mean over the last tenth of its steps
  double gradient_norm = 0;  // mean between the sets, at the end
  double lambda = 0;
  int64_t points = 0;
  std::vector<double> step, estimates;  // the way there
};

// x from N(0, I/4), y from a ring around (1.5, 0): in the plane, drawn by `rng`. The critic has two hidden layers of 64
// and Adam 1e-3 with betas (0, 0.9), falling to zero; every step sees all points, paired anew.
CriticCheck check_critic(const CriticCheckConfig& config, Rng rng);

}  // namespace sextant
