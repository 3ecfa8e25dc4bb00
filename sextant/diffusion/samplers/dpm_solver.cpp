#include <cmath>

#include "sextant/diffusion/samplers.h"
#include "sextant/tensor/torch.h"

namespace sextant {

Step step_of(const DpmSolver& config, const Denoiser& denoiser, const NoiseSource& /*noise*/) {
  return [&, x0_before = Tensor(), h_before = 0.0](const Tensor& x_t, double t, double s) mutable -> Moved {
    const NoiseSchedule& schedule = denoiser.schedule();
    const auto log_snr_half = [&](double u) { return std::log(schedule.alpha(u) / schedule.sigma(u)); };  // lambda
    const Tensor x0 = estimate(denoiser, x_t, t, config.clip).x0;
    if (s == 0) return {x0, x0};  // lambda is infinite there: the step's limit
    const double h = log_snr_half(s) - log_snr_half(t);
    Tensor d = x0;
    if (x0_before.defined()) {
      const double half_inverse_ratio = 0.5 * h / h_before;
      d = (1 + half_inverse_ratio) * x0 - half_inverse_ratio * x0_before;
    }
    x0_before = x0;
    h_before = h;
    return {schedule.sigma(s) / schedule.sigma(t) * x_t - schedule.alpha(s) * std::expm1(-h) * d, x0};
  };
}

}  // namespace sextant
