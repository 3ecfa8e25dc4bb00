#include "sextant/families/gan.h"

#include "sextant/math/adversarial.h"
#include "sextant/tensor/shape.h"

namespace sextant {

GanConfig wgan_gp() {
  GanConfig config;
  config.loss = GanLoss::kWasserstein;
  config.gradient_penalty = 10;
  config.critic_steps = 5;
  config.discriminator_optimiser = config.generator_optimiser = gan_adam(1e-4, 0.0, 0.9);
  return config;
}

GanConfig dcgan() {
  GanConfig config;
  config.net.kind = GanNet::kDcgan;
  return config;
}

Gan::Gan(const GanConfig& config, const ItemShape& shape) : config_(config), item_(shape.sizes) {
  SEXTANT_USAGE_CHECK(config.gradient_penalty >= 0 && config.r1 >= 0,
                      "[gan] penalties are weights of at least 0; got gradient_penalty = ", config.gradient_penalty,
                      ", r1 = ", config.r1, ". A negative one would reward steep slopes; WGAN-GP takes 10");
  SEXTANT_USAGE_CHECK(config.critic_steps >= 1, "[gan] critic_steps must be at least 1; got ", config.critic_steps,
                      ". WGAN-GP takes 5, the others 1");
  SEXTANT_USAGE_CHECK(
      config.loss != GanLoss::kWasserstein || config.gradient_penalty > 0 || config.net.spectral_norm,
      "[gan] a Wasserstein critic whose slope nothing limits grows without bound; set model.gradient_penalty = 10 or "
      "model.net.spectral_norm = true");
  generator_ = register_module("generator", Generator(config.net, shape.sizes));
  discriminator_ = register_module("discriminator", Discriminator(config.net, shape.sizes));
}

std::vector<Player> Gan::players() {
  return {{.name = "discriminator",
           .parameters = discriminator_->parameters(),
           .optimiser = config_.discriminator_optimiser,
           .steps_per_round = config_.critic_steps},
          {.name = "generator", .parameters = generator_->parameters(), .optimiser = config_.generator_optimiser}};
}

Tensor Gan::generate(int64_t count, bool batch_statistics, Rng& rng) {
  const Tensor z = rng.normal({count, config_.net.latent});
  return generator_->forward(z.to(generator_->device()), batch_statistics);
}

Loss Gan::loss(size_t player, const Batch& batch, Rng& rng) {
  check_items("gan", batch.x, item_);
  return player == 0 ? discriminator_loss(batch.x, rng) : generator_loss(batch.x.size(0), rng);
}

Loss Gan::discriminator_loss(const Tensor& real, Rng& rng) {
  if (is_training()) discriminator_->power_iteration_();
  const Critic critic = [this](const Tensor& x) { return discriminator_->forward(x); };
  Tensor fake;
  {
    const torch::NoGradGuard constant;  // nothing flows back into the generator
    fake = generate(real.size(0), is_training(), rng);
  }
  const auto logits = critic(at::cat({real, fake})).chunk(2);  // there is no BatchNorm that would mix the two
  const Tensor &on_real = logits[0], &on_fake = logits[1];
  Loss loss;
  if (config_.loss == GanLoss::kWasserstein) {
    const Tensor estimate = wasserstein_estimate(on_real, on_fake);
    loss = {.total = -estimate, .parts = {{"wasserstein", estimate.detach()}}};
  } else {
    loss = {.total = sextant::discriminator_loss(on_real, on_fake),
            .parts = {{"d_real", on_real.detach().sigmoid().mean()}, {"d_fake", on_fake.detach().sigmoid().mean()}}};
  }
  if (config_.gradient_penalty > 0) {
    Rng mix = rng.split("interpolates");
    const Tensor norms = gradient_norms(critic, interpolates(real, fake, mix));
    const Tensor penalty = gradient_penalty(norms);
    loss.total = loss.total + config_.gradient_penalty * penalty;
    loss.parts.emplace_back("gradient_norm", norms.detach().mean());
    loss.parts.emplace_back("penalty", penalty.detach());
  }
  if (config_.r1 > 0) {
    const Tensor squared = gradient_norms(critic, real).square().mean();
    loss.total = loss.total + config_.r1 / 2 * squared;  // Mescheder et al. eq. 9
    loss.parts.emplace_back("r1", squared.detach());
  }
  return loss;
}

Loss Gan::generator_loss(int64_t items, Rng& rng) {
  const Tensor logits = discriminator_->forward(generate(items, is_training(), rng));
  if (config_.loss == GanLoss::kWasserstein)
    return {.total = -logits.mean(), .parts = {{"critic", logits.detach().mean()}}};
  return {.total = config_.loss == GanLoss::kSaturating ? saturating_loss(logits) : non_saturating_loss(logits),
          .parts = {{"d_fake", logits.detach().sigmoid().mean()}}};
}

Tensor Gan::sample(const SampleRequest& request, Rng& rng) { return generate(request.count, false, rng); }

std::shared_ptr<GenerativeModel> build_model(const GanConfig& config, const ItemShape& shape) {
  return std::make_shared<Gan>(config, shape);
}

}  // namespace sextant
