#include <torch/torch.h>

#include <cmath>

#include "sextant/diffusion/samplers.h"

namespace sextant {

Tensor sample_dpm_solver(const Denoiser& denoiser, Tensor x, const Grid& grid, const DpmSolver& config, Rng& /*rng*/,
                         const StepObserver& observer) {
  check_grid("dpm-solver", grid);
  const NoiseSchedule& schedule = denoiser.schedule();
  const auto log_snr_half = [&](double t) { return std::log(schedule.alpha(t) / schedule.sigma(t)); };  // lambda
  Tensor x0_before;
  double h_before = 0;
  for (size_t i = 0; i + 1 < grid.size(); ++i) {
    const double t = grid[i], s = grid[i + 1];
    const Tensor x0 = estimate(denoiser, x, t, config.clip).x0;
    if (s == 0) {
      x = x0;  // lambda is infinite there: the step's limit
    } else {
      const double h = log_snr_half(s) - log_snr_half(t);
      Tensor d = x0;
      if (x0_before.defined()) {
        const double half_inverse_ratio = 0.5 * h / h_before;
        d = (1 + half_inverse_ratio) * x0 - half_inverse_ratio * x0_before;
      }
      x = schedule.sigma(s) / schedule.sigma(t) * x - schedule.alpha(s) * std::expm1(-h) * d;
      h_before = h;
    }
    x0_before = x0;
    finish_step("dpm-solver", observer, {.step = static_cast<int64_t>(i) + 1, .t = s, .x = x, .x0 = x0});
  }
  return x;
}

}  // namespace sextant
