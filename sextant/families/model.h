// The contract between models and the rest of the house. A family says who minimises what and how often (`players`,
// `loss`) and what it can compute (the capabilities below); training, measuring and drawing know nothing else of it.
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sextant/base/fields.h"
#include "sextant/data/batch_stream.h"
#include "sextant/diffusion/denoiser.h"
#include "sextant/math/gaussian.h"
#include "sextant/tensor/rng.h"

namespace sextant {

enum class Decay { kConstant, kCosine };
constexpr auto enum_names(Decay) {
  return std::array{std::pair{Decay::kConstant, "constant"}, std::pair{Decay::kCosine, "cosine"}};
}

// How one player descends: Adam (Kingma & Ba 2015), or AdamW where the weight decay is decoupled.
struct OptimiserConfig {
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.0;
  bool decoupled = false;
  double clip_norm = 0.0;
  int64_t warmup_steps = 0;
  Decay decay = Decay::kConstant;
  static constexpr auto fields() {
    return std::tuple{
        Field{"lr", &OptimiserConfig::lr, "learning rate after warm-up", positive()},
        Field{"beta1", &OptimiserConfig::beta1, "decay of the first moment", between(0, 0.999999)},
        Field{"beta2", &OptimiserConfig::beta2, "decay of the second moment", between(0, 0.9999999)},
        Field{"eps", &OptimiserConfig::eps, "added to the root of the second moment", positive()},
        Field{"weight_decay", &OptimiserConfig::weight_decay, "pull of the weights to zero", at_least(0)},
        Field{"decoupled", &OptimiserConfig::decoupled, "true: AdamW; false: decay joins the gradient"},
        Field{"clip_norm", &OptimiserConfig::clip_norm, "largest norm of the whole gradient; 0: no limit", at_least(0)},
        Field{"warmup_steps", &OptimiserConfig::warmup_steps, "steps of linear warm-up from 0", at_least(0)},
        Field{"decay", &OptimiserConfig::decay, "learning rate after warm-up: level, or half a cosine to 0"},
    };
  }
};

// One of those who minimise: a VAE has one player, a GAN a critic and a generator.
struct Player {
  std::string name;
  std::vector<Tensor> parameters;
  OptimiserConfig optimiser;
  int64_t steps_per_round = 1;  // WGAN-GP: the critic takes 5
};

// `total` is what the player minimises, a mean over the batch; `parts` are detached scalars for the log.
struct Loss {
  Tensor total;
  std::vector<std::pair<std::string, Tensor>> parts;
};

// Anything that the trainer can train.
class Trainable : public torch::nn::Module {
 public:
  virtual std::vector<Player> players() = 0;
  // All randomness comes from `rng`. In eval mode and without gradients this is also the test loss: who needs gradients
  // in x opens an at::AutoGradMode.
  virtual Loss loss(size_t player, const Batch& batch, Rng& rng) = 0;
  // After every round: target networks, replay buffers. What it keeps is a registered buffer, or a run that goes on
  // from a checkpoint lacks it.
  virtual void after_step(int64_t /*step*/) {}
  virtual PixelRange pixel_range() const = 0;
  // Where its weights are, and its inputs belong.
  at::Device device() const { return parameters().front().device(); }
};

struct SampleRequest {
  int64_t count = 1;
};

class GenerativeModel : public Trainable {
 public:
  // [count, item…] in the model's range; for a model with an explicit noise model the means, not noisy draws. Called
  // without gradients: who needs them in x opens an at::AutoGradMode.
  virtual Tensor sample(const SampleRequest& request, Rng& rng) = 0;
  // False where a sample takes many passes: pages then draw fewer at `quick`.
  virtual bool samples_in_one_pass() const { return true; }
};

// Capabilities: the taxonomy of exercise 14.1 in the type system. Ask by dynamic_cast; an implicit model has none.
// log p(x|z) is known, p(z) = N(0,I), and q(z|x) is a diagonal Gaussian: an evidence lower bound.
struct LatentVariable {
  virtual ~LatentVariable() = default;
  virtual DiagonalGaussian posterior(const Tensor& x) = 0;              // q(z|x), [B,L]
  virtual Tensor decode(const Tensor& z) = 0;                           // mean of p(x|z) in the range, [B,item…]
  virtual Tensor log_likelihood(const Tensor& x, const Tensor& z) = 0;  // log p(x|z), [B], nats
};

// p(x) itself can be computed.
struct ExactDensity {
  virtual ~ExactDensity() = default;
  virtual Tensor log_prob(const Tensor& x) = 0;  // log p(x) of x in the model's range, [B], nats
};
// p(x) has a lower bound that can be computed.
struct DensityBound {
  virtual ~DensityBound() = default;
  // [B], nats. Random and unbiased; `draws` random terms an item are averaged, drawn for each item on its own, so that
  // the error of a mean over items is their standard deviation / sqrt(B).
  virtual Tensor elbo(const Tensor& x, int64_t draws, Rng& rng) = 0;
};
// Predicts the noise in x_t: sampled by any of diffusion/samplers.h, with or without guidance.
struct Diffusion {
  virtual ~Diffusion() = default;
  virtual const NoiseSchedule& schedule() const = 0;
  virtual NoisePredictor predictor() = 0;
  virtual std::vector<int64_t> item() const = 0;  // sizes of one sample
  virtual int64_t classes() const = 0;            // 0: unconditional
};
// Tells classes apart, and has features in which pictures can be compared (metrics/features.h).
struct Classifier {
  virtual ~Classifier() = default;
  virtual Tensor features(const Tensor& x) = 0;       // [B,F]: the activations before the last layer
  virtual Tensor logits(const Tensor& features) = 0;  // [B,K]
};

// What a model must know of its data before it is built.
struct ItemShape {
  std::vector<int64_t> sizes;  // of one item: {1,28,28}, or {2} for points
  int64_t classes = 0;
  int64_t numel() const;
};
ItemShape item_shape(const Dataset& dataset);

}  // namespace sextant
