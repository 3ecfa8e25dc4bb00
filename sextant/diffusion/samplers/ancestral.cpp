#include <torch/torch.h>

#include <cmath>

#include "sextant/diffusion/samplers.h"

namespace sextant {

Tensor sample_ancestral(const Denoiser& denoiser, Tensor x, const Grid& grid, const Ancestral& config, Rng& rng,
                        const StepObserver& observer) {
  check_grid("ddpm", grid);
  const NoiseSchedule& schedule = denoiser.schedule();
  for (size_t i = 0; i + 1 < grid.size(); ++i) {
    const double t = grid[i], s = grid[i + 1];
    const Tensor x0 = estimate(denoiser, x, t, config.clip).x0;
    // q(x_s | x_t, x_0), eqs. 6 and 7, with the respaced chain's alpha and beta.
    const double log_ratio = schedule.log_alpha_bar(t) - schedule.log_alpha_bar(s);
    const double beta = -std::expm1(log_ratio), sigma2_t = std::pow(schedule.sigma(t), 2);
    const double sigma2_s = std::pow(schedule.sigma(s), 2);
    x = schedule.alpha(s) * beta / sigma2_t * x0 + std::exp(0.5 * log_ratio) * sigma2_s / sigma2_t * x;
    if (s > 0) {
      const double variance = config.variance == PosteriorVariance::kBeta ? beta : beta * sigma2_s / sigma2_t;
      x = x + std::sqrt(variance) * rng.normal(x.sizes()).to(x.options());
    }
    finish_step("ddpm", observer, {.step = static_cast<int64_t>(i) + 1, .t = s, .x = x, .x0 = x0});
  }
  return x;
}

}  // namespace sextant
