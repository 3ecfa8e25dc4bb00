#include "sextant/families/registry.h"

#include "sextant/nets/init_scope.h"

namespace sextant {

int64_t ItemShape::numel() const {
  int64_t n = 1;
  for (const int64_t size : sizes) n *= size;
  return n;
}

ItemShape item_shape(const Dataset& dataset) {
  return {.sizes = dataset.train.x.sizes().slice(1).vec(), .classes = dataset.classes};
}

std::shared_ptr<Trainable> build_model(const ModelConfig& config, const ItemShape& shape, const Rng& rng) {
  const InitScope seeded(rng);
  return std::visit([&](const auto& c) -> std::shared_ptr<Trainable> { return build_model(c, shape); }, config);
}

std::vector<FamilyRow> families() {
  return {{VaeConfig::kTag.value, "variational autoencoder, β-VAE", "lower bound of log p(x), samples in one pass"},
          {DdpmConfig::kTag.value, "denoising diffusion, with classes and guidance",
           "lower bound of log p(x), noise prediction (score), samples in many steps"},
          {RealNvpConfig::kTag.value, "normalising flow of affine couplings, for points and pictures",
           "exact log p(x) of points, lower bound of log p(x) of pictures, samples in one pass"},
          {GanConfig::kTag.value, "generative adversarial networks: GAN, DCGAN, WGAN-GP",
           "samples in one pass; no density, no posterior"},
          {ClassifierConfig::kTag.value, "convolutional classifier (no generative model)",
           "classes and features, by which samples are measured"}};
}

}  // namespace sextant
