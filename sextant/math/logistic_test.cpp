#include "sextant/math/logistic.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sextant/base/check.h"
#include "sextant/tensor/rng.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

Tensor every_byte() { return torch::arange(256, at::kDouble).div(255).view({256, 1}); }

// A probability of 256 bytes adds up to 1, wherever the density lies and however wide it is.
TEST(DiscretisedLogistic, AddsUpToOneOverAllBytes) {
  for (const double mean : {-0.5, 0.0, 0.31, 1.0, 4.0})
    for (const double scale : {1e-3, 0.05, 3.0}) {
      const Tensor log_p = discretised_logistic_log_likelihood(every_byte(), torch::full({256, 1}, mean, at::kDouble),
                                                               torch::tensor({std::log(scale)}, at::kDouble));
      EXPECT_NEAR(log_p.exp().sum().item<double>(), 1, 1e-12) << mean << " " << scale;
    }
}

// The slow path: differences of the distribution function, where they do not cancel.
TEST(DiscretisedLogistic, EqualsTheDifferenceOfTheDistributionFunction) {
  const double mean = 0.4, scale = 0.1;
  const auto below = [&](double v) { return 1 / (1 + std::exp(-(v - mean) / scale)); };
  const Tensor log_p = discretised_logistic_log_likelihood(every_byte(), torch::full({256, 1}, mean, at::kDouble),
                                                           torch::tensor({std::log(scale)}, at::kDouble));
  for (int byte = 0; byte < 256; ++byte) {
    const double lower = byte == 0 ? 0 : below((byte - 0.5) / 255), upper = byte == 255 ? 1 : below((byte + 0.5) / 255);
    EXPECT_NEAR(log_p[byte].item<double>(), std::log(upper - lower), 1e-9) << byte;
  }
}

// Far out and narrow, in float32: finite, and steep in the right direction.
TEST(DiscretisedLogistic, StaysFiniteWhereTheDifferenceIsNothing) {
  const Tensor x = torch::tensor({{0.0f}, {0.5f * 2 / 255 * 100}, {1.0f}});
  const Tensor mean = torch::tensor({{90.0f}, {-80.0f}, {-70.0f}}).requires_grad_();
  const Tensor log_scale = torch::tensor({-6.0f}).requires_grad_();
  const Tensor log_p = discretised_logistic_log_likelihood(x, mean, log_scale);
  const auto gradients = torch::autograd::grad({log_p.sum()}, {mean, log_scale});
  EXPECT_TRUE(log_p.isfinite().all().item<bool>());
  EXPECT_TRUE(gradients[0].isfinite().all().item<bool>());
  EXPECT_TRUE(gradients[1].isfinite().all().item<bool>());
  EXPECT_LT(gradients[0][0].item<double>(), 0);
  EXPECT_GT(gradients[0][1].item<double>(), 0);
}

// Narrow beside a cell it is a step; wide beside a cell it is the density times the cell's width.
TEST(DiscretisedLogistic, OfAWideDensityIsTheDensityTimesTheCell) {
  const Tensor x = torch::full({1, 1}, 100.0 / 255, at::kDouble), mean = torch::full({1, 1}, 0.3, at::kDouble);
  const double scale = 0.7, z = (100.0 / 255 - 0.3) / scale;
  const double density = std::exp(-z) / (scale * std::pow(1 + std::exp(-z), 2));
  const Tensor log_p = discretised_logistic_log_likelihood(x, mean, torch::tensor({std::log(scale)}, at::kDouble));
  EXPECT_NEAR(log_p.item<double>(), std::log(density / 255), 1e-5);  // the error of a midpoint rule, h²/24 f''/f
}

// One pass over memory in float against LibTorch's operations in double: value, gradients, and theirs.
TEST(DiscretisedLogistic, TheKernelAgreesInValueAndBothDerivatives) {
  for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{1, 1}, {3, 7}, {50, 33}}) {
    const Tensor x = (Rng(1).uniform({rows, columns}) * 300 - 20).round().clamp(0, 255) / 255;
    const Tensor upstream = Rng(4).normal({rows});
    std::vector<Tensor> found[2];
    for (const bool exact : {false, true}) {
      const auto type = exact ? at::kDouble : at::kFloat;
      const Tensor mean = (Rng(2).normal({rows, columns}) * 0.5 + 0.5).to(type).requires_grad_();
      const Tensor log_scale = torch::full({1}, -1.7, type).requires_grad_();
      const Tensor log_p = discretised_logistic_log_likelihood(x.to(type), mean, log_scale);
      const Tensor sum = (log_p * upstream.to(type)).sum();
      found[exact] = torch::autograd::grad({sum}, {mean, log_scale}, {}, true);
      const auto kept = torch::autograd::grad({sum}, {mean, log_scale}, {}, true, true);
      const Tensor squares = kept[0].square().sum() + kept[1].square().sum();
      for (const Tensor& g : torch::autograd::grad({squares}, {mean, log_scale})) found[exact].push_back(g);
      found[exact].push_back(log_p.detach());
    }
    for (size_t i = 0; i < found[0].size(); ++i) {
      const Tensor want = found[1][i];
      EXPECT_LT((found[0][i].to(at::kDouble) - want).norm().item<double>(), 1e-5 * (1 + want.norm().item<double>()))
          << i;
    }
  }
}

TEST(DiscretisedLogistic, RefusesShapesThatDiffer) {
  EXPECT_THROW(discretised_logistic_log_likelihood(torch::zeros({2, 3}), torch::zeros({2, 4}), torch::zeros({1})),
               Error);
}

}  // namespace
}  // namespace sextant
