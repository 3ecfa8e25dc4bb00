// The pairs of nets of adversarial training: the toy pair of the chapter's section 14.5, fully connected (100 noise
// units to 784 pixels and back to one logit: 1,486,352 and 533,505 parameters), and DCGAN (Radford et al. 2016) for
// pictures whose sides are multiples of four. They know no loss: the discriminator ends in a logit, which is the
// critic's value where the loss is Wasserstein's.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <vector>

#include "sextant/base/fields.h"
#include "sextant/nets/batch_norm.h"
#include "sextant/nets/spectral_norm.h"
#include "sextant/nets/strided_conv.h"

namespace sextant {

enum class GanNet { kMlp, kDcgan };
constexpr auto enum_names(GanNet) {
  return std::array{std::pair{GanNet::kMlp, "mlp"}, std::pair{GanNet::kDcgan, "dcgan"}};
}

struct GanNetConfig {
  GanNet kind = GanNet::kMlp;
  int64_t latent = 100;
  std::vector<int64_t> generator_hidden = {256, 512, 1024};
  std::vector<int64_t> discriminator_hidden = {512, 256};
  int64_t width = 64;
  bool spectral_norm = false;
  static constexpr auto fields() {
    return std::tuple{
        Field{"kind", &GanNetConfig::kind, "fully connected, or convolutions with stride 2 (DCGAN)"},
        Field{"latent", &GanNetConfig::latent, "units of noise that the generator starts from", between(1, 65536)},
        Field{"generator_hidden", &GanNetConfig::generator_hidden, "mlp: widths of the generator's hidden layers",
              between(1, 65536)},
        Field{"discriminator_hidden", &GanNetConfig::discriminator_hidden, "mlp: those of the discriminator",
              between(1, 65536)},
        Field{"width", &GanNetConfig::width, "dcgan: channels at half resolution; twice as many at a quarter",
              between(1, 8192)},
        Field{"spectral_norm", &GanNetConfig::spectral_norm,
              "divide the discriminator's weights by their largest singular value"},
    };
  }
};

// Throws UsageError, with the remedy, where the nets can't make items of this shape.
void check_gan_item(const GanNetConfig& config, at::IntArrayRef item);

class GeneratorImpl : public torch::nn::Module {
 public:
  GeneratorImpl(const GanNetConfig& config, at::IntArrayRef item);
  // z [B,latent] -> [B,item…]: pictures end in tanh, so they lie in [-1,1]; points of the plane are not bounded.
  // `batch_statistics` is for DCGAN's BatchNorm.
  Tensor forward(const Tensor& z, bool batch_statistics);
  at::Device device() const { return layers_.front()->weight.device(); }

 private:
  GanNetConfig config_;
  std::vector<int64_t> item_;
  std::vector<Linear> layers_;
  std::vector<BatchNorm> norms_;
  std::vector<TransposedConv> convs_;
};
TORCH_MODULE(Generator);

class DiscriminatorImpl : public torch::nn::Module {
 public:
  DiscriminatorImpl(const GanNetConfig& config, at::IntArrayRef item);
  // x [B,item…] -> logits [B]. LeakyReLU 0.2 between layers; no item sees another: there is no BatchNorm.
  Tensor forward(const Tensor& x);
  // One step of every layer's power iteration; nothing without spectral normalisation.
  void power_iteration_();

 private:
  // The weight of layer i, convolutions first, as it is used.
  Tensor normalised(size_t i, const Tensor& weight);

  std::vector<StridedConv> convs_;
  std::vector<Linear> layers_;
  std::vector<SpectralNorm> norms_;  // empty, or one a layer
};
TORCH_MODULE(Discriminator);

}  // namespace sextant
