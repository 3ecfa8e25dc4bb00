#include "sextant/families/registry.h"

#include "sextant/nets/init_scope.h"

namespace sextant {

std::shared_ptr<Trainable> build_model(const ModelConfig& config, const ItemShape& shape, const Rng& rng) {
  const InitScope seeded(rng);
  return std::visit([&](const auto& c) -> std::shared_ptr<Trainable> { return build_model(c, shape); }, config);
}

namespace {

template <class Config>
void refuse_idle(const Config&, const ItemShape&) {}

// Throws where `value`, at `path`, is not the usual one though nothing reads it: `why` says when.
template <class T>
void refuse_unread(const char* path, const T& value, const T& usual, const char* why) {
  SEXTANT_USAGE_CHECK(value == usual, "[config] model.", path, " has no effect ", why, "; leave it out");
}

void refuse_idle(const VaeConfig& config, const ItemShape&) {
  const VaeConfig usual;
  if (!config.conv.empty()) refuse_unread("hidden", config.hidden, usual.hidden, "beside model.conv");
  SEXTANT_USAGE_CHECK(
      config.likelihood != Likelihood::kBernoulli || (!config.learn_sigma && config.sigma == usual.sigma),
      "[vae] a Bernoulli likelihood has no sigma: set model.likelihood to gaussian or discretised_logistic, or leave ",
      "model.sigma and model.learn_sigma out");
}

void refuse_idle(const GanConfig& config, const ItemShape&) {
  const GanNetConfig &net = config.net, usual;
  if (net.kind == GanNet::kMlp) {
    refuse_unread("net.width", net.width, usual.width, "on fully connected nets: it is of net.kind = \"dcgan\"");
  } else {
    const char* why = "on convolutions: it is of net.kind = \"mlp\"";
    refuse_unread("net.generator_hidden", net.generator_hidden, usual.generator_hidden, why);
    refuse_unread("net.discriminator_hidden", net.discriminator_hidden, usual.discriminator_hidden, why);
  }
}

void refuse_idle(const RealNvpConfig& config, const ItemShape& shape) {
  const RealNvpConfig usual;
  if (shape.sizes.size() == 1) {
    const char* why = "on points";
    refuse_unread("scales", config.scales, usual.scales, why);
    refuse_unread("scale_couplings", config.scale_couplings, usual.scale_couplings, why);
    refuse_unread("width", config.width, usual.width, why);
    refuse_unread("blocks", config.blocks, usual.blocks, why);
    refuse_unread("margin", config.margin, usual.margin, why);
  } else {
    refuse_unread("couplings", config.couplings, usual.couplings, "on pictures");
    refuse_unread("hidden", config.hidden, usual.hidden, "on pictures");
  }
}

void refuse_idle(const DdpmConfig& config, const ItemShape& shape) {
  const DdpmConfig usual;
  if (!config.conditional)
    refuse_unread("label_drop", config.label_drop, usual.label_drop, "without model.conditional");
  if (config.schedule.kind == ScheduleKind::kCosine) {
    const char* why = "on the cosine schedule";
    refuse_unread("schedule.beta_first", config.schedule.beta_first, usual.schedule.beta_first, why);
    refuse_unread("schedule.beta_last", config.schedule.beta_last, usual.schedule.beta_last, why);
  }
  for (const int64_t at : config.net.attention) {
    std::string sides;
    bool found = false;
    for (size_t level = 0; level < config.net.widths.size(); ++level) {
      const int64_t side = shape.sizes.back() >> level;
      sides += concat(level > 0 ? ", " : "", side);
      found = found || at == side;
    }
    SEXTANT_USAGE_CHECK(found, "[ddpm] model.net.attention names maps of side ", at, "; there are only ", sides,
                        ": choose among them");
  }
}

}  // namespace

void refuse_idle_settings(const ModelConfig& config, const ItemShape& shape) {
  std::visit([&](const auto& c) { refuse_idle(c, shape); }, config);
}

namespace {

// What `sextant list` says of a family: one overload each, or it does not compile.
struct About {
  const char *title, *computes;
};
About about(const VaeConfig&) {
  return {"variational autoencoder, β-VAE", "lower bound of log p(x), samples in one pass"};
}
About about(const RealNvpConfig&) {
  return {"normalising flow of affine couplings, for points and pictures",
          "exact log p(x) of points, lower bound of log p(x) of pictures, samples in one pass"};
}
About about(const GanConfig&) {
  return {"generative adversarial networks: GAN, DCGAN, WGAN-GP", "samples in one pass; no density, no posterior"};
}
About about(const DdpmConfig&) {
  return {"denoising diffusion, with classes and guidance",
          "lower bound of log p(x), noise prediction (score), samples in many steps"};
}
About about(const ClassifierConfig&) {
  return {"convolutional classifier (no generative model)", "classes and features, by which samples are measured"};
}

template <class... Configs>
std::vector<FamilyRow> rows_of(const std::variant<Configs...>&) {
  return {FamilyRow{Configs::kTag.value, about(Configs{}).title, about(Configs{}).computes}...};
}

}  // namespace

std::vector<FamilyRow> families() { return rows_of(ModelConfig()); }

}  // namespace sextant
