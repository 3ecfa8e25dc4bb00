// What a sampler sees: something that predicts the noise in x_t. A net, a net with guidance, an exact formula: no
// sampler knows which.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>

#include "sextant/diffusion/schedule.h"
#include "sextant/tensor/rng.h"

namespace sextant {

class Denoiser {
 public:
  explicit Denoiser(const NoiseSchedule& schedule) : schedule_(schedule) {}
  virtual ~Denoiser() = default;
  // E[eps | x_t], like x_t. [B,…]
  virtual Tensor eps(const Tensor& x_t, double t) const = 0;
  const NoiseSchedule& schedule() const { return schedule_; }

 private:
  const NoiseSchedule& schedule_;  // of the model, which must outlive this
};

// x_0 and eps that belong to one x_t: x_t = alpha x_0 + sigma eps.
struct Estimate {
  Tensor x0, eps;
};
// Clipped: x_0 is brought into [-1,1] and eps made to fit it, so that every sampler clips alike.
Estimate estimate(const Denoiser& denoiser, const Tensor& x_t, double t, bool clip);

// A net's prediction of eps: labels int64 [B], or undefined for none.
using NoisePredictor = std::function<Tensor(const Tensor& x_t, double t, const Tensor& labels)>;

// A model as a Denoiser, without labels.
class ModelDenoiser : public Denoiser {
 public:
  ModelDenoiser(const NoiseSchedule& schedule, NoisePredictor predictor);
  Tensor eps(const Tensor& x_t, double t) const override { return predictor_(x_t, t, {}); }

 private:
  NoisePredictor predictor_;
};

// Classifier-free guidance (Ho & Salimans 2022) in convention A:
//   eps = eps(no label) + s (eps(label) - eps(no label))
// s = 0 is unconditional, s = 1 conditional, more sharpens. Both halves run in one batch; s = 0 and s = 1 need one half
// and cost one.
class GuidedDenoiser : public Denoiser {
 public:
  // no_label: the label that stands for none. Throws UsageError unless s is finite and at least 0.
  GuidedDenoiser(const NoiseSchedule& schedule, NoisePredictor predictor, Tensor labels, int64_t no_label,
                 double scale);
  Tensor eps(const Tensor& x_t, double t) const override;

 private:
  NoisePredictor predictor_;
  Tensor labels_, none_;
  double scale_;
};

// The other convention, B: (1 + w) eps(label) - w eps(no label). A(s) = B(s - 1).
inline double guidance_scale_of_w(double w) { return 1 + w; }
inline double guidance_w_of_scale(double s) { return s - 1; }

}  // namespace sextant
