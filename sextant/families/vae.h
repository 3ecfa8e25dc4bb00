// The variational autoencoder (Kingma & Welling 2014; Rezende et al. 2014) and the β-VAE (Higgins et al. 2017) of
// exercises 14.21, 14.22 and 14.30: q(z|x) a diagonal Gaussian, p(z) = N(0,I), p(x|z) Bernoulli, Gaussian or logistic
// over the cells of bytes, by fully connected or by convolutional nets. Both terms of the loss are summed over pixels
// and units and averaged over the batch; β multiplies the KL term only. The parts in the log are always unweighted.
#pragma once

#include <functional>

#include "sextant/families/model.h"

namespace sextant {

enum class Likelihood { kBernoulli, kGaussian, kDiscretisedLogistic };
constexpr auto enum_names(Likelihood) {
  return std::array{std::pair{Likelihood::kBernoulli, "bernoulli"}, std::pair{Likelihood::kGaussian, "gaussian"},
                    std::pair{Likelihood::kDiscretisedLogistic, "discretised_logistic"}};
}

struct VaeConfig {
  static constexpr Tag kTag{"family", "vae"};
  std::vector<int64_t> hidden = {400};
  std::vector<int64_t> conv;
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
        Field{"conv", &VaeConfig::conv,
              "channels a stage of a convolutional encoder, mirrored in the decoder; then "
              "`hidden` is not used. Each stage halves the sides. None: fully connected",
              between(1, 8192)},
        Field{"latent", &VaeConfig::latent, "units of z", between(1, 65536)},
        Field{"beta", &VaeConfig::beta, "weight of the KL term", at_least(0)},
        Field{"likelihood", &VaeConfig::likelihood,
              "p(x|z): bernoulli is a cross-entropy on grey pixels, gaussian a density, discretised_logistic a "
              "probability of bytes"},
        Field{"sigma", &VaeConfig::sigma,
              "standard deviation of the gaussian, scale of the logistic, of a pixel in [0,1]; its start where learned",
              positive()},
        Field{"learn_sigma", &VaeConfig::learn_sigma, "learn one sigma for all pixels"},
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
  void make_nets(const ItemShape& shape);
  Tensor decoder_output(const Tensor& z);                                 // [B,D]: logits, or means
  Tensor log_likelihood_of(const Tensor& x, const Tensor& output) const;  // [B]

  VaeConfig config_;
  std::vector<int64_t> item_;
  std::function<Tensor(const Tensor&)> encoder_, decoder_;  // [B,item…] -> [B,2L], [B,L] -> [B,item…] or [B,D]
  Tensor log_sigma_;                                        // of the likelihoods that have a width, one element
};

std::shared_ptr<GenerativeModel> build_model(const VaeConfig& config, const ItemShape& shape);

}  // namespace sextant
