// Affine coupling layers (Dinh, Sohl-Dickstein & Bengio 2017, RealNVP): where the mask is 1, x passes; where it is 0,
// it is scaled and shifted by what a net makes of the part that passes,
//   z = x exp(s) + t,  s = scale tanh(h_s),  log|det| = sum of s,
// with (h_s, t) from the net and one learned scale a channel, which bounds s. The net's last layer starts at zero, so
// the layer starts as the identity. Layers alternate by complementary masks: a flip that moves no memory.
#pragma once

#include "sextant/nets/bijection.h"
#include "sextant/nets/conv.h"
#include "sextant/nets/maps.h"
#include "sextant/nets/mlp.h"

namespace sextant {

// What a coupling asks: [B,C,…] -> [B,2C,…], h_s before t, zero at the start.
class Conditioner : public torch::nn::Module {
 public:
  virtual Tensor forward(const Tensor& x) = 0;
  // Weight and bias of each layer in turn, where the net is linear layers with ReLU between them and nothing else: a
  // coupling then runs net and map as one step. Empty for any other net.
  virtual std::vector<Tensor> linear_layers() const { return {}; }
};

// For points: [B,D] -> [B,2D] through hidden layers with ReLU.
class MlpConditioner : public Conditioner {
 public:
  MlpConditioner(int64_t dimensions, const std::vector<int64_t>& hidden);
  Tensor forward(const Tensor& x) override { return net_->forward(x); }
  std::vector<Tensor> linear_layers() const override { return net_->weights_and_biases(); }

 private:
  Mlp net_{nullptr};
};

// For maps: a 3x3 convolution to `width` channels, `blocks` residual blocks of norm, SiLU and 3x3 convolution twice,
// and norm, SiLU and a 3x3 convolution to 2C. The norms are over one item, so train and eval mode agree.
class ConvConditioner : public Conditioner {
 public:
  static constexpr int64_t kGroups = 4;  // must divide the width
  ConvConditioner(int64_t channels, int64_t width, int64_t blocks);
  Tensor forward(const Tensor& x) override;

 private:
  struct Block {
    GroupNorm norm1{nullptr}, norm2{nullptr};
    Conv2d conv1{nullptr}, conv2{nullptr};
  };
  Conv2d in_{nullptr}, out_{nullptr};
  std::vector<Block> blocks_;
  GroupNorm out_norm_{nullptr};
};

// Masks of zeros and ones for the layer `parity` (0 or 1) of an alternation; those of the two parities are complements.
Tensor alternating_mask(int64_t dimensions, int64_t parity);                                // [D]: 1,0,1,…
Tensor checkerboard_mask(int64_t channels, int64_t height, int64_t width, int64_t parity);  // [C,H,W]
Tensor channel_mask(int64_t channels, int64_t height, int64_t width, int64_t parity);       // first half, [C,H,W]

class AffineCoupling : public Bijection {
 public:
  // `mask` has the shape of an item, [D] or [C,H,W], zeros and ones, and both must occur.
  AffineCoupling(const Tensor& mask, std::shared_ptr<Conditioner> conditioner);
  Mapped forward_and_log_det(const Tensor& x) override;
  Mapped inverse_and_log_det(const Tensor& z) override;

 private:
  Tensor mask_;        // of an item's shape
  Tensor mask_pixel_;  // the same as the kernel reads it: [H,W,C]
  Tensor scale_;       // [C]
  std::shared_ptr<Conditioner> conditioner_;
};

}  // namespace sextant
