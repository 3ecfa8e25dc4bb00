#include <cmath>

#include "sextant/diffusion/samplers.h"
#include "sextant/tensor/torch.h"

namespace sextant {

Step step_of(const Ancestral& config, const Denoiser& denoiser, const NoiseSource& noise) {
  return [&](const Tensor& x_t, double t, double s) -> Moved {
    const NoiseSchedule& schedule = denoiser.schedule();
    const Tensor x0 = estimate(denoiser, x_t, t, config.clip).x0;
    // q(x_s | x_t, x_0), eqs. 6 and 7, with the respaced chain's alpha and beta.
    const double log_ratio = schedule.log_alpha_bar(t) - schedule.log_alpha_bar(s);
    const double beta = -std::expm1(log_ratio), sigma2_t = std::pow(schedule.sigma(t), 2);
    const double sigma2_s = std::pow(schedule.sigma(s), 2);
    const Tensor mean =
        schedule.alpha(s) * beta / sigma2_t * x0 + std::exp(0.5 * log_ratio) * sigma2_s / sigma2_t * x_t;
    if (s == 0) return {mean, x0};
    const double variance = config.variance == PosteriorVariance::kBeta ? beta : beta * sigma2_s / sigma2_t;
    return {mean + std::sqrt(variance) * noise(x_t.sizes()).to(x_t.options()), x0};
  };
}

}  // namespace sextant
