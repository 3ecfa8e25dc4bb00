#include "sextant/math/gaussian.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "sextant/base/check.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

Tensor random(at::IntArrayRef shape, uint64_t seed) { return Rng(seed).normal(shape).to(at::kDouble); }

// KL(N(m, s^2) || N(0,1)) by the trapezoid rule on a grid wide and fine enough for 1e-10.
double kl_by_quadrature(double m, double s) {
  const int n = 40001;
  const double low = m - 14 * s, step = 28 * s / (n - 1);
  double sum = 0;
  for (int i = 0; i < n; ++i) {
    const double z = low + step * i, log_q = -0.5 * std::pow((z - m) / s, 2) - std::log(s), log_p = -0.5 * z * z;
    sum += std::exp(log_q) * (log_q - log_p) * step;
  }
  return sum / std::sqrt(2 * std::numbers::pi);
}

TEST(DiagonalGaussian, KlEqualsQuadratureInEachUnit) {
  for (const auto& [m, s] : {std::pair{0.0, 1.0}, {1.5, 0.3}, {-2.0, 2.5}, {0.1, 0.01}}) {
    const DiagonalGaussian q = {.mean = torch::full({1, 1}, m, at::kDouble),
                                .log_variance = torch::full({1, 1}, 2 * std::log(s), at::kDouble)};
    EXPECT_NEAR(q.kl_to_standard().item<double>(), kl_by_quadrature(m, s), 1e-9) << m << " " << s;
  }
}

TEST(DiagonalGaussian, KlEqualsTheMeanLogRatioOfItsSamples) {
  Rng rng(1);
  const int64_t n = 100000;
  const DiagonalGaussian q = {.mean = torch::tensor({{0.5, -1.0, 0.0}}).expand({n, 3}),
                              .log_variance = torch::tensor({{0.3, -2.0, 0.0}}).expand({n, 3})};
  const Tensor z = q.sample(rng);
  const Tensor ratio = q.log_density(z) - standard_normal_log_density(z);
  const double error = ratio.std().item<double>() / std::sqrt(static_cast<double>(n));
  EXPECT_NEAR(ratio.mean().item<double>(), q.kl_to_standard()[0].item<double>(), 5 * error);
}

// The single passes against LibTorch's operations in double: value, gradient, and the gradient's gradient.
TEST(DiagonalGaussian, FastPathsEqualTheirDefinitionsInValueAndBothDerivatives) {
  const Tensor statistics = (2 * Rng(1).normal({5, 14})).requires_grad_();
  const Tensor exact = statistics.detach().to(at::kDouble).requires_grad_();
  const Tensor weight = Rng(2).normal({5, 7});
  const auto both = [&](const Tensor& from) {
    const DiagonalGaussian q = DiagonalGaussian::from_statistics(from);
    Rng rng(3);
    return (q.sample(rng) * weight).sum(1) + weight.select(1, 0) * q.kl_to_standard();
  };
  Rng rng(3);
  const Tensor mean = exact.slice(1, 0, 7), log_variance = exact.slice(1, 7);
  const Tensor z = mean + (log_variance / 2).exp() * rng.normal({5, 7});
  const Tensor kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1);
  const Tensor want = (z * weight).sum(1) + weight.select(1, 0) * kl, got = both(statistics);
  EXPECT_TRUE(torch::allclose(got.to(at::kDouble), want, 1e-5, 1e-5));
  const Tensor g_want = torch::autograd::grad({want.sum()}, {exact}, {}, true, true)[0];
  const Tensor g = torch::autograd::grad({got.sum()}, {statistics}, {}, true, true)[0];
  EXPECT_TRUE(torch::allclose(g.to(at::kDouble), g_want, 1e-5, 1e-5));
  const Tensor unrecorded = torch::autograd::grad({both(statistics).sum()}, {statistics})[0];
  EXPECT_TRUE(torch::allclose(unrecorded.to(at::kDouble), g_want, 1e-5, 1e-5));
  const Tensor second = torch::autograd::grad({g.square().sum()}, {statistics})[0];
  const Tensor second_want = torch::autograd::grad({g_want.square().sum()}, {exact})[0];
  EXPECT_TRUE(torch::allclose(second.to(at::kDouble), second_want, 1e-4, 1e-4));
}

TEST(DiagonalGaussian, LogVariancesBeyondFloatsAreKeptInside) {
  const Tensor statistics = torch::tensor({{0.0f, 1000.0f}, {0.0f, -1000.0f}}).requires_grad_();
  const DiagonalGaussian q = DiagonalGaussian::from_statistics(statistics);
  EXPECT_TRUE(q.kl_to_standard().isfinite().all().item<bool>());
  EXPECT_EQ(torch::autograd::grad({q.kl_to_standard().sum()}, {statistics})[0].abs().sum().item<double>(), 0);
}

TEST(DiagonalGaussian, DensityIntegratesToOne) {
  const Tensor z = torch::linspace(-30, 30, 60001, at::kDouble).view({-1, 1});
  const DiagonalGaussian q = {.mean = torch::full_like(z, 0.7), .log_variance = torch::full_like(z, 1.1)};
  EXPECT_NEAR((q.log_density(z).exp().sum() * 1e-3).item<double>(), 1.0, 1e-9);
}

TEST(DiagonalGaussian, ShapesThatDifferAreRefused) {
  const DiagonalGaussian q = {.mean = torch::zeros({64, 20}), .log_variance = torch::zeros({1, 20})};
  Rng rng(1);
  EXPECT_THROW(q.sample(rng), Error);
  EXPECT_THROW(q.kl_to_standard(), Error);
}

// The kernel against LibTorch's operations in double: value, gradient, and the gradient's gradient.
TEST(BernoulliLogLikelihood, EqualsItsDefinitionInValueAndBothDerivatives) {
  for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{1, 1}, {3, 7}, {5, 784}, {130, 33}}) {
    const Tensor x = Rng(2).uniform({rows, columns});
    const Tensor logits = (Rng(3).normal({rows, columns}) * 6).requires_grad_();
    const Tensor exact = logits.detach().to(at::kDouble).requires_grad_();
    const Tensor want = (x * torch::log_sigmoid(exact) + (1 - x) * torch::log_sigmoid(-exact)).sum(1);
    const Tensor got = bernoulli_log_likelihood(x, logits);
    EXPECT_TRUE(torch::allclose(got.to(at::kDouble), want, 1e-6, 1e-4)) << rows << "x" << columns;
    const Tensor weight = Rng(4).normal({rows});
    const Tensor g = torch::autograd::grad({(got * weight).sum()}, {logits})[0];
    const Tensor g_want = torch::autograd::grad({(want * weight).sum()}, {exact}, {}, true, true)[0];
    EXPECT_TRUE(torch::allclose(g.to(at::kDouble), g_want.detach(), 1e-5, 1e-6));
    const Tensor kept =
        torch::autograd::grad({(bernoulli_log_likelihood(x, logits) * weight).sum()}, {logits}, {}, true, true)[0];
    const Tensor second = torch::autograd::grad({kept.square().sum()}, {logits})[0];
    const Tensor second_want = torch::autograd::grad({g_want.square().sum()}, {exact})[0];
    EXPECT_TRUE(torch::allclose(second.to(at::kDouble), second_want, 1e-4, 1e-6));
  }
}

// A fair coin a dimension costs one bit.
TEST(BitsPerDim, OfFairCoinsIsOne) { EXPECT_NEAR(bits_per_dim(4 * std::log(2.0), 4), 1, 1e-15); }

TEST(GaussianLogLikelihood, EqualsTheSumOfUnivariateDensities) {
  const Tensor x = random({4, 5}, 5), mean = random({4, 5}, 6), log_sigma = torch::tensor({-0.7}, at::kDouble);
  const double s = std::exp(-0.7);
  const Tensor each = -0.5 * ((x - mean) / s).square() - std::log(s * std::sqrt(2 * std::numbers::pi));
  EXPECT_TRUE(torch::allclose(gaussian_log_likelihood(x, mean, log_sigma), each.sum(1), 1e-12, 1e-12));
}

}  // namespace
}  // namespace sextant
