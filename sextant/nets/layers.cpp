#include "sextant/nets/layers.h"

#include <cmath>

#include "sextant/tensor/plain.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

kernels::LinearShape shape_of(const Tensor& x, const Tensor& weight, Precision precision) {
  return {.batch = x.size(0), .in = weight.size(1), .out = weight.size(0), .precision = precision};
}

// Our kernel forward and backward. A backward that must itself be differentiable takes LibTorch's operations instead.
class FastLinear : public torch::autograd::Function<FastLinear> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const Tensor& bias, int64_t activation, int64_t precision) {
    const Tensor input = x.contiguous();
    Tensor y = torch::empty({x.size(0), weight.size(0)}, x.options());
    kernels::linear_forward(shape_of(x, weight, static_cast<Precision>(precision)), floats_in(input), floats_in(weight),
                            floats_in(bias), static_cast<Activation>(activation), floats_out(y));
    context->save_for_backward({x, weight, y});
    context->saved_data["activation"] = activation;
    context->saved_data["precision"] = precision;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    const Tensor &weight = saved[1], &y = saved[2];
    const auto activation = static_cast<Activation>(context->saved_data["activation"].toInt());
    torch::autograd::variable_list gradients(5);
    if (at::GradMode::is_enabled()) {
      const Tensor d = activation_gradient(upstream[0], y, activation);
      if (context->needs_input_grad(0)) gradients[0] = d.mm(weight);
      if (context->needs_input_grad(1)) gradients[1] = d.t().mm(saved[0]);
      if (context->needs_input_grad(2)) gradients[2] = d.sum(0);
      return gradients;
    }
    const Tensor x = saved[0].contiguous(), dy = upstream[0].contiguous();
    if (context->needs_input_grad(0)) gradients[0] = torch::empty_like(x);
    if (context->needs_input_grad(1)) gradients[1] = torch::empty_like(weight);
    if (context->needs_input_grad(2)) gradients[2] = torch::empty({weight.size(0)}, weight.options());
    kernels::linear_backward(
        shape_of(x, weight, static_cast<Precision>(context->saved_data["precision"].toInt())), floats_in(x),
        floats_in(weight), floats_in(y), floats_in(dy), activation,
        {.x = floats_out(gradients[0]), .weight = floats_out(gradients[1]), .bias = floats_out(gradients[2])});
    return gradients;
  }
};

}  // namespace

Tensor activate(const Tensor& x, Activation activation) {
  if (activation == Activation::kNone) return x;
  return activation == Activation::kRelu ? torch::relu(x)
                                         : torch::leaky_relu(x, static_cast<double>(kernels::slope_of(activation)));
}

Tensor activation_gradient(const Tensor& dy, const Tensor& y, Activation activation) {
  if (activation == Activation::kNone) return dy;
  const float slope = kernels::slope_of(activation);
  return slope == 0 ? dy * (y > 0) : at::leaky_relu_backward(dy, y.detach(), static_cast<double>(slope), true);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation, Precision precision) {
  SEXTANT_CHECK(x.dim() == 2 && x.size(1) == weight.size(1), "[linear] expected x [B,", weight.size(1), "]; got ",
                shape_text(x));
  SEXTANT_CHECK(bias.dim() == 1 && bias.size(0) == weight.size(0), "[linear] expected a bias [", weight.size(0),
                "]; got ", shape_text(bias));
  if (is_plain(x) && is_plain(weight) && weight.is_contiguous())
    return FastLinear::apply(x, weight, bias, static_cast<int64_t>(activation), static_cast<int64_t>(precision));
  return activate(torch::linear(x, weight, bias), activation);
}

LinearImpl::LinearImpl(int64_t in, int64_t out, Activation activation) : activation_(activation) {
  SEXTANT_CHECK(in >= 1 && out >= 1, "[linear] widths must be at least 1; got ", in, " -> ", out);
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  weight = register_parameter("weight", torch::empty({out, in}).uniform_(-bound, bound));
  bias = register_parameter("bias", torch::empty({out}).uniform_(-bound, bound));
}

Tensor LinearImpl::forward(const Tensor& x) { return linear(x, weight, bias, activation_); }

}  // namespace sextant
