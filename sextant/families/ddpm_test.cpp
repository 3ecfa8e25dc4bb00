// The loss of a diffusion model is that of its predictor, and as many labels are hidden as it was told.
#include "sextant/families/ddpm.h"

#include <gtest/gtest.h>

#include "sextant/base/check.h"
#include "sextant/nets/init_scope.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

DdpmConfig small(DdpmConfig config = {}) {
  config.net.widths = {8, 16};
  config.net.groups = 4;
  config.net.attention = {};
  return config;
}

// With every weight moved, so that none hides behind a zero.
std::shared_ptr<Ddpm> made(const DdpmConfig& config, int64_t classes = 0) {
  const InitScope seeded(Rng(1));
  auto model = std::make_shared<Ddpm>(config, ItemShape{.sizes = {1, 8, 8}, .classes = classes});
  const torch::NoGradGuard no_grad;
  Rng rng(2);
  for (const Tensor& p : model->parameters()) p.detach().add_(rng.normal(p.sizes()), 0.1);
  return model;
}

double loss(Ddpm& model, const Batch& batch, uint64_t seed) {
  Rng rng(seed);
  return model.loss(0, batch, rng).total.item<double>();
}

// Ho et al. 2020, eq. 14, item by item from steps and noise drawn anew in the loss's order. The predictor answers with
// eps whatever the net predicts, so the error is brought to the net's own target.
TEST(Ddpm, TheLossIsTheSquaredErrorOfItsPredictor) {
  const torch::NoGradGuard no_grad;
  for (const Prediction prediction : {Prediction::kEps, Prediction::kX0, Prediction::kV}) {
    const auto model = made(small({.prediction = prediction}));
    model->eval();
    const int64_t items = 6, T = model->schedule().steps();
    const Tensor x = Rng(5).uniform({items, 1, 8, 8}) * 2 - 1;
    Rng again(3);
    const Tensor step = again.integers(1, T + 1, {items}), eps = again.normal(x.sizes());
    double sum = 0;
    for (int64_t i = 0; i < items; ++i) {
      const double t = static_cast<double>(step[i].item<int64_t>()) / static_cast<double>(T);
      const double alpha = model->schedule().alpha(t), sigma = model->schedule().sigma(t);
      const Tensor x0 = x.slice(0, i, i + 1), e = eps.slice(0, i, i + 1), x_t = alpha * x0 + sigma * e;
      const Tensor error = model->predictor()(x_t, t, {}) - e;
      // eps = (x_t - alpha x0) / sigma = sigma x_t + alpha v
      const double per_target = prediction == Prediction::kEps  ? 1
                                : prediction == Prediction::kX0 ? sigma / alpha
                                                                : 1 / alpha;
      sum += std::pow(per_target, 2) * error.square().mean().item<double>();
    }
    const double expected = sum / static_cast<double>(items);
    // Where alpha is small, rounding of eps is enlarged by 1 / alpha.
    EXPECT_NEAR(loss(*model, {.x = x, .labels = {}}, 3), expected, 1e-3 * expected) << static_cast<int>(prediction);
  }
}

TEST(Ddpm, HidesTheShareOfLabelsThatItIsToldAndOnlyInTraining) {
  const torch::NoGradGuard no_grad;
  constexpr int64_t kClasses = 3;
  const auto batch = [](int64_t label) {
    return Batch{.x = Rng(5).uniform({1, 1, 8, 8}) * 2 - 1, .labels = torch::full({1}, label, at::kLong)};
  };
  for (const auto& [drop, least, most] : {std::tuple{0.0, 0, 0}, {0.25, 10, 30}, {1.0, 80, 80}}) {
    const auto model = made(small({.conditional = true, .label_drop = drop}), kClasses);
    int hidden = 0;  // of 80: a share of 0.25 is 20 +- 4
    for (uint64_t seed = 0; seed < 80; ++seed) {
      model->eval();
      const double shown = loss(*model, batch(1), seed), empty = loss(*model, batch(kClasses), seed);
      EXPECT_NE(shown, empty);
      model->train();
      const double trained = loss(*model, batch(1), seed);
      EXPECT_TRUE(trained == shown || trained == empty) << seed;
      hidden += trained == empty;
    }
    EXPECT_GE(hidden, least) << drop;
    EXPECT_LE(hidden, most) << drop;
  }
}

// One coin for a whole batch would hide all of its labels or none.
TEST(Ddpm, HidesEachLabelByACoinOfItsOwn) {
  const torch::NoGradGuard no_grad;
  constexpr int64_t kClasses = 3;
  const auto model = made(small({.conditional = true, .label_drop = 0.5}), kClasses);
  const auto batch = [](int64_t label) {
    return Batch{.x = Rng(5).uniform({32, 1, 8, 8}) * 2 - 1, .labels = torch::full({32}, label, at::kLong)};
  };
  model->eval();
  const double shown = loss(*model, batch(1), 4), empty = loss(*model, batch(kClasses), 4);
  model->train();
  const double trained = loss(*model, batch(1), 4);
  EXPECT_NE(trained, shown);
  EXPECT_NE(trained, empty);
}

}  // namespace
}  // namespace sextant
