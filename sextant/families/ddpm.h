// Denoising diffusion (Ho, Jain & Abbeel 2020; Sohl-Dickstein et al. 2015), unconditional or with class labels that are
// dropped at random, so that one net serves classifier-free guidance (Ho & Salimans 2022). Exercises 14.26 to 14.28.
// Loss: squared error of the net's prediction at a random step of the chain, a mean over pixels and the batch. Its
// parts are the same by quarter of the chain (unweighted; quarters of one size where 4 divides T), so that their mean
// is the unweighted loss.
#pragma once

#include "sextant/diffusion/prediction.h"
#include "sextant/diffusion/samplers.h"
#include "sextant/families/model.h"
#include "sextant/nets/unet.h"

namespace sextant {

struct DdpmConfig {
  static constexpr Tag kTag{"family", "ddpm"};
  UnetConfig net;
  ScheduleConfig schedule;
  Prediction prediction = Prediction::kEps;
  LossWeight weight = LossWeight::kSimple;
  bool conditional = false;
  double label_drop = 0.1;
  OptimiserConfig optimiser{.lr = 2e-4};
  static constexpr auto fields() {
    return std::tuple{
        Field{"net", &DdpmConfig::net, "the U-Net"},
        Field{"schedule", &DdpmConfig::schedule, "how noise comes in"},
        Field{"prediction", &DdpmConfig::prediction, "what the net predicts"},
        Field{"weight", &DdpmConfig::weight, "of the times in the loss: simple, or min-snr"},
        Field{"conditional", &DdpmConfig::conditional, "learn with class labels, for guidance"},
        Field{"label_drop", &DdpmConfig::label_drop, "share of items whose label is hidden in training", between(0, 1)},
        Field{"optimiser", &DdpmConfig::optimiser, "how the weights are learned"},
    };
  }
};

class Ddpm : public GenerativeModel, public Diffusion, public DensityBound {
 public:
  Ddpm(const DdpmConfig& config, const ItemShape& shape);

  std::vector<Player> players() override;
  Loss loss(size_t player, const Batch& batch, Rng& rng) override;
  PixelRange pixel_range() const override { return PixelRange::kSymmetric; }
  // DDIM, at most 50 steps, x0 clipped; other samplers and guidance: run_sampler on predictor().
  Tensor sample(const SampleRequest& request, Rng& rng) override;
  bool samples_in_one_pass() const override { return false; }

  const NoiseSchedule& schedule() const override { return schedule_; }
  NoisePredictor predictor() override;
  std::vector<int64_t> item() const override { return item_; }
  int64_t classes() const override { return classes_; }

  // `draws` random steps of the chain, and the exact ends of the bound (diffusion/bound.h).
  Tensor elbo(const Tensor& x, int64_t draws, Rng& rng) override;

 private:
  DdpmConfig config_;
  std::vector<int64_t> item_;
  int64_t classes_;
  NoiseSchedule schedule_;
  Tensor alpha_, sigma_, weight_;  // [T+1] float, by step
  Unet net_{nullptr};
};

std::shared_ptr<GenerativeModel> build_model(const DdpmConfig& config, const ItemShape& shape);

}  // namespace sextant
