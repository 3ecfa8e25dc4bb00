#include <cmath>

#include "sextant/diffusion/samplers.h"
#include "sextant/tensor/torch.h"

namespace sextant {

Step step_of(const Ddim& config, const Denoiser& denoiser, const NoiseSource& noise) {
  return [&](const Tensor& x_t, double t, double s) -> Moved {
    const NoiseSchedule& schedule = denoiser.schedule();
    const Estimate e = estimate(denoiser, x_t, t, config.clip);
    const double beta = -std::expm1(schedule.log_alpha_bar(t) - schedule.log_alpha_bar(s));
    const double sigma_s = schedule.sigma(s);
    const double spread = config.eta * sigma_s / schedule.sigma(t) * std::sqrt(beta);  // eq. 16
    const double direction = std::sqrt(std::max(0.0, sigma_s * sigma_s - spread * spread));
    const Tensor x_s = schedule.alpha(s) * e.x0 + direction * e.eps;
    if (spread == 0) return {x_s, e.x0};
    return {x_s + spread * noise(x_s.sizes()).to(x_s.options()), e.x0};
  };
}

}  // namespace sextant
