#include "sextant/data/toys.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "sextant/data/test_support.h"

namespace sextant {
namespace {

TEST(Toys, AreStandardisedByTheirExactMoments) {
  constexpr int64_t kPoints = 200000;
  for (const std::string& name : toy_names())
    for (const double noise : {0.0, 0.3}) {
      Rng rng(7);
      const Tensor x = make_toy(name, kPoints, noise, rng).x.to(at::kDouble);
      for (int64_t axis = 0; axis < 2; ++axis) {
        const Tensor column = x.select(1, axis);
        // Standard errors: 1 / sqrt(n) = 0.0022, and below 0.0025 for the variance (kurtosis below 3). Five of them.
        EXPECT_NEAR(column.mean().item<double>(), 0, 0.011) << name << axis;
        EXPECT_NEAR(column.var(false).item<double>(), 1, 0.0125) << name << axis;
      }
    }
}

TEST(Toys, TwoMoonsLieOnTheirHalfCircles) {
  Rng rng(8);
  const Split split = make_toy("two_moons", 1000, 0, rng);
  const ToyMoments moments = toy_moments("two_moons", 0);
  for (int64_t i = 0; i < split.size(); ++i) {
    const double x = split.x[i][0].item<double>() * moments.scale[0] + moments.mean[0];
    const double y = split.x[i][1].item<double>() * moments.scale[1] + moments.mean[1];
    const bool upper = split.labels[i].item<int64_t>() == 0;
    EXPECT_NEAR(upper ? std::hypot(x, y) : std::hypot(x - 1, y - 0.5), 1, 1e-5);
    EXPECT_TRUE(upper ? y >= -1e-5 : y <= 0.5 + 1e-5);
  }
}

TEST(Toys, TwoMoonsScaleGivesTheKnownEntropies) {
  // Differential entropies of the moons by quadrature, raw and standardised: 1.0076 and 1.8296 nats at noise 0.1,
  // 0.4771 and 1.3161 at 0.06. They differ by the logarithms of the scale.
  const auto logs = [](double noise) {
    const ToyMoments moments = toy_moments("two_moons", noise);
    return std::log(moments.scale[0]) + std::log(moments.scale[1]);
  };
  EXPECT_NEAR(1.0076 - logs(0.1), 1.8296, 2e-4);
  EXPECT_NEAR(0.4771 - logs(0.06), 1.3161, 2e-4);
}

TEST(Toys, CheckerboardFillsEverySecondSquare) {
  Rng rng(9);
  const Split split = make_toy("checkerboard", 4000, 0, rng);
  const double scale = toy_moments("checkerboard", 0).scale[0];
  std::set<std::pair<int, int>> squares;
  for (int64_t i = 0; i < split.size(); ++i) {
    const double x = split.x[i][0].item<double>() * scale, y = split.x[i][1].item<double>() * scale;
    if (std::abs(x - std::round(x)) < 1e-5 || std::abs(y - std::round(y)) < 1e-5)
      continue;  // on an edge but for rounding
    squares.emplace(static_cast<int>(std::floor(x)), static_cast<int>(std::floor(y)));
  }
  EXPECT_EQ(squares.size(), 8u);
  for (const auto& [x, y] : squares) EXPECT_EQ((x + y + 4) % 2, 0) << x << ' ' << y;
  EXPECT_FALSE(split.labels.defined());
}

TEST(Toys, RingHasEightEqualParts) {
  Rng rng(10);
  const Split split = make_toy("ring_gaussians", 8000, 0.05, rng);
  const Tensor counts = split.labels.bincount();
  ASSERT_EQ(counts.size(0), 8);
  EXPECT_GT(counts.min().item<int64_t>(), 1000 - 5 * 30);  // binomial, 5 standard deviations of 30
}

TEST(Toys, DependOnTheConfigOnlyAndTheSplitsDiffer) {
  const DatasetConfig config{.name = "swiss_roll", .toy_size = 100};
  const Dataset a = load_toy(config), b = load_toy(config);
  EXPECT_TRUE(at::equal(a.train.x, b.train.x));
  EXPECT_FALSE(at::equal(a.train.x, a.test.x));
  EXPECT_THROW(load_toy({.name = "three_moons"}), UsageError);
}

}  // namespace
}  // namespace sextant
