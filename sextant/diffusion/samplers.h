// The samplers: each is one kind of step, which run_sampler takes along any grid with any Denoiser, from noise to data.
// A step keeps the type and device of x, and adds no noise where it is the last. A new one is a file in samplers/, its
// configuration (with a field `clip`) and alternative here, and a row in tests/sampler_contract.
#pragma once

#include <functional>
#include <variant>

#include "sextant/base/fields.h"
#include "sextant/diffusion/denoiser.h"
#include "sextant/diffusion/grid.h"

namespace sextant {

// Where a step leads: x at the time s, and the denoiser's x_0 on the way.
struct Moved {
  Tensor x, x0;
};
// From x [B,…] at t to s < t; s = 0 is the last. It may remember the steps before, so it serves one walk. What it was
// made of must outlive it.
using Step = std::function<Moved(const Tensor& x, double t, double s)>;

// Seen after each step: steps done (from 1), the time reached, x there, and the denoiser's x_0 on the way.
struct SamplerStep {
  int64_t step;
  double t;
  const Tensor& x;
  const Tensor& x0;
};
using StepObserver = std::function<void(const SamplerStep& step)>;

// Standard normal noise of a shape, drawn anew at each call: float32, on whichever device.
using NoiseSource = std::function<Tensor(at::IntArrayRef shape)>;
NoiseSource noise_of(Rng& rng);  // `rng` must outlive it

enum class PosteriorVariance { kBetaTilde, kBeta };
constexpr auto enum_names(PosteriorVariance) {
  return std::array{std::pair{PosteriorVariance::kBetaTilde, "beta-tilde"},
                    std::pair{PosteriorVariance::kBeta, "beta"}};
}

// The chain run backwards (Ho et al. 2020, algorithm 2), on the respaced chain where the grid skips steps.
struct Ancestral {
  static constexpr Tag kTag{"sampler", "ddpm"};
  PosteriorVariance variance = PosteriorVariance::kBetaTilde;
  bool clip = true;
  bool is_deterministic() const { return false; }
  static int64_t evaluations(int64_t steps) { return steps; }
  static constexpr auto fields() {
    return std::tuple{Field{"variance", &Ancestral::variance,
                            "of the noise added: beta-tilde, or beta (only sound on the full chain)"},
                      Field{"clip", &Ancestral::clip, "clip the predicted x0 to [-1,1]"}};
  }
};
Step step_of(const Ancestral& config, const Denoiser& denoiser, const NoiseSource& noise);

// Song, Meng & Ermon 2021, eq. 12. eta = 0: deterministic; eta = 1: the ancestral sampler with beta-tilde.
struct Ddim {
  static constexpr Tag kTag{"sampler", "ddim"};
  double eta = 0.0;
  bool clip = true;
  bool is_deterministic() const { return eta == 0; }
  static int64_t evaluations(int64_t steps) { return steps; }
  static constexpr auto fields() {
    return std::tuple{Field{"eta", &Ddim::eta, "share of the ancestral noise; 0: deterministic", between(0, 1)},
                      Field{"clip", &Ddim::clip, "clip the predicted x0 to [-1,1]"}};
  }
};
Step step_of(const Ddim& config, const Denoiser& denoiser, const NoiseSource& noise);

// DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): second order in log(alpha/sigma), deterministic; the first and the
// last step are of first order.
struct DpmSolver {
  static constexpr Tag kTag{"sampler", "dpm-solver"};
  bool clip = true;
  bool is_deterministic() const { return true; }
  static int64_t evaluations(int64_t steps) { return steps; }
  static constexpr auto fields() {
    return std::tuple{Field{"clip", &DpmSolver::clip, "clip the predicted x0 to [-1,1]"}};
  }
};
Step step_of(const DpmSolver& config, const Denoiser& denoiser, const NoiseSource& noise);

using SamplerConfig = std::variant<Ddim, Ancestral, DpmSolver>;

// x_0 from x_T [B,…], the noise at grid.front(). Throws Error where the times do not fall to 0, or x is not finite.
Tensor run_sampler(const SamplerConfig& config, const Denoiser& denoiser, Tensor x, const Grid& grid,
                   const NoiseSource& noise, const StepObserver& observer = {});

// Deterministic: the same x_T gives the same x_0, whatever the generator.
bool is_deterministic(const SamplerConfig& config);

// Evaluations of the denoiser in so many steps.
int64_t evaluations(const SamplerConfig& config, int64_t steps);

}  // namespace sextant
