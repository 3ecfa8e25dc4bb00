// The Fréchet distance between two Gaussians (Dowson & Landau 1982; Heusel et al. 2017, eq. 6), and the mean and
// covariance of a stream of features. All in double. The trace of the root is that of a symmetric matrix, so nothing is
// imaginary and a covariance without full rank is as good as any: eigenvalues that rounding makes negative count as 0.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace sextant {

using at::Tensor;

// mean [F] and covariance [F,F] with divisor n - 1, float64.
struct Moments {
  Tensor mean, covariance;
  int64_t n = 0;
};

// Sums of x and of x x^T, batch by batch, about the mean of the first batch, so that a large mean costs no digits.
class MomentSums {
 public:
  // x [B,F] of floats, any B >= 1; F as in the first call.
  void add(const Tensor& x);
  int64_t n() const { return n_; }
  // Throws Error with fewer than two items: they have no covariance.
  Moments moments() const;

 private:
  Tensor origin_, sum_, products_;  // [F], [F], [F,F], float64
  int64_t n_ = 0;
};

// Of all rows of x [N,F], N >= 2.
Moments moments_of(const Tensor& x);

// |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)): the squared 2-Wasserstein distance of two Gaussians, at least 0. The
// trace of the root is that of (S1^1/2 S2 S1^1/2)^1/2. Throws Error where widths differ or a number is not finite.
double frechet_distance(const Moments& a, const Moments& b);

}  // namespace sextant
