#include "sextant/math/logistic.h"

#include <torch/torch.h>

#include "sextant/tensor/shape.h"

namespace sextant {
namespace {

constexpr double kHalfCell = 0.5 / 255;

}  // namespace

// With a and b the standardised ends of the cell, sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)):
// a sum of logarithms none of which cancels, however narrow or far away the density is. An open end drops its factor
// and the last one.
Tensor discretised_logistic_log_likelihood(const Tensor& x, const Tensor& mean, const Tensor& log_scale) {
  SEXTANT_CHECK(x.sizes() == mean.sizes() && x.dim() >= 2 && log_scale.numel() == 1, "[logistic] x ", shape_text(x),
                " and mean ", shape_text(mean), " must have one shape [B,…], and the scale one element; it has ",
                log_scale.numel());
  const Tensor rate = (-log_scale).exp();
  const Tensor a = (x + kHalfCell - mean) * rate, b = (x - kHalfCell - mean) * rate;
  const Tensor first = x<kHalfCell, last = x> 1 - kHalfCell;
  const Tensor width = (-torch::expm1(-2 * kHalfCell * rate)).log();
  const Tensor above = torch::softplus(-a).masked_fill(last, 0), below = torch::softplus(b).masked_fill(first, 0);
  return (torch::where(first | last, torch::zeros_like(width), width) - above - below).flatten(1).sum(1);
}

}  // namespace sextant
