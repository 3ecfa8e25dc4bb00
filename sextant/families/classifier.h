// A small convolutional classifier: no generative model, but the yardstick for them. Its features and probabilities are
// what metrics/sample_scores.h compares samples with data by, so it is trained, shipped and hashed like any run.
// Stages of (3x3 convolution, GroupNorm, SiLU), each closed by a 2x2 maximum; one linear layer to the features (ReLU),
// one to the logits. The loss is the cross-entropy, a mean over the batch in nats. In training the pictures are
// shifted at random and features are dropped; in eval mode it is a function of the picture alone.
#pragma once

#include "sextant/families/model.h"
#include "sextant/nets/conv.h"
#include "sextant/nets/layers.h"
#include "sextant/nets/maps.h"

namespace sextant {

struct ClassifierConfig {
  static constexpr Tag kTag{"family", "classifier"};
  std::vector<int64_t> widths = {16, 32, 64};
  int64_t convs = 1;
  int64_t groups = 8;
  int64_t features = 128;
  double dropout = 0.25;
  int64_t shift = 2;
  OptimiserConfig optimiser{.lr = 2e-3, .decay = Decay::kCosine};
  static constexpr auto fields() {
    return std::tuple{
        Field{"widths", &ClassifierConfig::widths, "channels a stage; each stage halves the sides", between(1, 8192)},
        Field{"convs", &ClassifierConfig::convs, "convolutions a stage", between(1, 16)},
        Field{"groups", &ClassifierConfig::groups, "groups of GroupNorm; must divide every width", between(1, 8192)},
        Field{"features", &ClassifierConfig::features, "width of the layer that pictures are compared in",
              between(1, 65536)},
        Field{"dropout", &ClassifierConfig::dropout, "share of features dropped in training", between(0, 0.99)},
        Field{"shift", &ClassifierConfig::shift, "training: pictures move by up to so many pixels each way; 0: not",
              between(0, 64)},
        Field{"optimiser", &ClassifierConfig::optimiser, "how the weights are learned"},
    };
  }
};

class ConvClassifier : public Trainable, public Classifier {
 public:
  // Throws UsageError unless the data are square pictures of one or three channels with at least two classes, large
  // enough to be halved once a stage.
  ConvClassifier(const ClassifierConfig& config, const ItemShape& shape);

  std::vector<Player> players() override;
  Loss loss(size_t player, const Batch& batch, Rng& rng) override;  // parts: accuracy in [0,1], cross_entropy (nats)
  PixelRange pixel_range() const override { return PixelRange::kSymmetric; }

  Tensor features(const Tensor& x) override;       // [B,C,H,W] -> [B,F], not negative
  Tensor logits(const Tensor& features) override;  // [B,F] -> [B,K]

 private:
  struct Block {
    Conv2d conv{nullptr};
    GroupNorm norm{nullptr};
    bool halve = false;  // after it
  };

  ClassifierConfig config_;
  std::vector<int64_t> item_;
  int64_t classes_;
  std::vector<Block> blocks_;
  Linear to_features_{nullptr}, to_logits_{nullptr};
};

// Each picture of x [B,C,H,W] moved by its own whole number of pixels in [-most, most] along both axes; what comes in
// at a border repeats the border.
Tensor shift_pictures(const Tensor& x, int64_t most, Rng& rng);

std::shared_ptr<Trainable> build_model(const ClassifierConfig& config, const ItemShape& shape);

}  // namespace sextant
