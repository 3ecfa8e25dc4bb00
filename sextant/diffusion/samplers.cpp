#include "sextant/diffusion/samplers.h"

#include <torch/torch.h>

#include "sextant/base/check.h"

namespace sextant {
namespace {

Tensor run(const Ancestral& c, const Denoiser& d, Tensor x, const Grid& g, Rng& r, const StepObserver& o) {
  return sample_ancestral(d, std::move(x), g, c, r, o);
}
Tensor run(const Ddim& c, const Denoiser& d, Tensor x, const Grid& g, Rng& r, const StepObserver& o) {
  return sample_ddim(d, std::move(x), g, c, r, o);
}
Tensor run(const DpmSolver& c, const Denoiser& d, Tensor x, const Grid& g, Rng& r, const StepObserver& o) {
  return sample_dpm_solver(d, std::move(x), g, c, r, o);
}

}  // namespace

Tensor run_sampler(const SamplerConfig& config, const Denoiser& denoiser, Tensor x, const Grid& grid, Rng& rng,
                   const StepObserver& observer) {
  return std::visit([&](const auto& c) { return run(c, denoiser, std::move(x), grid, rng, observer); }, config);
}

bool is_deterministic(const SamplerConfig& config) {
  if (const auto* ddim = std::get_if<Ddim>(&config)) return ddim->eta == 0;
  return std::holds_alternative<DpmSolver>(config);
}

void finish_step(const char* who, const StepObserver& observer, const SamplerStep& step) {
  SEXTANT_CHECK(step.x.isfinite().all().item<bool>(), "[", who, "] x is not finite after step ", step.step,
                ". Check the weights (`sextant eval`), lower the guidance, or keep x0 clipped");
  if (observer) observer(step);
}

}  // namespace sextant
