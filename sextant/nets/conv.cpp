#include "sextant/nets/conv.h"

#include <cmath>

#include "sextant/kernels/edge_conv.h"
#include "sextant/kernels/winograd.h"
#include "sextant/nets/layers.h"
#include "sextant/tensor/plain.h"
#include "sextant/tensor/precision.h"
#include "sextant/tensor/recorded.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

using kernels::ConvPass;
using kernels::ConvShape;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor map_like(const Tensor& x, int64_t channels) {
  return at::empty({x.size(0), channels, x.size(2), x.size(3)}, x.options(), at::MemoryFormat::ChannelsLast);
}

ConvShape shape_of(const Tensor& x, int64_t out) {
  return {.batch = x.size(0), .height = x.size(2), .width = x.size(3), .in = x.size(1), .out = out};
}

// Where a network meets the picture.
bool is_edge(const Tensor& weight) { return std::min(weight.size(0), weight.size(1)) <= kernels::kFewChannels; }

// Into `buffer`, which grows as needed: one for all layers while training, so that these megabytes leave no holes
// between activations.
Tensor transform(const Tensor& weight, ConvPass pass, Precision precision, Tensor& buffer) {
  const int64_t in = weight.size(1), out = weight.size(0);
  const int64_t size = kernels::winograd_weights_size(in, out, pass, precision);
  if (!buffer.defined() || buffer.numel() < size) buffer = at::empty({size}, weight.options());
  const Tensor transformed = buffer.narrow(0, 0, size);
  kernels::winograd_weights(kernels::contiguous_filter(floats_in(weight), in), in, out, pass, floats_out(transformed),
                            precision);
  return transformed;
}

Tensor& training_buffer() {
  static thread_local Tensor buffer;
  return buffer;
}

// y = conv(x) + bias + residual with our kernels; `transformed` is needed away from the edge only.
Tensor convolve(const Tensor& x, const Tensor& weight, const Tensor& transformed, const Tensor& bias,
                const Tensor& residual, Precision precision) {
  const Tensor y = map_like(x, weight.size(0));
  const ConvShape shape = shape_of(x, weight.size(0));
  if (is_edge(weight)) {
    kernels::edge_convolve(shape, floats_in(x), kernels::contiguous_filter(floats_in(weight), weight.size(1)),
                           floats_in(bias), floats_out(y));
    return residual.defined() ? y + residual : y;
  }
  kernels::winograd_convolve(shape, floats_in(x), floats_in(transformed), floats_in(bias), floats_in(residual),
                             floats_out(y), precision);
  return y;
}

// dx + passed.
Tensor data_gradient(const Tensor& x, const Tensor& weight, const Tensor& dy, const Tensor& passed,
                     Precision precision) {
  const Tensor dx = map_like(x, x.size(1));
  ConvShape shape = shape_of(x, weight.size(0));
  if (is_edge(weight)) {
    kernels::edge_data_gradient(shape, floats_in(dy), kernels::contiguous_filter(floats_in(weight), weight.size(1)),
                                floats_out(dx));
    return passed.defined() ? dx + passed : dx;
  }
  std::swap(shape.in, shape.out);
  const Tensor transformed = transform(weight, ConvPass::kBackwardData, precision, training_buffer());
  kernels::winograd_convolve(shape, floats_in(dy), floats_in(transformed), nullptr, floats_in(passed), floats_out(dx),
                             precision);
  return dx;
}

// conv(x) + residual and, where `pass`, x itself as a second output.
class FastConv : public torch::autograd::Function<FastConv> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& x_any, const Tensor& weight, const Tensor& bias,
                               const std::optional<Tensor>& residual, bool pass) {
    const Precision precision = product_precision();
    const Tensor transformed =
        is_edge(weight) ? Tensor() : transform(weight, ConvPass::kForward, precision, training_buffer());
    context->save_for_backward({x_any, weight, bias});  // the residual is linear: nothing to keep
    context->saved_data["residual"] = residual.has_value();
    context->saved_data["precision"] = static_cast<int64_t>(precision);  // the scope may end before the backward pass
    const Tensor y = convolve(channels_last(x_any), weight, transformed, bias,
                              residual ? channels_last(*residual) : Tensor(), precision);
    return pass ? variable_list{y, x_any} : variable_list{y};
  }

  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    const bool pass = upstream.size() == 2;
    variable_list gradients(4);
    if (at::GradMode::is_enabled()) {
      gradients = recorded_backward(saved, upstream, [&](const variable_list& in) {
        const Tensor y = at::conv2d(in[0], in[1], in[2], 1, 1);
        return pass ? variable_list{y, in[0].view_as(in[0])} : variable_list{y};
      });
    } else {
      const Tensor x = channels_last(saved[0]), &weight = saved[1], dy = channels_last(upstream[0]);
      const auto precision = static_cast<Precision>(context->saved_data["precision"].toInt());
      if (context->needs_input_grad(0))
        gradients[0] = data_gradient(x, weight, dy, pass ? channels_last(upstream[1]) : Tensor(), precision);
      gradients[1] = at::empty_like(weight);
      gradients[2] = at::empty({weight.size(0)}, weight.options());
      const ConvShape shape = shape_of(x, weight.size(0));
      const float *from_x = floats_in(x), *from_dy = floats_in(dy);
      float *dw = gradients[1].data_ptr<float>(), *db = gradients[2].data_ptr<float>();
      if (is_edge(weight)) {
        kernels::edge_weight_gradient(shape, from_x, from_dy, dw, db);
      } else {
        kernels::winograd_weight_gradient(shape, from_x, from_dy, dw, db, precision);
      }
    }
    gradients.resize(5);
    if (context->saved_data["residual"].toBool()) gradients[3] = upstream[0];
    return gradients;
  }
};

// 1x1: a matrix product over all pixels.
Tensor pointwise(const Tensor& x_any, const Tensor& weight, const Tensor& bias) {
  const Tensor x = channels_last(x_any), rows = x.permute({0, 2, 3, 1}).view({-1, x.size(1)});  // [B H W, C]
  const Tensor w = weight.view({weight.size(0), weight.size(1)});
  const Tensor y = linear(rows, w, bias, Activation::kNone, product_precision());
  return y.view({x.size(0), x.size(2), x.size(3), weight.size(0)}).permute({0, 3, 1, 2});
}

}  // namespace

Tensor channels_last(const Tensor& x) {
  if (x.is_contiguous(at::MemoryFormat::ChannelsLast)) return x;
  // Not Tensor::contiguous: with one channel or one pixel it may answer with strides of the other layout.
  return at::empty(x.sizes(), x.options(), at::MemoryFormat::ChannelsLast).copy_(x);
}

Conv2dImpl::Conv2dImpl(const ConvOptions& options) : options_(options) {
  SEXTANT_CHECK(options.in >= 1 && options.out >= 1 && options.size >= 1 && options.stride >= 1,
                "[conv] channels, size and stride must be at least 1; got ", options.in, " -> ", options.out, ", ",
                options.size, " x ", options.size, ", stride ", options.stride);
  const double bound =
      options.zero_init ? 0.0 : 1.0 / std::sqrt(static_cast<double>(options.in * options.size * options.size));
  weight = register_parameter(
      "weight", torch::empty({options.out, options.in, options.size, options.size}).uniform_(-bound, bound));
  bias = register_parameter("bias", torch::empty({options.out}).uniform_(-bound, bound));
}

bool Conv2dImpl::runs_ours(const Tensor& x) const {
  return is_plain(x) && is_plain(weight) && weight.is_contiguous() && options_.stride == 1;
}

Tensor Conv2dImpl::infer(const Tensor& x, const Tensor& residual) {
  const std::pair kind{weight._version(), product_precision()};
  if (!is_edge(weight) && (!transformed_.defined() || transformed_kind_ != kind)) {
    transform(weight, ConvPass::kForward, kind.second, transformed_);
    transformed_kind_ = kind;
  }
  return convolve(channels_last(x), weight, transformed_, bias, residual.defined() ? channels_last(residual) : Tensor(),
                  kind.second);
}

Tensor Conv2dImpl::forward(const Tensor& x, const Tensor& residual) {
  SEXTANT_CHECK(x.dim() == 4 && x.size(1) == options_.in, "[conv] expected maps [B,", options_.in, ",H,W]; got ",
                shape_text(x));
  if (runs_ours(x) && options_.size == 3) {
    const std::vector<int64_t> maps = {x.size(0), options_.out, x.size(2), x.size(3)};
    SEXTANT_CHECK(!residual.defined() || (is_plain(residual) && residual.sizes() == at::IntArrayRef(maps)),
                  "[conv] expected a residual like the result, ", shape_text(at::IntArrayRef(maps)), "; got ",
                  shape_text(residual));
    return at::GradMode::is_enabled() ? FastConv::apply(x, weight, bias, if_defined(residual), false)[0]
                                      : infer(x, residual);
  }
  const Tensor y = runs_ours(x) && options_.size == 1
                       ? pointwise(x, weight, bias)
                       : at::conv2d(x, weight, bias, options_.stride, (options_.size - 1) / 2);
  return residual.defined() ? y + residual : y;
}

std::pair<Tensor, Tensor> Conv2dImpl::forward_and_pass(const Tensor& x) {
  if (!at::GradMode::is_enabled() || !runs_ours(x) || options_.size != 3 || !x.requires_grad()) return {forward(x), x};
  SEXTANT_CHECK(x.dim() == 4 && x.size(1) == options_.in, "[conv] expected maps [B,", options_.in, ",H,W]; got ",
                shape_text(x));
  const auto outputs = FastConv::apply(x, weight, bias, std::nullopt, true);
  return {outputs[0], outputs[1]};
}

int64_t Conv2dImpl::multiply_adds(int64_t height, int64_t width) const {
  const int64_t pixels = ((height - 1) / options_.stride + 1) * ((width - 1) / options_.stride + 1);
  return pixels * weight.numel();
}

}  // namespace sextant
