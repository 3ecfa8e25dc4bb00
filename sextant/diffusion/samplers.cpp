#include "sextant/diffusion/samplers.h"

#include "sextant/base/check.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

Tensor run(const Ancestral& c, const Denoiser& d, Tensor x, const Grid& g, const NoiseSource& n,
           const StepObserver& o) {
  return sample_ancestral(d, std::move(x), g, c, n, o);
}
Tensor run(const Ddim& c, const Denoiser& d, Tensor x, const Grid& g, const NoiseSource& n, const StepObserver& o) {
  return sample_ddim(d, std::move(x), g, c, n, o);
}
Tensor run(const DpmSolver& c, const Denoiser& d, Tensor x, const Grid& g, const NoiseSource& n,
           const StepObserver& o) {
  return sample_dpm_solver(d, std::move(x), g, c, n, o);
}

}  // namespace

NoiseSource noise_of(Rng& rng) {
  return [&rng](at::IntArrayRef shape) { return rng.normal(shape); };
}

Tensor run_sampler(const SamplerConfig& config, const Denoiser& denoiser, Tensor x, const Grid& grid,
                   const NoiseSource& noise, const StepObserver& observer) {
  return std::visit([&](const auto& c) { return run(c, denoiser, std::move(x), grid, noise, observer); }, config);
}

bool is_deterministic(const SamplerConfig& config) {
  if (const auto* ddim = std::get_if<Ddim>(&config)) return ddim->eta == 0;
  return std::holds_alternative<DpmSolver>(config);
}

Tensor walk_grid(const char* who, Tensor x, const Grid& grid, const StepObserver& observer,
                 const std::function<Moved(const Tensor& x, double t, double s)>& move) {
  check_grid(who, grid);
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
