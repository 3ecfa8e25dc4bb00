#include "sextant/diffusion/prediction.h"

#include <cmath>

#include "sextant/tensor/torch.h"

namespace sextant {

Tensor target_of(Prediction prediction, const Tensor& x0, const Tensor& eps, const Tensor& alpha, const Tensor& sigma) {
  if (prediction == Prediction::kEps) return eps;
  return prediction == Prediction::kX0 ? x0 : alpha * eps - sigma * x0;
}

Tensor eps_of(Prediction prediction, const Tensor& output, const Tensor& x_t, double alpha, double sigma) {
  if (prediction == Prediction::kEps) return output;
  return prediction == Prediction::kX0 ? (x_t - alpha * output) / sigma : sigma * x_t + alpha * output;
}

Tensor x0_of(Prediction prediction, const Tensor& output, const Tensor& x_t, double alpha, double sigma) {
  if (prediction == Prediction::kX0) return output;
  return prediction == Prediction::kEps ? (x_t - sigma * output) / alpha : alpha * x_t - sigma * output;
}

double loss_weight(LossWeight weight, Prediction prediction, const NoiseSchedule& schedule, double t) {
  if (weight == LossWeight::kSimple) return 1;
  constexpr double kMost = 5;
  const double log_alpha_bar = schedule.log_alpha_bar(t);
  const double snr = std::exp(log_alpha_bar) / -std::expm1(log_alpha_bar), kept = std::min(snr, kMost);
  if (prediction == Prediction::kX0) return kept;  // |d x0|^2
  return prediction == Prediction::kEps ? kept / snr
                                        : kept / (snr + 1);  // |d eps|^2 = SNR |d x0|^2, |d v|^2 = (SNR+1) …
}

}  // namespace sextant
