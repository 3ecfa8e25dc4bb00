// The exact density of the two moons of toys.h, for judging models of it: each half circle, drawn with its angle
// uniform, convolved with the noise. In the units of the standardised points, in double.
#pragma once

#include "sextant/data/dataset.h"

namespace sextant {

// log p of standardised points [N,2]: float64 [N], nats. Throws UsageError unless noise > 0.
Tensor two_moons_log_density(const Tensor& points, double noise);

// -E log p of the standardised points, nats: what no model's mean -log p over fresh points can fall below in the long
// run. By quadrature, error below 1e-4 for noise from 0.03 to 0.5.
double two_moons_entropy(double noise);

}  // namespace sextant
