// Gaussians with diagonal covariance: what every family needs of them. Nats; sums over all dimensions but the first.
#pragma once

#include <ATen/core/Tensor.h>

#include "sextant/tensor/rng.h"

namespace sextant {

// N(mean, diag(exp(log_variance))), both [B,L]. In float32 on the CPU its functions are single passes over memory; all
// are twice differentiable.
struct DiagonalGaussian {
  Tensor mean, log_variance;
  // From a net's output [B,2L]: the mean, then the log-variance, which is kept in [-30, 20], where sigma^2 and its
  // inverse are far from the ends of float32; beyond, its gradient is 0.
  static DiagonalGaussian from_statistics(const Tensor& statistics);
  Tensor sample(Rng& rng) const;  // mean + sigma * eps, differentiable in both (Kingma & Welling 2014, eq. 4)
  Tensor log_density(const Tensor& z) const;  // [B]
  Tensor kl_to_standard_per_unit() const;     // KL to N(0,1) of each unit, [B,L] (ibid., appendix B)
  Tensor kl_to_standard() const;              // [B]

 private:
  void check() const;  // throws Error where the shapes are others
};

// log N(z; 0, I), [B].
Tensor standard_normal_log_density(const Tensor& z);

// nats over `dimensions` numbers, in bits a dimension.
double bits_per_dim(double nats, int64_t dimensions);

// log p(x) of independent Bernoulli pixels with these logits, summed over all but the first dimension: [B]. x may be
// grey (in [0,1]); then this is a cross-entropy and no log density.
Tensor bernoulli_log_likelihood(const Tensor& x, const Tensor& logits);

// log N(x; mean, exp(2 log_sigma) I) with a log_sigma of one element, summed over all but the first dimension: [B].
Tensor gaussian_log_likelihood(const Tensor& x, const Tensor& mean, const Tensor& log_sigma);

}  // namespace sextant
