#include "sextant/math/frechet.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sextant/base/check.h"
#include "sextant/tensor/rng.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

Tensor random(at::IntArrayRef shape, uint64_t seed) { return Rng(seed).normal(shape).to(at::kDouble); }

Moments gaussian(const Tensor& mean, const Tensor& covariance) {
  return {.mean = mean, .covariance = covariance, .n = 1000};
}

// A covariance with `rank` directions of width F.
Tensor covariance(int64_t F, int64_t rank, uint64_t seed) {
  const Tensor factor = random({F, rank}, seed);
  return factor.mm(factor.t());
}

Tensor rotation(int64_t F, uint64_t seed) { return std::get<0>(torch::linalg_qr(random({F, F}, seed))); }

// A root of an eigenvalue of size 1e-16 that should be 0 is 1e-8, and there are up to F of them.
constexpr double kRooted = 1e-6;

TEST(Moments, AStreamEqualsTheBatchAndTheDefinition) {
  const Tensor x = 3 * random({101, 7}, 1) + 50;
  MomentSums sums;
  for (int64_t first = 0; first < 101; first += 13) sums.add(x.slice(0, first, std::min<int64_t>(101, first + 13)));
  const Moments streamed = sums.moments(), batch = moments_of(x);
  EXPECT_EQ(streamed.n, 101);
  const Tensor centred = x - x.mean(0);
  for (const Moments& m : {streamed, batch}) {
    EXPECT_TRUE(torch::allclose(m.mean, x.mean(0), 1e-13, 1e-13));
    EXPECT_TRUE(torch::allclose(m.covariance, centred.t().mm(centred) / 100, 1e-12, 1e-12));
    EXPECT_TRUE(torch::allclose(m.covariance, torch::cov(x.t()), 1e-12, 1e-12));
  }
}

TEST(Moments, ALargeMeanCostsNoDigits) {
  const Tensor x = random({400, 3}, 2);
  const Moments near = moments_of(x), far = moments_of(x + 1e6);
  // x + 1e6 itself is rounded to 1e-10.
  EXPECT_TRUE(torch::allclose(near.covariance, far.covariance, 1e-8, 1e-8));
}

TEST(Moments, FewerThanTwoItemsHaveNone) {
  EXPECT_THROW(moments_of(random({1, 3}, 1)), Error);
  EXPECT_THROW(MomentSums().moments(), Error);
  MomentSums sums;
  sums.add(random({4, 3}, 1));
  EXPECT_THROW(sums.add(random({4, 2}, 1)), Error);
}

TEST(Frechet, IsZeroBetweenEqualSetsOfAnyRank) {
  for (const int64_t n : {2, 5, 9, 200}) {
    const Moments m = moments_of(random({n, 8}, 3));
    EXPECT_NEAR(frechet_distance(m, m), 0, kRooted) << n;
  }
  const Moments constant = moments_of(torch::full({5, 8}, 0.3, at::kDouble));
  EXPECT_NEAR(frechet_distance(constant, constant), 0, 1e-12);
}

// In one dimension (m1-m2)^2 + (s1-s2)^2.
TEST(Frechet, EqualsTheClosedFormInOneDimension) {
  for (const auto& [m1, s1, m2, s2] : {std::tuple{0.0, 1.0, 2.0, 3.0}, {1.0, 0.0, -1.0, 0.5}, {4.0, 2.0, 4.0, 2.0}}) {
    const auto one = [](double m, double s) {
      return gaussian(torch::full({1}, m, at::kDouble), torch::full({1, 1}, s * s, at::kDouble));
    };
    EXPECT_NEAR(frechet_distance(one(m1, s1), one(m2, s2)), std::pow(m1 - m2, 2) + std::pow(s1 - s2, 2), 1e-12);
  }
}

// Where S1 and S2 share their axes the trace is the sum of (sqrt(l1) - sqrt(l2))^2.
TEST(Frechet, EqualsTheClosedFormForCommutingCovariances) {
  const int64_t F = 6;
  const Tensor axes = rotation(F, 4), l1 = random({F}, 5).square(), l2 = random({F}, 6).square();
  const Tensor m1 = random({F}, 7), m2 = random({F}, 8);
  const auto with = [&](const Tensor& l) { return (axes * l).mm(axes.t()); };
  const double want = ((m1 - m2).square().sum() + (l1.sqrt() - l2.sqrt()).square().sum()).item<double>();
  EXPECT_NEAR(frechet_distance(gaussian(m1, with(l1)), gaussian(m2, with(l2))), want, 1e-10);
}

// The slow path: the root of the (unsymmetric) product S1 S2 by its complex eigenvalues.
TEST(Frechet, EqualsTheTraceByComplexEigenvalues) {
  const int64_t F = 7;
  const Tensor s1 = covariance(F, F, 9), s2 = covariance(F, F, 10), m1 = random({F}, 11), m2 = random({F}, 12);
  const Tensor roots = torch::linalg_eigvals(s1.mm(s2)).sqrt();
  const double want =
      ((m1 - m2).square().sum() + s1.trace() + s2.trace()).item<double>() - 2 * torch::real(roots).sum().item<double>();
  EXPECT_NEAR(frechet_distance(gaussian(m1, s1), gaussian(m2, s2)), want, 1e-8);
}

TEST(Frechet, IsSymmetricAndUnchangedByARotation) {
  const int64_t F = 8;
  for (const int64_t rank : {8, 3}) {
    const Tensor s1 = covariance(F, rank, 13), s2 = covariance(F, F, 14), m1 = random({F}, 15), m2 = random({F}, 16);
    const Moments a = gaussian(m1, s1), b = gaussian(m2, s2);
    const double d = frechet_distance(a, b);
    EXPECT_NEAR(d, frechet_distance(b, a), kRooted);
    const Tensor R = rotation(F, 17);
    const auto turned = [&](const Moments& m) { return gaussian(R.mv(m.mean), R.mm(m.covariance).mm(R.t())); };
    EXPECT_NEAR(d, frechet_distance(turned(a), turned(b)), kRooted);
  }
}

TEST(Frechet, RankDeficientCovariancesInFarDirectionsGiveTheSumOfTraces) {
  Tensor s1 = torch::zeros({4, 4}, at::kDouble), s2 = torch::zeros({4, 4}, at::kDouble);
  s1[0][0] = 4;
  s2[2][2] = 9;
  const Tensor zero = torch::zeros({4}, at::kDouble);
  EXPECT_NEAR(frechet_distance(gaussian(zero, s1), gaussian(zero, s2)), 13, 1e-12);
}

// Two draws of one Gaussian, one moved by d: |d|^2, plus an error of sampling of the mean (4 |d|^2 (2/n))^(1/2) and a
// bias below F(F+1)/(2n).
TEST(Frechet, ASetThatIsMovedByDIsDSquaredAway) {
  const int64_t n = 20000, F = 4;
  const Tensor d = torch::tensor({1.0, -2.0, 0.5, 0.0}, at::kDouble), x = random({n, F}, 18);
  EXPECT_NEAR(frechet_distance(moments_of(x), moments_of(x + d)), 5.25, 1e-9);
  const double error = std::sqrt(4 * 5.25 * 2 / static_cast<double>(n));
  EXPECT_NEAR(frechet_distance(moments_of(x), moments_of(random({n, F}, 19) + d)), 5.25, 5 * error + 1e-3);
}

TEST(Frechet, RefusesWhatCantBeCompared) {
  const Moments a = moments_of(random({9, 3}, 1)), b = moments_of(random({9, 2}, 1));
  EXPECT_THROW(frechet_distance(a, b), Error);
  const Tensor broken = random({9, 3}, 1);
  broken[4][1] = std::nan("");
  EXPECT_THROW(frechet_distance(a, moments_of(broken)), Error);
}

}  // namespace
}  // namespace sextant
