#include "sextant/math/logistic.h"

#include <cmath>

#include "sextant/kernels/logistic.h"
#include "sextant/tensor/plain.h"
#include "sextant/tensor/recorded.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kHalfCell = 0.5 / 255;

// With a and b the standardised ends of the cell, sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)):
// a sum of logarithms none of which cancels, however narrow or far away the density is. An open end drops its factor
// and the last one.
Tensor nll_in_steps(const Tensor& x, const Tensor& mean, const Tensor& log_scale) {
  const Tensor rate = (-log_scale).exp();
  const Tensor a = (x + kHalfCell - mean) * rate, b = (x - kHalfCell - mean) * rate;
  const Tensor first = x<kHalfCell, last = x> 1 - kHalfCell;
  const Tensor width = (-torch::expm1(-2 * kHalfCell * rate)).log();
  const Tensor above = at::softplus(-a).masked_fill(last, 0), below = at::softplus(b).masked_fill(first, 0);
  return (above + below - torch::where(first | last, torch::zeros_like(width), width)).flatten(1).sum(1);
}

// The same in one pass over memory (kernels/logistic.h), which leaves both gradients behind. x, mean [B,D].
class FastLogistic : public torch::autograd::Function<FastLogistic> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& mean, const Tensor& log_scale, const Tensor& x) {
    const Tensor nll = at::empty({x.size(0)}, at::kDouble), by_scale = at::empty_like(nll), by_mean = at::empty_like(x);
    kernels::logistic_nll(x.size(0), x.size(1), x.const_data_ptr<float>(), mean.const_data_ptr<float>(),
                          std::exp(-log_scale.item<double>()), nll.data_ptr<double>(), by_mean.data_ptr<float>(),
                          by_scale.data_ptr<double>());
    context->save_for_backward({mean, log_scale, x, by_mean, by_scale.to(at::kFloat)});
    return nll.to(at::kFloat);
  }

  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    if (at::GradMode::is_enabled()) {
      const variable_list inputs(saved.begin(), saved.begin() + 3);
      return recorded_backward(
          inputs, upstream, [](const variable_list& in) { return variable_list{nll_in_steps(in[2], in[0], in[1])}; });
    }
    return {saved[3] * per_item(upstream[0], saved[3]), (saved[4] * upstream[0]).sum().view_as(saved[1]), Tensor()};
  }
};

}  // namespace

Tensor discretised_logistic_log_likelihood(const Tensor& x, const Tensor& mean, const Tensor& log_scale) {
  SEXTANT_CHECK(x.sizes() == mean.sizes() && x.dim() >= 2 && log_scale.numel() == 1, "[logistic] x ", shape_text(x),
                " and mean ", shape_text(mean), " must have one shape [B,…], and the scale one element; it has ",
                log_scale.numel());
  const bool fast = is_plain(x) && is_plain(mean) && is_plain(log_scale) && !x.requires_grad();
  if (fast) return -FastLogistic::apply(mean.flatten(1).contiguous(), log_scale, x.flatten(1).contiguous());
  return -nll_in_steps(x, mean, log_scale);
}

}  // namespace sextant
