#include "sextant/families/vae.h"

#include <cmath>

#include "sextant/math/logistic.h"
#include "sextant/nets/conv_coder.h"
#include "sextant/nets/mlp.h"
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
  make_nets(shape);
  if (config.likelihood != Likelihood::kBernoulli) {
    const Tensor start = torch::full({1}, std::log(config.sigma));
    log_sigma_ = config.learn_sigma ? register_parameter("log_sigma", start) : register_buffer("log_sigma", start);
  }
}

void Vae::make_nets(const ItemShape& shape) {
  if (!config_.conv.empty()) {
    check_halvings("vae", config_.conv, item_);
    auto encoder = register_module("encoder", ConvEncoder(config_.conv, item_, 2 * config_.latent));
    auto decoder = register_module("decoder", ConvDecoder(config_.conv, item_, config_.latent));
    encoder_ = [encoder](const Tensor& x) mutable { return encoder->forward(x); };
    decoder_ = [decoder](const Tensor& z) mutable { return decoder->forward(z); };
    return;
  }
  const std::vector<int64_t> mirrored(config_.hidden.rbegin(), config_.hidden.rend());
  auto encoder = register_module("encoder", Mlp(widths(shape.numel(), config_.hidden, 2 * config_.latent)));
  auto decoder = register_module("decoder", Mlp(widths(config_.latent, mirrored, shape.numel())));
  encoder_ = [encoder](const Tensor& x) mutable { return encoder->forward(x.flatten(1)); };
  decoder_ = [decoder](const Tensor& z) mutable { return decoder->forward(z); };
}

std::vector<Player> Vae::players() {
  return {{.name = "vae", .parameters = parameters(), .optimiser = config_.optimiser}};
}

DiagonalGaussian Vae::posterior(const Tensor& x) {
  check_items("vae", x, item_);
  return DiagonalGaussian::from_statistics(encoder_(x));  // [B,2L]
}

Tensor Vae::decoder_output(const Tensor& z) {
  SEXTANT_CHECK(z.dim() == 2 && z.size(1) == config_.latent, "[vae] expected z [B,", config_.latent, "]; got ",
                shape_text(z));
  return decoder_(z).flatten(1);
}

Tensor Vae::log_likelihood_of(const Tensor& x, const Tensor& output) const {
  const Tensor flat = x.flatten(1);
  switch (config_.likelihood) {
    case Likelihood::kBernoulli:
      return bernoulli_log_likelihood(flat, output);
    case Likelihood::kGaussian:
      return gaussian_log_likelihood(flat, output, log_sigma_);
    case Likelihood::kDiscretisedLogistic:
      return discretised_logistic_log_likelihood(flat, output, log_sigma_);
  }
  throw Error("[vae] unknown likelihood");
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
  return {.total = at::add(reconstruction, kl, config_.beta),
          .parts = {{"reconstruction", reconstruction.detach()}, {"kl", kl.detach()}}};
}

Tensor Vae::sample(const SampleRequest& request, Rng& rng) {
  const Tensor z = rng.normal({request.count, config_.latent});
  return decode(z.to(device()));
}

std::shared_ptr<GenerativeModel> build_model(const VaeConfig& config, const ItemShape& shape) {
  return std::make_shared<Vae>(config, shape);
}

}  // namespace sextant
