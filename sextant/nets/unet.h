// One U-Net for pictures with noise in them (Ronneberger et al. 2015; Ho et al. 2020, appendix B), with a config that
// covers the chapter's small net (section 14.16), a better one of nearly the same cost, and a large one for CIFAR-10.
// It maps x_t, the time and a class to a picture of the same size and knows no loss.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <vector>

#include "sextant/base/fields.h"
#include "sextant/nets/conv.h"
#include "sextant/nets/layers.h"
#include "sextant/nets/maps.h"

namespace sextant {

enum class NormPlacement { kAfter, kBefore };
constexpr auto enum_names(NormPlacement) {
  return std::array{std::pair{NormPlacement::kAfter, "after"}, std::pair{NormPlacement::kBefore, "before"}};
}
enum class SkipWiring { kLevel, kBlock };
constexpr auto enum_names(SkipWiring) {
  return std::array{std::pair{SkipWiring::kLevel, "level"}, std::pair{SkipWiring::kBlock, "block"}};
}
enum class Resampling { kPlain, kConv };
constexpr auto enum_names(Resampling) {
  return std::array{std::pair{Resampling::kPlain, "plain"}, std::pair{Resampling::kConv, "conv"}};
}

// The defaults are the chapter's net: 3,687,041 parameters on one channel.
struct UnetConfig {
  std::vector<int64_t> widths = {64, 128, 256};
  int64_t blocks = 1;
  int64_t middle_blocks = 1;
  SkipWiring skips = SkipWiring::kLevel;
  NormPlacement norm = NormPlacement::kAfter;
  int64_t groups = 8;
  std::vector<int64_t> attention;
  bool middle_attention = false;
  Resampling resampling = Resampling::kPlain;
  int64_t time_features = 128, time_width = 128;
  double dropout = 0.0;
  bool zero_init = false;
  static constexpr auto fields() {
    return std::tuple{
        Field{"widths", &UnetConfig::widths, "channels a level, from the full resolution down", between(1, 8192)},
        Field{"blocks", &UnetConfig::blocks, "residual blocks a level on the way down", between(1, 16)},
        Field{"middle_blocks", &UnetConfig::middle_blocks, "residual blocks at the bottom", between(1, 16)},
        Field{"skips", &UnetConfig::skips, "what goes across: each level's result, or each block's (Ho et al.)"},
        Field{"norm", &UnetConfig::norm, "after: conv, norm, SiLU (the chapter's); before: norm, SiLU, conv"},
        Field{"groups", &UnetConfig::groups, "groups of GroupNorm; must divide every width", between(1, 8192)},
        Field{"attention", &UnetConfig::attention, "sides of the maps that get attention after each block",
              between(1, 4096)},
        Field{"middle_attention", &UnetConfig::middle_attention, "attention at the bottom, after its first block"},
        Field{"resampling", &UnetConfig::resampling, "plain: 2x2 maximum, nearest neighbour; conv: with a 3x3 conv"},
        Field{"time_features", &UnetConfig::time_features, "sines and cosines of the time; even", between(4, 4096)},
        Field{"time_width", &UnetConfig::time_width, "width of the time embedding", between(1, 8192)},
        Field{"dropout", &UnetConfig::dropout, "share of activations dropped before a block's second conv",
              between(0, 0.99)},
        Field{"zero_init", &UnetConfig::zero_init,
              "the last conv of the net, and with norm = before of each block, starts at zero"},
    };
  }
};

// norm before conv, zero-initialised outputs, attention at the bottom: 3,951,745 parameters on one channel.
UnetConfig prenorm_unet();
// Exercise 14.29: widths 64 to 512, two blocks a level, attention at 16 x 16: 56.9 million parameters on three
// channels.
UnetConfig cifar_unet();

// [sin | cos] of time * exp(-ln 10000 * i / (features/2 - 1)): [B] -> [B,features] (Vaswani et al. 2017).
Tensor time_features(const Tensor& time, int64_t features);

class ResidualBlockImpl : public torch::nn::Module {
 public:
  ResidualBlockImpl(const UnetConfig& config, int64_t in, int64_t out);
  // x [B,in,H,W], embedding [B or 1, time_width] after its SiLU.
  Tensor forward(const Tensor& x, const Tensor& embedding, Rng* dropout_rng);
  int64_t multiply_adds(int64_t height, int64_t width) const;

 private:
  Tensor shortcut(const Tensor& x) { return skip_.is_empty() ? x : skip_->forward(x); }

  NormPlacement placement_;
  double dropout_;
  GroupNorm norm1_{nullptr}, norm2_{nullptr};
  Conv2d conv1_{nullptr}, conv2_{nullptr}, skip_{nullptr};
  Linear time_{nullptr};
};
TORCH_MODULE(ResidualBlock);

// One head over all pixels of a map, added to it.
class SelfAttentionImpl : public torch::nn::Module {
 public:
  SelfAttentionImpl(int64_t groups, int64_t channels, bool zero_init);
  Tensor forward(const Tensor& x);
  int64_t multiply_adds(int64_t height, int64_t width) const;

 private:
  GroupNorm norm_{nullptr};
  Conv2d qkv_{nullptr}, out_{nullptr};
};
TORCH_MODULE(SelfAttention);

class UnetImpl : public torch::nn::Module {
 public:
  // Pictures of `channels` x side x side; classes 0: unconditional, else labels 0 … classes - 1, and `classes` for
  // none. Throws UsageError when the side does not halve evenly once a level, or groups do not divide a width.
  UnetImpl(const UnetConfig& config, int64_t channels, int64_t side, int64_t classes);
  // x [B,C,H,W]; time [B], or [1] for all; labels int64 [B], undefined for an unconditional net. dropout_rng may be
  // null: nothing is dropped. Returns [B,C,H,W].
  Tensor forward(const Tensor& x, const Tensor& time, const Tensor& labels, Rng* dropout_rng = nullptr);
  // Of all convolutions, for one picture.
  int64_t multiply_adds() const;

 private:
  struct Stage {
    ResidualBlock block{nullptr};
    SelfAttention attention{nullptr};
  };
  struct Level {
    int64_t side = 0;
    std::vector<Stage> stages;
    Conv2d resample{nullptr};
  };
  Stage stage(const std::string& name, int64_t in, int64_t out, bool attention);
  static Tensor run(Stage& stage, const Tensor& x, const Tensor& embedding, Rng* dropout_rng);
  static int64_t multiply_adds(const std::vector<Stage>& stages, int64_t side);
  Tensor run(const Tensor& x, const Tensor& embedding, Rng* dropout_rng);
  int64_t pictures_at_once(const Tensor& x, const Rng* dropout_rng) const;
  Tensor embed(const Tensor& time, const Tensor& labels, int64_t batch);

  UnetConfig config_;
  int64_t side_, classes_;
  Linear time1_{nullptr}, time2_{nullptr};
  Tensor class_embedding_;  // [classes + 1, time_width]
  Conv2d in_{nullptr}, out_{nullptr};
  GroupNorm out_norm_{nullptr};
  std::vector<Level> down_, up_;  // both from the full resolution down
  std::vector<Stage> middle_;
};
TORCH_MODULE(Unet);

}  // namespace sextant
