#include "sextant/math/optimal_transport.h"

#include <gtest/gtest.h>

#include "sextant/base/check.h"
#include "sextant/tensor/rng.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

constexpr double kRounding = 1e-9;  // costs of size 10 to 2^-40, and sums of some hundred of them

Tensor points(int64_t n, int64_t d, uint64_t seed) { return Rng(seed).normal({n, d}).to(at::kDouble); }
Tensor distances(const Tensor& x, const Tensor& y) { return (x.unsqueeze(1) - y.unsqueeze(0)).norm(2, 2); }

// On the line the best plan keeps the order: the mean difference of the sorted points.
TEST(OptimalTransport, OnTheLineItIsTheMeanDifferenceOfSortedPoints) {
  for (const int64_t n : {1, 2, 30}) {
    const Tensor x = points(n, 1, 1), y = 3 * points(n, 1, 2) - 1;
    const double expected =
        (std::get<0>(x.flatten().sort()) - std::get<0>(y.flatten().sort())).abs().mean().item<double>();
    EXPECT_NEAR(wasserstein1(x, y), expected, kRounding) << n;
  }
}

// Sets of unequal size: the integral of |F - G|. Two points 0 and 1 against three at 0, 1/2, 1: 1/6 has to move by 1/2
// on each side.
TEST(OptimalTransport, SetsOfUnequalSizeShareTheirPoints) {
  const Tensor x = torch::tensor({0.0, 1.0}, at::kDouble).view({2, 1});
  const Tensor y = torch::tensor({0.0, 0.5, 1.0}, at::kDouble).view({3, 1});
  EXPECT_NEAR(wasserstein1(x, y), 2 * (1.0 / 6) * 0.5, kRounding);
}

TEST(OptimalTransport, ATranslationCostsItsLength) {
  const Tensor x = points(40, 3, 1), shift = torch::tensor({1.0, -2.0, 2.0}, at::kDouble);
  EXPECT_NEAR(wasserstein1(x, x + shift), 3, kRounding);
  EXPECT_NEAR(wasserstein1(x, x), 0, kRounding);
}

TEST(OptimalTransport, IsSymmetricAndKeepsTheTriangle) {
  const Tensor x = points(25, 2, 1), y = points(31, 2, 2) + 1, z = 2 * points(20, 2, 3);
  EXPECT_NEAR(wasserstein1(x, y), wasserstein1(y, x), kRounding);
  EXPECT_LE(wasserstein1(x, z), wasserstein1(x, y) + wasserstein1(y, z) + kRounding);
}

TEST(OptimalTransport, ThePlanHasItsMarginalsAndNothingNegative) {
  const Transport t = optimal_transport(distances(points(20, 2, 1), points(35, 2, 2)));
  EXPECT_GE(t.plan.min().item<double>(), 0);
  EXPECT_LT((t.plan.sum(1) - 1.0 / 20).abs().max().item<double>(), 1e-12);
  EXPECT_LT((t.plan.sum(0) - 1.0 / 35).abs().max().item<double>(), 1e-12);
}

// What makes it optimal: a feasible dual of the same value, tight wherever the plan moves anything.
TEST(OptimalTransport, PrimalEqualsDualWhichIsFeasibleAndTightOnThePlan) {
  const Tensor costs = distances(points(50, 2, 1), 2 * points(40, 2, 2) + 1);
  const Transport t = optimal_transport(costs);
  EXPECT_NEAR(t.cost, (t.f.mean() + t.g.mean()).item<double>(), kRounding);
  const Tensor slack = costs - t.f.unsqueeze(1) - t.g.unsqueeze(0);
  EXPECT_GE(slack.min().item<double>(), -kRounding);
  EXPECT_LT((slack * (t.plan > 0)).abs().max().item<double>(), kRounding);
}

// Kantorovich and Rubinstein: extended to the whole plane by f(x) = min_j |x - y_j| - g_j, the potential has slope 1.
TEST(OptimalTransport, ThePotentialIsOneLipschitz) {
  const Tensor x = points(30, 2, 1), y = points(30, 2, 2) + 1;
  const Tensor f = optimal_transport(distances(x, y)).f;
  const Tensor slope = (f.unsqueeze(1) - f.unsqueeze(0)).abs() - distances(x, x);
  EXPECT_LE(slope.max().item<double>(), kRounding);
}

TEST(OptimalTransport, OtherCostsAreRefused) {
  EXPECT_THROW(optimal_transport(torch::full({2, 2}, -1.0)), Error);
  EXPECT_THROW(optimal_transport(torch::full({2, 2}, std::nan(""))), Error);
  EXPECT_THROW(optimal_transport(torch::zeros({0, 2})), Error);
  EXPECT_THROW(optimal_transport(torch::zeros({3000, 3000})), Error);
  EXPECT_THROW(wasserstein1(torch::zeros({3, 2}), torch::zeros({3, 1})), Error);
}

}  // namespace
}  // namespace sextant
