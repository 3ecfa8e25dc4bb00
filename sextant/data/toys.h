// Data sets of points in the plane, made by the program, for densities that one can look at. Each is a geometry with
// exact moments; the points are standardised with the exact mean and standard deviation per axis, noise included, so
// that the map is the same for both splits and every sample size, and a differential entropy known for the geometry
// carries over: add the logarithms of `scale`.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "sextant/data/dataset.h"
#include "sextant/tensor/rng.h"

namespace sextant {

// Standardised point = (raw point - mean) / scale, per axis.
struct ToyMoments {
  std::array<double, 2> mean{}, scale{};
};

// "two_moons", "ring_gaussians", "checkerboard", "swiss_roll".
std::vector<std::string> toy_names();

// Exact moments of a toy whose points carry Gaussian noise of the standard deviation `noise` on each axis (in raw
// units). Throws UsageError for an unknown name.
ToyMoments toy_moments(const std::string& name, double noise);

// `count` standardised points, float32 [count,2], with a label each where the geometry has parts. Raw geometry:
//   two_moons       the half circles (cos a, sin a) and (1 - cos a, 1/2 - sin a), a uniform in [0, pi]; 2 classes
//   ring_gaussians  8 points evenly on the unit circle: the noise makes them Gaussians; 8 classes
//   checkerboard    uniform on the 8 squares of side 1 in [-2,2]^2 with an even sum of integer corners; no labels
//   swiss_roll      a (cos a, sin a) / 5, a uniform in [3 pi/2, 9 pi/2]; no labels
Split make_toy(const std::string& name, int64_t count, double noise, Rng& rng);

// Both splits, of `toy_size` points each. They depend on the config only, never on a run's seed.
Dataset load_toy(const DatasetConfig& config);

}  // namespace sextant
