// Generative adversarial networks (Goodfellow et al. 2014) as one family: the loss, the penalties on the discriminator
// and the pair of nets are settings, so that the toy GAN of section 14.5, DCGAN and WGAN-GP (exercises 14.23 and 14.24)
// differ in data only. Player 0 is the discriminator, or critic, of which every step reads a new batch; player 1 the
// generator. The discriminator's step sees generated items as constants.
#pragma once

#include "sextant/families/model.h"
#include "sextant/nets/gan_nets.h"

namespace sextant {

enum class GanLoss { kNonSaturating, kSaturating, kWasserstein };
constexpr auto enum_names(GanLoss) {
  return std::array{std::pair{GanLoss::kNonSaturating, "non_saturating"}, std::pair{GanLoss::kSaturating, "saturating"},
                    std::pair{GanLoss::kWasserstein, "wasserstein"}};
}

// Section 14.5: Adam 2e-4 with beta1 = 0.5 for both players.
constexpr OptimiserConfig gan_adam(double lr = 2e-4, double beta1 = 0.5, double beta2 = 0.999) {
  OptimiserConfig config;
  config.lr = lr;
  config.beta1 = beta1;
  config.beta2 = beta2;
  return config;
}

struct GanConfig {
  static constexpr Tag kTag{"family", "gan"};
  GanNetConfig net;
  GanLoss loss = GanLoss::kNonSaturating;
  double gradient_penalty = 0.0;
  double r1 = 0.0;
  int64_t critic_steps = 1;
  OptimiserConfig discriminator_optimiser = gan_adam(), generator_optimiser = gan_adam();
  static constexpr auto fields() {
    return std::tuple{
        Field{"net", &GanConfig::net, "the pair of nets"},
        Field{"loss", &GanConfig::loss, "what the generator minimises; wasserstein changes the critic's loss as well"},
        Field{"gradient_penalty", &GanConfig::gradient_penalty,
              "lambda before (|gradient| - 1)^2 between real and generated; 0: none", at_least(0)},
        Field{"r1", &GanConfig::r1, "gamma: half of it before |gradient|^2 at real items; 0: none", at_least(0)},
        Field{"critic_steps", &GanConfig::critic_steps, "steps of the discriminator for each of the generator",
              between(1, 1000)},
        Field{"discriminator_optimiser", &GanConfig::discriminator_optimiser, "how the discriminator descends"},
        Field{"generator_optimiser", &GanConfig::generator_optimiser, "how the generator descends"},
    };
  }
};

// Wasserstein with lambda = 10, five critic steps, Adam 1e-4 with betas (0, 0.9) (Gulrajani et al. 2017, algorithm 1),
// on the toy pair of nets.
GanConfig wgan_gp();
// The toy GAN's losses and optimisers on convolutions.
GanConfig dcgan();

class Gan : public GenerativeModel {
 public:
  // Throws UsageError where settings contradict each other or the nets can't make the data's items.
  Gan(const GanConfig& config, const ItemShape& shape);

  std::vector<Player> players() override;
  // Parts, unweighted. Discriminator: d_real and d_fake, its mean answer to real and generated items as probabilities,
  // or `wasserstein`, its estimate of the distance; with a penalty gradient_norm and penalty; with R1 r1, E
  // |gradient|^2. Generator: d_fake, or `critic`, the mean value of its items.
  Loss loss(size_t player, const Batch& batch, Rng& rng) override;
  PixelRange pixel_range() const override { return PixelRange::kSymmetric; }
  Tensor sample(const SampleRequest& request, Rng& rng) override;

 private:
  Loss discriminator_loss(const Tensor& real, Rng& rng);
  Loss generator_loss(int64_t items, Rng& rng);
  Tensor generate(int64_t count, bool batch_statistics, Rng& rng);

  GanConfig config_;
  std::vector<int64_t> item_;
  Generator generator_{nullptr};
  Discriminator discriminator_{nullptr};
};

std::shared_ptr<GenerativeModel> build_model(const GanConfig& config, const ItemShape& shape);

}  // namespace sextant
