// Panels of normalising flows: densities that can be looked at, and the laws that a flow owes, checked on trained nets.
#pragma once

#include "sextant/lab/comparison_panels.h"

namespace sextant::panels {

// Of flows of two moons, all on data of one noise. -log p over epochs against the entropy of the data, test and (of the
// first run) train; a table of the whole test split -> moons.entropy, <run>.nll, .standard_error, .gap (to the
// entropy), .gap_in_errors, and moons.worst_gap, .least_gap_in_errors over the runs.
Panel moons_nll(const std::vector<NamedRun>& runs);

// The learned density as a heat map with test points on it, the exact density beside, and the integral over a square ->
// <run>.integral.
Panel moons_density(const std::string& run);

// Samples of the run beside as many test points.
Panel moons_samples(const std::string& run, int64_t count);

// On trained weights, over the first `points` test items: the largest error of x -> z -> x -> <run>.round_trip.float32,
// .float64; and, for items of at most 64 numbers, of the claimed log-determinant against slogdet of the autograd
// Jacobian, in double -> <run>.log_det_error.
Panel flow_laws(const std::string& run, int64_t points);

// The plane of z turning into the moons: points of N(0, I), coloured by where they began, after each coupling layer.
Panel flow_film(const std::string& run, int64_t points);

// Bits a dimension of a flow of pictures over epochs, and samples -> <run>.bits_per_dim.
Panel flow_pictures(const std::string& run, int64_t rows, int64_t columns);

}  // namespace sextant::panels
