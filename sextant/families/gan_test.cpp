// Laws of the adversarial family beyond the contract: the game at equilibrium, who gets a gradient, the penalties in
// closed form, and bad input.
#include "sextant/families/gan.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sextant/families/registry.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

const ItemShape kPicture = {.sizes = {1, 4, 4}, .classes = 0};

GanConfig small(GanConfig config = {}) {
  config.net.latent = 5;
  config.net.generator_hidden = {8};
  config.net.discriminator_hidden = {6};
  config.net.width = 4;
  return config;
}

std::shared_ptr<Trainable> build(const GanConfig& config, uint64_t seed = 1) {
  return build_model(ModelConfig(config), kPicture, Rng(seed));
}
Batch pictures(int64_t count = 8) { return {.x = Rng(3).uniform({count, 1, 4, 4}) * 2 - 1, .labels = {}}; }

Loss loss_of(Trainable& model, size_t player, uint64_t seed = 7) {
  Rng rng(seed);
  return model.loss(player, pictures(), rng);
}
double part(const Loss& loss, const std::string& name) {
  for (const auto& [key, value] : loss.parts)
    if (key == name) return value.item<double>();
  ADD_FAILURE() << "no part " << name;
  return 0;
}

// Exercise 14.4: a constant D of 1/2 gives the four numbers, and no gradient to G, whichever loss it takes.
TEST(Gan, AtAConstantDiscriminatorTheLossesAreKnownAndTheGeneratorGetsNoGradient) {
  const double log2 = std::log(2.0);
  for (const GanLoss kind : {GanLoss::kNonSaturating, GanLoss::kSaturating}) {
    GanConfig config = small();
    config.loss = kind;
    const auto model = build(config);
    const auto players = model->players();
    for (const Tensor& p : players[0].parameters) p.detach().zero_();
    const Loss d = loss_of(*model, 0), g = loss_of(*model, 1);
    EXPECT_NEAR(d.total.item<double>(), 2 * log2, 1e-6);
    EXPECT_NEAR(g.total.item<double>(), kind == GanLoss::kSaturating ? -log2 : log2, 1e-6);
    EXPECT_EQ(part(d, "d_real"), 0.5);
    EXPECT_EQ(part(d, "d_fake"), 0.5);
    for (const Tensor& gradient : torch::autograd::grad({g.total}, players[1].parameters))
      EXPECT_EQ(gradient.abs().max().item<double>(), 0);
  }
}

TEST(Gan, TheDiscriminatorsStepSendsNothingBackIntoTheGenerator) {
  for (GanConfig config : {small(), small(dcgan()), small(wgan_gp())}) {
    const auto model = build(config);
    const auto players = model->players();
    const auto gradients =
        torch::autograd::grad({loss_of(*model, 0).total}, players[1].parameters, {}, std::nullopt, false, true);
    for (const Tensor& gradient : gradients) EXPECT_FALSE(gradient.defined());
  }
}

// Without hidden layers the critic is a x + b: the penalties are known.
TEST(Gan, PenaltiesOfALinearCriticHaveTheirClosedForm) {
  GanConfig plain = small();
  plain.net.discriminator_hidden = {};
  const auto total = [&](const GanConfig& config) { return loss_of(*build(config), 0).total.item<double>(); };
  const auto model = build(plain);
  const double norm = model->named_parameters()["discriminator.linear0.weight"].norm().item<double>();
  GanConfig penalised = plain, r1 = plain;
  penalised.gradient_penalty = 10;
  r1.r1 = 4;
  EXPECT_NEAR(total(penalised) - total(plain), 10 * (norm - 1) * (norm - 1), 1e-4);  // float32 sums of size 10
  EXPECT_NEAR(total(r1) - total(plain), 4 / 2 * norm * norm, 1e-5);
  const Loss parts = loss_of(*build(penalised), 0);
  EXPECT_NEAR(part(parts, "gradient_norm"), norm, 1e-5);
  EXPECT_NEAR(part(parts, "penalty"), (norm - 1) * (norm - 1), 1e-5);
  EXPECT_NEAR(part(loss_of(*build(r1), 0), "r1"), norm * norm, 1e-5);
}

TEST(Gan, WithoutGradientsThePenaltyIsMeasuredAllTheSame) {
  const auto model = build(small(wgan_gp()));
  model->eval();
  const double recorded = loss_of(*model, 0).total.item<double>();
  const torch::NoGradGuard no_grad;
  const Loss measured = loss_of(*model, 0);
  EXPECT_FALSE(measured.total.requires_grad());
  EXPECT_NEAR(measured.total.item<double>(), recorded, 1e-5);
  EXPECT_GT(part(measured, "gradient_norm"), 0);
}

// The Wasserstein losses by hand: the critic's is -estimate + 10 penalty, and the generator wants its items valued.
TEST(Gan, WassersteinPartsAddUp) {
  const auto model = build(small(wgan_gp()));
  const Loss critic = loss_of(*model, 0);
  EXPECT_NEAR(critic.total.item<double>(), -part(critic, "wasserstein") + 10 * part(critic, "penalty"), 1e-5);
  const Loss generator = loss_of(*model, 1);
  EXPECT_NEAR(generator.total.item<double>(), -part(generator, "critic"), 1e-7);
}

// Sampling by DCGAN takes the running averages, so a sample does not depend on the others drawn with it; and it moves
// nothing.
TEST(Gan, ASampleDependsOnNoOtherAndChangesNothing) {
  const auto model = build(small(dcgan()));
  auto& generator = dynamic_cast<GenerativeModel&>(*model);
  loss_of(*model, 1);  // moves the averages once
  const Tensor kept = model->named_buffers()["generator.norm0.running_mean"].clone();
  Rng few(5), many(5);
  const torch::NoGradGuard no_grad;
  const Tensor one = generator.sample({.count = 1}, few), all = generator.sample({.count = 9}, many);
  EXPECT_LT((one[0] - all[0]).abs().max().item<double>(), 1e-5);
  EXPECT_TRUE(kept.equal(model->named_buffers()["generator.norm0.running_mean"]));
}

std::string refusal(const GanConfig& config, const ItemShape& shape = kPicture) {
  try {
    build_model(ModelConfig(config), shape, Rng(0));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(Gan, BadSettingsAndUnfitDataAreRefusedWithTheRemedy) {
  const auto with = [](auto change, GanConfig config = {}) {
    config = small(config);
    change(config);
    return refusal(config);
  };
  EXPECT_NE(with([](GanConfig& c) { c.gradient_penalty = -1; }).find("at least 0"), std::string::npos);
  EXPECT_NE(with([](GanConfig& c) { c.r1 = -1; }).find("at least 0"), std::string::npos);
  EXPECT_NE(with([](GanConfig& c) { c.critic_steps = 0; }).find("WGAN-GP takes 5"), std::string::npos);
  EXPECT_NE(with([](GanConfig& c) { c.gradient_penalty = 0; }, wgan_gp()).find("model.gradient_penalty = 10"),
            std::string::npos);
  const std::string odd = refusal(small(dcgan()), {.sizes = {1, 28, 30}, .classes = 0});
  EXPECT_NE(odd.find("multiples of 4"), std::string::npos);
  EXPECT_NE(odd.find("model.net.kind = \"mlp\""), std::string::npos);
  EXPECT_NE(refusal(small(dcgan()), {.sizes = {2}, .classes = 0}).find("Choose a picture data set"), std::string::npos);
  EXPECT_NE(refusal(small(), {.sizes = {3, 4}, .classes = 0}).find("pictures or points"), std::string::npos);
}

TEST(Gan, SettingsOutsideTheirRangeAreRefusedByName) {
  for (const char* setting : {"model.gradient_penalty=-1", "model.critic_steps=0", "model.net.latent=0"}) {
    ModelConfig model = GanConfig{};
    const std::string text = std::string(setting).substr(6);
    try {
      set(model, text);
      FAIL() << setting;
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find(text.substr(0, text.find('='))), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace sextant
