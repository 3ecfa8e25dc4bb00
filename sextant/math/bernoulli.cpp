#include <algorithm>
#include <vector>

#include "sextant/kernels/bernoulli.h"
#include "sextant/math/gaussian.h"
#include "sextant/tensor/plain.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

// Sum of x l - softplus(l) in one pass over memory; the gradient goes to the logits only.
class FastBernoulli : public torch::autograd::Function<FastBernoulli> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& logits, const Tensor& x) {
    std::vector<double> nll(static_cast<size_t>(x.size(0)));
    kernels::bernoulli_nll_with_logits(x.size(0), x.size(1), logits.const_data_ptr<float>(), x.const_data_ptr<float>(),
                                       nll.data());
    context->save_for_backward({logits, x});
    const Tensor log_likelihood = torch::empty({x.size(0)}, logits.options());
    std::ranges::transform(nll, log_likelihood.data_ptr<float>(), [](double v) { return static_cast<float>(-v); });
    return log_likelihood;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    const Tensor &logits = saved[0], &x = saved[1];
    if (at::GradMode::is_enabled()) return {(x - logits.sigmoid()) * per_item(upstream[0], logits), Tensor()};
    const Tensor scale = (-upstream[0]).contiguous(), gradient = torch::empty_like(logits);
    kernels::bernoulli_nll_backward(x.size(0), x.size(1), logits.const_data_ptr<float>(), x.const_data_ptr<float>(),
                                    scale.const_data_ptr<float>(), gradient.data_ptr<float>());
    return {gradient, Tensor()};
  }
};

}  // namespace

Tensor bernoulli_log_likelihood(const Tensor& x, const Tensor& logits) {
  SEXTANT_CHECK(x.sizes() == logits.sizes() && x.dim() >= 2, "[bernoulli] x ", shape_text(x), " and logits ",
                shape_text(logits), " must have one shape [B,…]");
  if (is_plain(x) && is_plain(logits) && !x.requires_grad())
    return FastBernoulli::apply(logits.flatten(1).contiguous(), x.flatten(1).contiguous());
  return -(at::softplus(logits) - x * logits).flatten(1).sum(1);
}

}  // namespace sextant
