#include "sextant/data/two_moons.h"

#include <ATen/ops/linspace.h>
#include <ATen/ops/meshgrid.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>

#include <cmath>

#include "sextant/base/check.h"
#include "sextant/data/toys.h"

namespace sextant {
namespace {

// Differential entropies of the standardised moons by an independent quadrature, each to 1e-4.
TEST(TwoMoons, EntropyIsTheKnownOne) {
  const std::vector<std::pair<double, double>> known = {{0.05, 1.1312}, {0.06, 1.3161}, {0.07, 1.4722}, {0.08, 1.6070},
                                                        {0.10, 1.8296}, {0.15, 2.2067}, {0.20, 2.4244}};
  for (const auto& [noise, entropy] : known) EXPECT_NEAR(two_moons_entropy(noise), entropy, 1.5e-4) << noise;
}

TEST(TwoMoons, DensityIntegratesToOne) {
  const Tensor axis = at::linspace(-4, 4, 161, at::kDouble);
  const auto grid = at::meshgrid({axis, axis}, "ij");
  const Tensor points = at::stack({grid[0].flatten(), grid[1].flatten()}, 1);
  const double step = 8.0 / 160;  // 0.43 of the noise in these units: rounding is all that is left
  EXPECT_NEAR((two_moons_log_density(points, 0.1).exp().sum() * step * step).item<double>(), 1, 1e-4);
}

// An independent way to the same number: the mean of -log p over points of the generator.
TEST(TwoMoons, PointsOfTheGeneratorHaveTheEntropy) {
  const int64_t n = 20000;
  Rng rng(5);
  const Tensor log_p = two_moons_log_density(make_toy("two_moons", n, 0.1, rng).x, 0.1);
  const double error = log_p.std().item<double>() / std::sqrt(static_cast<double>(n));
  EXPECT_NEAR(-log_p.mean().item<double>(), two_moons_entropy(0.1), 5 * error);
}

TEST(TwoMoons, WithoutNoiseThereIsNoDensity) {
  EXPECT_THROW(two_moons_entropy(0), UsageError);
  EXPECT_THROW(two_moons_log_density(at::linspace(0, 1, 2).view({1, 2}), -0.1), UsageError);
}

}  // namespace
}  // namespace sextant
