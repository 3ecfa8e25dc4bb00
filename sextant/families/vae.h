// The variational autoencoder (Kingma & Welling 2014; Rezende et al. 2014) and the β-VAE (Higgins et al. 2017) of
// exercises 14.21 and 14.22: q(z|x) a diagonal Gaussian, p(z) = N(0,I), p(x|z) Bernoulli or Gaussian. Both terms of the
// loss are summed over pixels and units and averaged over the batch; β multiplies the KL term only. The parts in the
// log are always unweighted.
#pragma once

#include "sextant/families/model.h"
#include "sextant/nets/mlp.h"

namespace sextant {

enum class Likelihood { kBernoulli, kGaussian };
constexpr auto enum_names(Likelihood) {
  return std::array{std::pair{Likelihood::kBernoulli, "bernoulli"}, std::pair{Likelihood::kGaussian, "gaussian"}};
}

struct VaeConfig {
  static constexpr Tag kTag{"family", "vae"};
  std::vector<int64_t> hidden = {400};
  int64_t latent = 20;
  double beta = 1.0;
  Likelihood likelihood = Likelihood::kBernoulli;
  double sigma = 0.1;
  bool learn_sigma = false;
  OptimiserConfig optimiser;
  static constexpr auto fields() {
    return std::tuple{
        Field{"hidden", &VaeConfig::hidden, "widths of the encoder's hidden layers; the decoder mirrors them",
              between(1, 65536)},
        Field{"latent", &VaeConfig::latent, "units of z", between(1, 65536)},
        Field{"beta", &VaeConfig::beta, "weight of the KL term", at_least(0)},
        Field{"likelihood", &VaeConfig::likelihood, "p(x|z); on grey pixels bernoulli is a cross-entropy, no density"},
        Field{"sigma", &VaeConfig::sigma, "gaussian: standard deviation of a pixel in [0,1]; its start where learned",
              positive()},
        Field{"learn_sigma", &VaeConfig::learn_sigma, "gaussian: learn one sigma for all pixels"},
        Field{"optimiser", &VaeConfig::optimiser, "how the weights are learned"},
    };
  }
};

class Vae : public GenerativeModel, public LatentVariable {
 public:
  Vae(const VaeConfig& config, const ItemShape& shape);

  std::vector<Player> players() override;
  Loss loss(size_t player, const Batch& batch, Rng& rng) override;  // parts: reconstruction, kl (nats an item)
  PixelRange pixel_range() const override { return PixelRange::kUnit; }
  Tensor sample(const SampleRequest& request, Rng& rng) override;

  DiagonalGaussian posterior(const Tensor& x) override;
  Tensor decode(const Tensor& z) override;
  Tensor log_likelihood(const Tensor& x, const Tensor& z) override;

 private:
  Tensor decoder_output(const Tensor& z);                                 // [B,D]: logits, or means
  Tensor log_likelihood_of(const Tensor& x, const Tensor& output) const;  // [B]

  VaeConfig config_;
  std::vector<int64_t> item_;
  Mlp encoder_{nullptr}, decoder_{nullptr};
  Tensor log_sigma_;  // of the Gaussian likelihood, one element
};

std::shared_ptr<GenerativeModel> build_model(const VaeConfig& config, const ItemShape& shape);

}  // namespace sextant
