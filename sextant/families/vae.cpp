#include "sextant/families/vae.h"

#include <cmath>

#include "sextant/tensor/shape.h"

namespace sextant {
namespace {

std::vector<int64_t> widths(int64_t in, std::vector<int64_t> hidden, int64_t out) {
  hidden.insert(hidden.begin(), in);
  hidden.push_back(out);
  return hidden;
}

}  // namespace

Vae::Vae(const VaeConfig& config, const ItemShape& shape) : config_(config), item_(shape.sizes) {
  SEXTANT_USAGE_CHECK(shape.sizes.size() == 3, "[vae] needs pictures; the data has items of shape ",
                      shape_text(shape.sizes), ". Choose a picture data set, or another family for points");
  const std::vector<int64_t> mirrored(config.hidden.rbegin(), config.hidden.rend());
  encoder_ = register_module("encoder", Mlp(widths(shape.numel(), config.hidden, 2 * config.latent)));
  decoder_ = register_module("decoder", Mlp(widths(config.latent, mirrored, shape.numel())));
  if (config.likelihood == Likelihood::kGaussian) {
    const Tensor start = torch::full({1}, std::log(config.sigma));
    log_sigma_ = config.learn_sigma ? register_parameter("log_sigma", start) : register_buffer("log_sigma", start);
  }
}

std::vector<Player> Vae::players() {
  return {{.name = "vae", .parameters = parameters(), .optimiser = config_.optimiser}};
}

DiagonalGaussian Vae::posterior(const Tensor& x) {
  check_items("vae", x, item_);
  return DiagonalGaussian::from_statistics(encoder_->forward(x.flatten(1)));  // [B,2L]
}

Tensor Vae::decoder_output(const Tensor& z) {
  SEXTANT_CHECK(z.dim() == 2 && z.size(1) == config_.latent, "[vae] expected z [B,", config_.latent, "]; got ",
                shape_text(z));
  return decoder_->forward(z);
}

Tensor Vae::log_likelihood_of(const Tensor& x, const Tensor& output) const {
  return config_.likelihood == Likelihood::kBernoulli ? bernoulli_log_likelihood(x.flatten(1), output)
                                                      : gaussian_log_likelihood(x.flatten(1), output, log_sigma_);
}

Tensor Vae::log_likelihood(const Tensor& x, const Tensor& z) { return log_likelihood_of(x, decoder_output(z)); }

Tensor Vae::decode(const Tensor& z) {
  const Tensor output = decoder_output(z);
  const Tensor mean = config_.likelihood == Likelihood::kBernoulli ? output.sigmoid() : output.clamp(0, 1);
  return mean.view(batch_of(z.size(0), item_));
}

// -ELBO of the batch, Kingma & Welling eq. 10 with one draw of z; with β before the KL term Higgins et al. eq. 4.
Loss Vae::loss(size_t /*player*/, const Batch& batch, Rng& rng) {
  const DiagonalGaussian q = posterior(batch.x);
  const Tensor reconstruction = -log_likelihood(batch.x, q.sample(rng)).mean();
  const Tensor kl = q.kl_to_standard().mean();
  return {.total = reconstruction + config_.beta * kl,
          .parts = {{"reconstruction", reconstruction.detach()}, {"kl", kl.detach()}}};
}

Tensor Vae::sample(const SampleRequest& request, Rng& rng) {
  const Tensor z = rng.normal({request.count, config_.latent});
  return decode(z.to(decoder_->device()));
}

std::shared_ptr<GenerativeModel> build_model(const VaeConfig& config, const ItemShape& shape) {
  return std::make_shared<Vae>(config, shape);
}

}  // namespace sextant
