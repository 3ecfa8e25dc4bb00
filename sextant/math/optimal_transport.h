// The exact optimal transport between two small sets of points: the minimal-cost flow by LEMON's network simplex. With
// Euclidean costs it is the Wasserstein-1 distance, the truth that a critic under a gradient penalty is held against
// (exercises 14.18 and 14.24). All points of a set weigh the same.
#pragma once

#include <ATen/core/Tensor.h>

namespace sextant {

using at::Tensor;

// Primal and dual of Kantorovich's problem: cost = sum plan * C = mean f + mean g, f_i + g_j <= C_ij everywhere and
// equal where the plan moves anything.
struct Transport {
  double cost = 0;
  Tensor plan;  // float64 [N,M]: rows sum to 1/N, columns to 1/M
  Tensor f, g;  // float64 [N], [M]: the potentials
};

// Costs [N,M], finite and at least 0; N M up to 4,000,000 (seconds). They are rounded to 2^-40 of the largest, so that
// the simplex counts in integers and ends: the optimum is exact to that. Throws Error for other costs.
Transport optimal_transport(const Tensor& costs);

// The Wasserstein-1 distance of x [N,D] and y [M,D].
double wasserstein1(const Tensor& x, const Tensor& y);

}  // namespace sextant
