#include "sextant/nets/strided_conv.h"

#include <cmath>

#include "sextant/kernels/activation.h"
#include "sextant/kernels/strided_conv.h"
#include "sextant/nets/conv.h"
#include "sextant/tensor/plain.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

using kernels::StridedShape;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor map_of(const Tensor& like, int64_t channels, int64_t height, int64_t width) {
  return at::empty({like.size(0), channels, height, width}, like.options(), at::MemoryFormat::ChannelsLast);
}

// `large` is the map before a strided convolution, or after its transpose.
StridedShape shape_of(const Tensor& large, const Tensor& weight) {
  return {.batch = large.size(0),
          .height = large.size(2),
          .width = large.size(3),
          .in = weight.size(1),
          .out = weight.size(0)};
}

// The three maps below are each other's derivatives, so every backward is made of them and can be differentiated again.
Tensor convolve(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias, Activation activation);
Tensor transpose(const Tensor& y, const Tensor& weight, const std::optional<Tensor>& bias);
Tensor weight_gradient(const Tensor& x, const Tensor& dy);

class FastConvolve : public torch::autograd::Function<FastConvolve> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x_any, const Tensor& weight,
                        const std::optional<Tensor>& bias, int64_t activation) {
    const Tensor x = channels_last(x_any), y = map_of(x, weight.size(0), x.size(2) / 2, x.size(3) / 2);
    kernels::strided_convolve(shape_of(x, weight), floats_in(x), floats_in(weight), floats_in(bias.value_or(Tensor())),
                              kernels::slope_of(static_cast<Activation>(activation)), floats_out(y));
    context->save_for_backward({x_any, weight, y});
    context->saved_data["activation"] = activation;
    context->saved_data["bias"] = bias.has_value();
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    const auto activation = static_cast<Activation>(context->saved_data["activation"].toInt());
    const bool wants_bias = context->saved_data["bias"].toBool() && context->needs_input_grad(2);
    variable_list gradients(4);
    Tensor d;
    if (at::GradMode::is_enabled()) {
      d = activation_gradient(upstream[0], saved[2], activation);
      if (wants_bias) gradients[2] = d.sum({0, 2, 3});
    } else {
      std::tie(d, gradients[2]) = masked(upstream[0], saved[2], activation, wants_bias);
    }
    if (context->needs_input_grad(0)) gradients[0] = transpose(d, saved[1], std::nullopt);
    if (context->needs_input_grad(1)) gradients[1] = weight_gradient(saved[0], d);
    return gradients;
  }

 private:
  // The gradient behind the activation and its sums for the bias, in one pass.
  static std::pair<Tensor, Tensor> masked(const Tensor& upstream, const Tensor& y, Activation activation, bool sums) {
    const Tensor dy = channels_last(upstream);
    const bool mask = activation != Activation::kNone;
    const Tensor d = mask ? at::empty_like(y) : dy, sum = sums ? at::empty({y.size(1)}, y.options()) : Tensor();
    if (mask || sums)
      kernels::activation_backward(y.numel() / y.size(1), y.size(1), floats_in(dy), floats_in(y),
                                   kernels::slope_of(activation), mask ? floats_out(d) : nullptr,
                                   sums ? floats_out(sum) : nullptr);
    return {d, sum};
  }
};

class FastTranspose : public torch::autograd::Function<FastTranspose> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& y_any, const Tensor& weight,
                        const std::optional<Tensor>& bias) {
    const Tensor y = channels_last(y_any), x = map_of(y, weight.size(1), 2 * y.size(2), 2 * y.size(3));
    kernels::strided_transpose(shape_of(x, weight), floats_in(y), floats_in(weight), floats_in(bias.value_or(Tensor())),
                               floats_out(x));
    context->save_for_backward({y_any, weight});
    context->saved_data["bias"] = bias.has_value();
    return x;
  }

  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    variable_list gradients(3);
    if (context->needs_input_grad(0)) gradients[0] = convolve(upstream[0], saved[1], std::nullopt, Activation::kNone);
    if (context->needs_input_grad(1)) gradients[1] = weight_gradient(upstream[0], saved[0]);
    if (context->saved_data["bias"].toBool() && context->needs_input_grad(2)) gradients[2] = upstream[0].sum({0, 2, 3});
    return gradients;
  }
};

class FastWeightGradient : public torch::autograd::Function<FastWeightGradient> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x_any, const Tensor& dy_any) {
    const Tensor x = channels_last(x_any), dy = channels_last(dy_any);
    const Tensor dw = at::empty({dy.size(1), x.size(1), kStridedTaps, kStridedTaps}, x.options());
    kernels::strided_weight_gradient(shape_of(x, dw), floats_in(x), floats_in(dy), floats_out(dw));
    context->save_for_backward({x_any, dy_any});
    return dw;
  }

  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    const Tensor direction = upstream[0].contiguous();
    variable_list gradients(2);
    if (context->needs_input_grad(0)) gradients[0] = transpose(saved[1], direction, std::nullopt);
    if (context->needs_input_grad(1)) gradients[1] = convolve(saved[0], direction, std::nullopt, Activation::kNone);
    return gradients;
  }
};

Tensor convolve(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias, Activation activation) {
  return FastConvolve::apply(x, weight, bias, static_cast<int64_t>(activation));
}
Tensor transpose(const Tensor& y, const Tensor& weight, const std::optional<Tensor>& bias) {
  return FastTranspose::apply(y, weight, bias);
}
Tensor weight_gradient(const Tensor& x, const Tensor& dy) { return FastWeightGradient::apply(x, dy); }

bool runs_ours(const Tensor& x, const Tensor& weight) {
  return is_plain(x) && is_plain(weight) && weight.is_contiguous();
}

void check_maps(const char* where, const Tensor& x, int64_t channels, const Tensor& weight) {
  SEXTANT_CHECK(x.dim() == 4 && x.size(1) == channels && weight.size(2) == kStridedTaps, "[", where,
                "] expected maps [B,", channels, ",H,W]; got ", shape_text(x));
}

}  // namespace

Tensor strided_conv(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation) {
  check_maps("strided_conv", x, weight.size(1), weight);
  SEXTANT_CHECK(x.size(2) % 2 == 0 && x.size(3) % 2 == 0, "[strided_conv] H and W must be even; got ", shape_text(x),
                "; crop or pad the maps");
  return runs_ours(x, weight) ? convolve(x, weight, if_defined(bias), activation)
                              : activate(at::conv2d(x, weight, bias, 2, 1), activation);
}

Tensor transposed_conv(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation) {
  check_maps("transposed_conv", x, weight.size(0), weight);
  if (runs_ours(x, weight)) return activate(transpose(x, weight, if_defined(bias)), activation);
  return activate(at::conv_transpose2d(x, weight, bias, 2, 1), activation);
}

StridedConvImpl::StridedConvImpl(int64_t in, int64_t out, Activation activation) : activation_(activation) {
  const double bound = 1 / std::sqrt(static_cast<double>(in * kStridedTaps * kStridedTaps));
  weight = register_parameter("weight", torch::empty({out, in, kStridedTaps, kStridedTaps}).uniform_(-bound, bound));
  bias = register_parameter("bias", torch::empty({out}).uniform_(-bound, bound));
}

TransposedConvImpl::TransposedConvImpl(int64_t in, int64_t out, bool with_bias) {
  const double bound = 1 / std::sqrt(static_cast<double>(out * kStridedTaps * kStridedTaps));
  weight = register_parameter("weight", torch::empty({in, out, kStridedTaps, kStridedTaps}).uniform_(-bound, bound));
  if (with_bias) bias = register_parameter("bias", torch::empty({out}).uniform_(-bound, bound));
}

}  // namespace sextant
