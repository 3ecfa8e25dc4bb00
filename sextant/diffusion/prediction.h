// What a net may be taught to predict, and how much each time counts in its loss.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <utility>

#include "sextant/diffusion/schedule.h"

namespace sextant {

using at::Tensor;

// v = alpha eps - sigma x_0 (Salimans & Ho 2022).
enum class Prediction { kEps, kX0, kV };
constexpr auto enum_names(Prediction) {
  return std::array{std::pair{Prediction::kEps, "eps"}, std::pair{Prediction::kX0, "x0"},
                    std::pair{Prediction::kV, "v"}};
}

// The target for x_0 and eps. alpha, sigma broadcast over them.
Tensor target_of(Prediction prediction, const Tensor& x0, const Tensor& eps, const Tensor& alpha, const Tensor& sigma);
// What was predicted, as eps and as x_0; exact in both directions.
Tensor eps_of(Prediction prediction, const Tensor& output, const Tensor& x_t, double alpha, double sigma);
Tensor x0_of(Prediction prediction, const Tensor& output, const Tensor& x_t, double alpha, double sigma);

enum class LossWeight { kSimple, kMinSnr };
constexpr auto enum_names(LossWeight) {
  return std::array{std::pair{LossWeight::kSimple, "simple"}, std::pair{LossWeight::kMinSnr, "min-snr"}};
}

// Weight of the squared error of `prediction` at time t. simple: 1 (Ho et al. 2020, eq. 14). min-snr: min(SNR, 5) of
// the squared error of x_0 (Hang et al. 2023), whatever is predicted; SNR = alpha_bar / (1 - alpha_bar).
double loss_weight(LossWeight weight, Prediction prediction, const NoiseSchedule& schedule, double t);

}  // namespace sextant
