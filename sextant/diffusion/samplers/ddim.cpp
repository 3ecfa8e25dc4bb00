#include <torch/torch.h>

#include <cmath>

#include "sextant/diffusion/samplers.h"

namespace sextant {

Tensor sample_ddim(const Denoiser& denoiser, Tensor x, const Grid& grid, const Ddim& config, Rng& rng,
                   const StepObserver& observer) {
  check_grid("ddim", grid);
  const NoiseSchedule& schedule = denoiser.schedule();
  for (size_t i = 0; i + 1 < grid.size(); ++i) {
    const double t = grid[i], s = grid[i + 1];
    const Estimate e = estimate(denoiser, x, t, config.clip);
    const double beta = -std::expm1(schedule.log_alpha_bar(t) - schedule.log_alpha_bar(s));
    const double sigma_s = schedule.sigma(s);
    const double noise = config.eta * sigma_s / schedule.sigma(t) * std::sqrt(beta);  // eq. 16
    const double direction = std::sqrt(std::max(0.0, sigma_s * sigma_s - noise * noise));
    x = schedule.alpha(s) * e.x0 + direction * e.eps;
    if (noise > 0) x = x + noise * rng.normal(x.sizes()).to(x.options());
    finish_step("ddim", observer, {.step = static_cast<int64_t>(i) + 1, .t = s, .x = x, .x0 = e.x0});
  }
  return x;
}

}  // namespace sextant
