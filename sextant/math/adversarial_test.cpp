#include "sextant/math/adversarial.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sextant/base/check.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

Tensor doubles(at::IntArrayRef shape, uint64_t seed) { return Rng(seed).normal(shape).to(at::kDouble); }

// Where p_g = p_data the best discriminator is 1/2 everywhere: exercise 14.4's four numbers.
TEST(Adversarial, AtEquilibriumEveryLossHasItsKnownValue) {
  const Tensor logits = torch::zeros({7}, at::kDouble);
  const double log2 = std::log(2.0);
  EXPECT_NEAR(saturating_loss(logits).item<double>(), -log2, 1e-15);
  EXPECT_NEAR(non_saturating_loss(logits).item<double>(), log2, 1e-15);
  EXPECT_NEAR(discriminator_loss(logits, logits).item<double>(), 2 * log2, 1e-15);
  EXPECT_NEAR(discriminator_loss(logits, logits).item<double>() / 2, log2, 1e-15);  // averaged over both halves
  EXPECT_EQ(wasserstein_estimate(logits, logits).item<double>(), 0);
}

TEST(Adversarial, LossesAreTheLogarithmsOfProbabilities) {
  const Tensor real = doubles({50}, 1), fake = doubles({50}, 2);
  const Tensor on_real = real.sigmoid(), on_fake = fake.sigmoid();
  EXPECT_NEAR(discriminator_loss(real, fake).item<double>(),
              (-on_real.log().mean() - (1 - on_fake).log().mean()).item<double>(), 1e-12);
  EXPECT_NEAR(non_saturating_loss(fake).item<double>(), -on_fake.log().mean().item<double>(), 1e-12);
  EXPECT_NEAR(saturating_loss(fake).item<double>(), (1 - on_fake).log().mean().item<double>(), 1e-12);
}

// In float32 sigmoid(200) is 1 and log(1 - 1) is -inf; on logits nothing underflows. The non-saturating gradient of a
// generator that is found out is -1/B an item, the saturating one has vanished.
TEST(Adversarial, ASureDiscriminatorLeavesFiniteLossesAndOneLossWithAGradient) {
  const Tensor fake = torch::full({4}, -200.0f).requires_grad_();
  EXPECT_EQ(non_saturating_loss(fake).item<float>(), 200.0f);
  EXPECT_TRUE(std::isfinite(discriminator_loss(-fake, -fake).item<float>()));
  EXPECT_EQ(torch::autograd::grad({non_saturating_loss(fake)}, {fake})[0].min().item<float>(), -0.25f);
  EXPECT_EQ(torch::autograd::grad({saturating_loss(fake)}, {fake})[0].abs().max().item<float>(), 0.0f);
}

TEST(Adversarial, ALinearCriticsPenaltyIsItsNormsDistanceFromOneSquared) {
  const Tensor a = doubles({3, 4}, 1), x = doubles({6, 3, 4}, 2);
  const Critic critic = [&](const Tensor& at) { return (at * a).flatten(1).sum(1); };
  const double norm = a.norm().item<double>();
  const Tensor norms = gradient_norms(critic, x);
  EXPECT_LT((norms - norm).abs().max().item<double>(), 1e-12);
  EXPECT_NEAR(gradient_penalty(norms).item<double>(), (norm - 1) * (norm - 1), 1e-11);
  EXPECT_NEAR(norms.square().mean().item<double>(), norm * norm, 1e-11);  // what R1 weighs
}

// |x|^2/2 has the gradient x: each item has its own norm, over all of its dimensions.
TEST(Adversarial, EachItemHasItsOwnNormOverAllItsDimensions) {
  const Tensor x = doubles({5, 2, 3, 3}, 1);
  const Tensor norms = gradient_norms([](const Tensor& at) { return at.square().flatten(1).sum(1) / 2; }, x);
  ASSERT_EQ(norms.sizes().vec(), (std::vector<int64_t>{5}));
  for (int64_t i = 0; i < 5; ++i) EXPECT_NEAR(norms[i].item<double>(), x[i].norm().item<double>(), 1e-12);
}

// The gradient of the penalty by the critic's weights, which needs the graph of the input gradient to be kept, against
// central differences: error h^2, rounding 1e-16/h.
TEST(Adversarial, ThePenaltysParameterGradientAgreesWithFiniteDifferences) {
  std::vector<Tensor> weights = {doubles({4, 5}, 1), doubles({4}, 2), doubles({4}, 3)};
  const Tensor x = doubles({6, 5}, 4);
  for (Tensor& w : weights) w.requires_grad_();
  const auto penalty = [&] {
    return gradient_penalty(gradient_norms(
        [&](const Tensor& at) { return (at.mm(weights[0].t()) + weights[1]).tanh().mv(weights[2]); }, x));
  };
  const auto gradients = torch::autograd::grad({penalty()}, weights);
  const torch::NoGradGuard no_grad;
  const double h = 1e-5;
  for (size_t k = 0; k < weights.size(); ++k)
    for (int64_t i = 0; i < weights[k].numel(); ++i) {
      const Tensor one = weights[k].detach().flatten()[i];
      const double at = one.item<double>();
      one.fill_(at + h);
      const double above = penalty().item<double>();
      one.fill_(at - h);
      const double below = penalty().item<double>();
      one.fill_(at);
      EXPECT_NEAR(gradients[k].flatten()[i].item<double>(), (above - below) / (2 * h), 1e-7) << k << " " << i;
    }
}

TEST(Adversarial, ANormOfZeroHasAGradientThatIsFinite) {
  Tensor w = torch::zeros({3}).requires_grad_();
  const Tensor penalty =
      gradient_penalty(gradient_norms([&](const Tensor& x) { return x.mv(w); }, torch::ones({2, 3})));
  EXPECT_TRUE(torch::autograd::grad({penalty}, {w})[0].isfinite().all().item<bool>());
}

TEST(Adversarial, WithoutGradientsTheNormsAreTheSameNumbersAndHoldNoGraph) {
  const Tensor w = torch::ones({3}).requires_grad_(), x = Rng(1).normal({4, 3});
  const Critic critic = [&](const Tensor& at) { return at.square().mv(w); };
  const Tensor with = gradient_norms(critic, x);
  EXPECT_TRUE(with.requires_grad());
  const torch::NoGradGuard no_grad;
  const Tensor without = gradient_norms(critic, x);
  EXPECT_FALSE(without.requires_grad());
  EXPECT_TRUE(without.equal(with));
}

TEST(Adversarial, InterpolatesTakeOneShareAnItemAndEachItsOwn) {
  Rng rng(3);
  const Tensor share = interpolates(torch::ones({64, 1, 4, 4}), torch::zeros({64, 1, 4, 4}), rng);
  const Tensor u = share.flatten(1);
  EXPECT_EQ((u - u.select(1, 0).view({64, 1})).abs().max().item<float>(), 0.0f);  // one for all of its pixels
  EXPECT_EQ(std::get<0>(at::_unique(u.select(1, 0))).numel(), 64);                // and another for each item
  EXPECT_NEAR(u.mean().item<double>(), 0.5, 5 * std::sqrt(1.0 / 12 / 64));
  EXPECT_THROW(interpolates(torch::ones({2, 3}), torch::ones({3, 3}), rng), Error);
}

}  // namespace
}  // namespace sextant
