#include <functional>

#include "family_contract.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

UnetConfig small_unet(UnetConfig config = {}) {
  config.widths = {8, 16};
  config.groups = 4;
  config.attention = {};
  return config;
}

GanConfig small_gan(GanConfig config = {}) {
  config.net.latent = 8;
  config.net.generator_hidden = {24, 16};
  config.net.discriminator_hidden = {16, 12};
  config.net.width = 6;
  return config;
}
GanConfig gan_with(const std::function<void(GanConfig&)>& change, GanConfig config = {}) {
  GanConfig changed = small_gan(config);
  change(changed);
  return changed;
}

}  // namespace

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"vae", VaeConfig{.hidden = {32}, .latent = 4}, {1, 6, 5}},
      {"vae, two hidden layers, colour", VaeConfig{.hidden = {24, 16}, .latent = 2}, {3, 4, 4}},
      {"vae, gaussian", VaeConfig{.hidden = {32}, .latent = 4, .likelihood = Likelihood::kGaussian}, {1, 6, 5}},
      {"vae, gaussian, learned sigma",
       VaeConfig{.hidden = {32}, .latent = 4, .likelihood = Likelihood::kGaussian, .sigma = 0.5, .learn_sigma = true},
       {1, 6, 5}},
      {"vae, convolutions, logistic over bytes",
       VaeConfig{.conv = {8, 16}, .latent = 3, .likelihood = Likelihood::kDiscretisedLogistic, .learn_sigma = true},
       {3, 8, 12}},
      {"ddpm", DdpmConfig{.net = small_unet()}, {1, 8, 8}},
      {"ddpm, norm before, attention, classes",
       DdpmConfig{.net = small_unet(prenorm_unet()), .conditional = true, .label_drop = 0.5},
       {3, 8, 8}},
      {"ddpm, skips from blocks, v, cosine, min-snr, dropout",
       DdpmConfig{.net = small_unet(cifar_unet()),
                  .schedule = {.kind = ScheduleKind::kCosine, .steps = 40},
                  .prediction = Prediction::kV,
                  .weight = LossWeight::kMinSnr},
       {1, 8, 8}},
      {"realnvp, points", RealNvpConfig{.hidden = {16, 16}}, {2}},
      {"realnvp, points of five coordinates", RealNvpConfig{.couplings = 3, .hidden = {16}}, {5}},
      {"realnvp, pictures", RealNvpConfig{.scales = 2, .scale_couplings = 2, .width = 8}, {1, 8, 8}},
      {"realnvp, pictures, colour, down to 2 x 2, no blocks",
       RealNvpConfig{.scales = 3, .scale_couplings = 2, .width = 8, .blocks = 0},
       {3, 8, 8}},
      {"classifier", ClassifierConfig{.widths = {8, 16}}, {1, 9, 9}},
      {"classifier, colour, two convolutions a stage",
       ClassifierConfig{.widths = {8}, .convs = 2, .groups = 4},
       {3, 8, 8}},
      {"gan", small_gan(), {1, 6, 5}},
      {"gan, points", small_gan(), {2}},
      {"gan, saturating, r1, two steps",
       gan_with([](GanConfig& c) {
         c.loss = GanLoss::kSaturating;
         c.r1 = 1;
         c.critic_steps = 2;
       }),
       {3, 4, 4}},
      {"gan, spectral norm", gan_with([](GanConfig& c) { c.net.spectral_norm = true; }), {1, 6, 5}},
      {"dcgan", small_gan(dcgan()), {1, 8, 12}},
      {"dcgan, spectral norm, gradient penalty",
       gan_with(
           [](GanConfig& c) {
             c.net.spectral_norm = true;
             c.gradient_penalty = 1;
           },
           dcgan()),
       {3, 8, 8}},
      {"wgangp", small_gan(wgan_gp()), {1, 6, 5}, {"discriminator.linear2.bias"}},
      {"wgangp, convolutions",
       gan_with([](GanConfig& c) { c.net.kind = GanNet::kDcgan; }, wgan_gp()),
       {1, 8, 8},
       {"discriminator.linear0.bias"}},
  };
  return all;
}

Dataset made_data(const std::vector<int64_t>& item) {
  Dataset data;
  data.name = "made";
  data.classes = item.size() == 1 ? 0 : 2;
  const auto split = [&](uint64_t seed, int64_t n) {
    std::vector<int64_t> shape = item;
    shape.insert(shape.begin(), n);
    if (item.size() == 1) return Split{.x = Rng(seed).normal(shape), .labels = {}};
    const Tensor kind = (torch::arange(n) % 2).view({n, 1, 1, 1});
    const Tensor ramp = torch::linspace(0, 1, item[2]).view({1, 1, 1, item[2]});
    const Tensor picture = torch::where(kind == 0, ramp, 1 - ramp) * 200 + Rng(seed).uniform(shape) * 55;
    return Split{.x = picture.to(at::kByte), .labels = kind.flatten()};
  };
  data.train = split(1, 64);
  data.test = split(2, 16);
  return data;
}

GenerativeModel* generative(const std::shared_ptr<Trainable>& model) {
  return dynamic_cast<GenerativeModel*>(model.get());
}

std::shared_ptr<Trainable> nudged(std::shared_ptr<Trainable> model) {
  const torch::NoGradGuard no_grad;
  Rng rng(8);
  for (const Tensor& p : model->parameters()) p.detach().add_(rng.normal(p.sizes()), 0.1);
  return model;
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  std::string name;
  for (const char c : std::string(info.param.name))
    if (std::isalnum(static_cast<unsigned char>(c))) name += c;
  return name;
}

std::shared_ptr<Trainable> FamilyContract::build(uint64_t seed) const {
  return build_model(GetParam().config, item_shape(data_), Rng(seed));
}

Batch FamilyContract::batch(const Trainable& model, int64_t count) const {
  return slice(data_.train, 0, count, model.pixel_range());
}

}  // namespace sextant
