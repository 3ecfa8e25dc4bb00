#include "sextant/diffusion/samplers.h"

#include "sextant/base/check.h"
#include "sextant/tensor/torch.h"

namespace sextant {

NoiseSource noise_of(Rng& rng) {
  return [&rng](at::IntArrayRef shape) { return rng.normal(shape); };
}

bool is_deterministic(const SamplerConfig& config) {
  return std::visit([](const auto& c) { return c.is_deterministic(); }, config);
}

int64_t evaluations(const SamplerConfig& config, int64_t steps) {
  return std::visit([steps](const auto& c) { return c.evaluations(steps); }, config);
}

Tensor run_sampler(const SamplerConfig& config, const Denoiser& denoiser, Tensor x, const Grid& grid,
                   const NoiseSource& noise, const StepObserver& observer) {
  const auto who = std::visit([](const auto& c) { return c.kTag.value; }, config);
  const Step move = std::visit([&](const auto& c) { return step_of(c, denoiser, noise); }, config);
  check_grid(grid);
  for (size_t i = 0; i + 1 < grid.size(); ++i) {
    const auto step = static_cast<int64_t>(i) + 1;
    const Moved moved = move(x, grid[i], grid[i + 1]);
    x = moved.x;
    SEXTANT_CHECK(x.isfinite().all().item<bool>(), "[", who, "] x is not finite after step ", step,
                  ". Check the weights (`sextant eval`), lower the guidance, or keep x0 clipped");
    if (observer) observer({.step = step, .t = grid[i + 1], .x = x, .x0 = moved.x0});
  }
  return x;
}

}  // namespace sextant
