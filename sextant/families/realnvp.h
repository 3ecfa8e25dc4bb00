// RealNVP (Dinh, Sohl-Dickstein & Bengio 2017), exercise 14.25: a stack of affine couplings between data and N(0, I),
// trained by -log p(x) itself. The data decides which of two flows is built, so that each claims only what it can:
//   points [D]       a chain of couplings on the standardised points: log p(x) is exact;
//   pictures [C,H,W] bytes made continuous by uniform noise, a logit, then scale by scale: couplings on a checkerboard,
//                    squeeze, couplings on channels, half of them factored out. What is trained is the density of
//                    x + u, whose expectation is a lower bound of log P(x) (Theis et al. 2016, eq. 10 to 12).
// Pictures: y = (255 x + u) / 256 in [0,1), one bin of 256 a byte, so log P(x) >= E log p(y) - D log 256.
#pragma once

#include "sextant/families/model.h"
#include "sextant/nets/bijection.h"

namespace sextant {

struct RealNvpConfig {
  static constexpr Tag kTag{"family", "realnvp"};
  int64_t couplings = 8;
  std::vector<int64_t> hidden = {128, 128};
  int64_t scales = 3;
  int64_t scale_couplings = 4;
  int64_t width = 32;
  int64_t blocks = 1;
  double margin = 0.05;
  OptimiserConfig optimiser;
  static constexpr auto fields() {
    return std::tuple{
        Field{"couplings", &RealNvpConfig::couplings, "points: coupling layers, two or more to change every coordinate",
              between(2, 1024)},
        Field{"hidden", &RealNvpConfig::hidden, "points: widths of the hidden layers of each coupling's net",
              between(1, 65536)},
        Field{"scales", &RealNvpConfig::scales, "pictures: resolutions, each half of the one before", between(1, 16)},
        Field{"scale_couplings", &RealNvpConfig::scale_couplings,
              "pictures: couplings a scale on the checkerboard, and as many on channels", between(2, 64)},
        Field{"width", &RealNvpConfig::width, "pictures: channels of each coupling's net, a multiple of 4",
              between(4, 8192)},
        Field{"blocks", &RealNvpConfig::blocks, "pictures: residual blocks of each coupling's net", between(0, 64)},
        Field{"margin", &RealNvpConfig::margin, "pictures: pixels are moved into [margin, 1 - margin] before the logit",
              between(1e-6, 0.4999)},
        Field{"optimiser", &RealNvpConfig::optimiser, "how the weights are learned"},
    };
  }
};

class RealNvp : public GenerativeModel {
 public:
  std::vector<Player> players() override;
  PixelRange pixel_range() const override { return PixelRange::kUnit; }
  // The whole map from what the flow sees (points; pictures y in [0,1)) to z [B,D].
  Chain& flow() { return *flow_; }

 protected:
  RealNvp(const RealNvpConfig& config, const ItemShape& shape, std::shared_ptr<Chain> flow);
  Tensor log_density(const Tensor& y);                  // log p(y) of what the flow sees, [B], nats
  Tensor draw(const SampleRequest& request, Rng& rng);  // y of z ~ N(0, I)

  RealNvpConfig config_;
  std::vector<int64_t> item_;
  int64_t dimensions_;  // D

 private:
  std::shared_ptr<Chain> flow_;
};

class PointRealNvp : public RealNvp, public ExactDensity {
 public:
  // Throws UsageError for points of one coordinate: a coupling splits them in two.
  PointRealNvp(const RealNvpConfig& config, const ItemShape& shape);
  Loss loss(size_t player, const Batch& batch, Rng& rng) override;  // parts: nll (nats a point)
  Tensor sample(const SampleRequest& request, Rng& rng) override;
  Tensor log_prob(const Tensor& x) override { return log_density(x); }
};

class PictureRealNvp : public RealNvp, public DensityBound {
 public:
  // Throws UsageError where the sides do not halve evenly once a scale.
  PictureRealNvp(const RealNvpConfig& config, const ItemShape& shape);
  // -E log p(y) + D log 256, one u a picture; parts: nll (nats a picture), bits_per_dim.
  Loss loss(size_t player, const Batch& batch, Rng& rng) override;
  Tensor sample(const SampleRequest& request, Rng& rng) override;  // bytes / 255, as the data are
  Tensor elbo(const Tensor& x, int64_t draws, Rng& rng) override;  // `draws` of u a picture

 private:
  Tensor bound(const Tensor& x, Rng& rng);  // log p(y) - D log 256, [B]
};

std::shared_ptr<GenerativeModel> build_model(const RealNvpConfig& config, const ItemShape& shape);

}  // namespace sextant
