#include "sextant/diffusion/denoiser.h"

#include <cmath>

#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {

Estimate estimate(const Denoiser& denoiser, const Tensor& x_t, double t, bool clip) {
  const double alpha = denoiser.schedule().alpha(t), sigma = denoiser.schedule().sigma(t);
  Estimate found{.x0 = {}, .eps = denoiser.eps(x_t, t)};
  found.x0 = (x_t - sigma * found.eps) / alpha;
  if (!clip) return found;
  found.x0.clamp_(-1, 1);
  found.eps = (x_t - alpha * found.x0) / sigma;
  return found;
}

ModelDenoiser::ModelDenoiser(const NoiseSchedule& schedule, NoisePredictor predictor)
    : Denoiser(schedule), predictor_(std::move(predictor)) {}

GuidedDenoiser::GuidedDenoiser(const NoiseSchedule& schedule, NoisePredictor predictor, Tensor labels, int64_t no_label,
                               double scale)
    : Denoiser(schedule), predictor_(std::move(predictor)), labels_(std::move(labels)), scale_(scale) {
  SEXTANT_USAGE_CHECK(std::isfinite(scale) && scale >= 0, "[guidance] the scale must be at least 0; got ", scale);
  SEXTANT_CHECK(labels_.defined() && labels_.dim() == 1, "[guidance] one label an item is wanted; got ",
                shape_text(labels_));
  none_ = torch::full_like(labels_, no_label);
}

Tensor GuidedDenoiser::eps(const Tensor& x_t, double t) const {
  if (scale_ == 0) return predictor_(x_t, t, none_);
  if (scale_ == 1) return predictor_(x_t, t, labels_);
  const Tensor both = predictor_(torch::cat({x_t, x_t}), t, torch::cat({none_, labels_}));
  const auto halves = both.chunk(2);
  return halves[0] + scale_ * (halves[1] - halves[0]);
}

}  // namespace sextant
