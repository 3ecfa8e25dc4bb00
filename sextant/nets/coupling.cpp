#include "sextant/nets/coupling.h"

#include "sextant/kernels/coupling.h"
#include "sextant/tensor/plain.h"
#include "sextant/tensor/recorded.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// [C] as [1,C,1,…], so that it broadcasts over `like` [B,C,…].
Tensor per_channel(const Tensor& values, const Tensor& like) {
  std::vector<int64_t> shape(static_cast<size_t>(like.dim()), 1);
  shape[1] = values.size(0);
  return values.view(shape);
}

// s (0 where the mask is 1) and t (the same) of h.
std::pair<Tensor, Tensor> scale_and_shift(const Tensor& h, const Tensor& scale, const Tensor& mask) {
  const auto halves = h.chunk(2, 1);
  const Tensor changed = 1 - mask;
  return {changed * per_channel(scale, h) * halves[0].tanh(), changed * halves[1]};
}

variable_list couple_in_steps(const Tensor& x, const Tensor& h, const Tensor& scale, const Tensor& mask) {
  const auto [s, t] = scale_and_shift(h, scale, mask);
  return {x * s.exp() + t, s.flatten(1).sum(1)};
}

// Rows of pixels, whatever the layout that came: a map [B,C,H,W] channels last, points [B,D] as they are.
Tensor rows(const Tensor& x) { return x.dim() == 4 ? channels_last(x) : x.contiguous(); }
Tensor empty_rows(const Tensor& like) {
  return like.dim() == 4 ? at::empty(like.sizes(), like.options(), at::MemoryFormat::ChannelsLast)
                         : at::empty(like.sizes(), like.options());
}

// y and log|det|. `mask` as an item, `pixels` the same in rows of pixels.
class FastCoupling : public torch::autograd::Function<FastCoupling> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& x_any, const Tensor& h_any, const Tensor& scale,
                               const Tensor& mask, const Tensor& pixels) {
    const Tensor x = rows(x_any), h = rows(h_any), y = empty_rows(x);
    const Tensor log_det = at::empty({x.size(0)}, x.options());
    kernels::coupling_forward(shape(x), floats_in(x), floats_in(h), floats_in(scale), floats_in(pixels), floats_out(y),
                              floats_out(log_det));
    context->save_for_backward({x_any, h_any, scale});
    context->saved_data["mask"] = mask;
    context->saved_data["pixels"] = pixels;
    return {y, log_det};
  }

  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    const Tensor mask = context->saved_data["mask"].toTensor(), pixels = context->saved_data["pixels"].toTensor();
    variable_list gradients;
    if (at::GradMode::is_enabled()) {
      gradients = recorded_backward(saved, upstream, [&](const variable_list& inputs) {
        return couple_in_steps(inputs[0], inputs[1], inputs[2], mask);
      });
    } else {
      const Tensor x = rows(saved[0]), h = rows(saved[1]), dy = rows(upstream[0]), dl = upstream[1].contiguous();
      gradients = {empty_rows(x), empty_rows(h), at::empty_like(saved[2])};
      kernels::coupling_backward(shape(x), floats_in(x), floats_in(h), floats_in(saved[2]), floats_in(pixels),
                                 floats_in(dy), floats_in(dl), floats_out(gradients[0]), floats_out(gradients[1]),
                                 floats_out(gradients[2]));
    }
    gradients.resize(5);
    return gradients;
  }

 private:
  static kernels::CouplingShape shape(const Tensor& x) {
    return {.batch = x.size(0), .pixels = x.dim() == 4 ? x.size(2) * x.size(3) : 1, .channels = x.size(1)};
  }
};

// The whole coupling of points as one step of autograd: at 512 points the bookkeeping of a net in many steps costs as
// much as its products. `net`: weight and bias of each linear layer in turn.
class FastPointCoupling : public torch::autograd::Function<FastPointCoupling> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& x_any, const Tensor& scale, const Tensor& mask,
                               at::TensorList net) {
    const Tensor x = x_any.contiguous(), y = at::empty_like(x), log_det = at::empty({x.size(0)}, x.options());
    variable_list saved = {x_any, scale};  // not its copy, which knows no gradient
    saved.insert(saved.end(), net.begin(), net.end());
    Tensor h = x * mask;
    for (size_t i = 0; i + 1 < net.size(); i += 2) {
      const Tensor next = at::empty({x.size(0), net[i].size(0)}, x.options());
      kernels::linear_forward(layer(h, net[i]), floats_in(h), floats_in(net[i]), floats_in(net[i + 1]),
                              activation(i, net.size()), floats_out(next));
      saved.push_back(h);
      h = next;
    }
    saved.push_back(h);
    kernels::coupling_forward(shape(x), floats_in(x), floats_in(h), floats_in(scale), floats_in(mask), floats_out(y),
                              floats_out(log_det));
    context->save_for_backward(saved);
    context->saved_data["mask"] = mask;
    context->saved_data["net"] = static_cast<int64_t>(net.size());
    return {y, log_det};
  }

  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    const Tensor mask = context->saved_data["mask"].toTensor(), &scale = saved[1];
    const auto size = static_cast<size_t>(context->saved_data["net"].toInt());
    const variable_list inputs(saved.begin(), saved.begin() + 2 + static_cast<std::ptrdiff_t>(size));
    if (at::GradMode::is_enabled()) {
      variable_list found = recorded_backward(inputs, upstream, [&](const variable_list& arguments) {
        Tensor h = arguments[0] * mask;
        for (size_t i = 0; i + 1 < size; i += 2) h = linear(h, arguments[2 + i], arguments[3 + i], activation(i, size));
        return couple_in_steps(arguments[0], h, arguments[1], mask);
      });
      found.insert(found.begin() + 2, Tensor());
      return found;
    }
    const Tensor x = saved[0].contiguous(), dy = upstream[0].contiguous(), dl = upstream[1].contiguous();
    const Tensor dx = at::empty_like(x);
    variable_list gradients(3 + size);
    gradients[0] = dx;
    gradients[1] = at::empty_like(scale);
    Tensor d = at::empty_like(saved.back());
    kernels::coupling_backward(shape(x), floats_in(x), floats_in(saved.back()), floats_in(scale), floats_in(mask),
                               floats_in(dy), floats_in(dl), floats_out(dx), floats_out(d), floats_out(gradients[1]));
    for (size_t i = size; i > 0; i -= 2) {
      const Tensor &weight = inputs[i], &h = saved[2 + size + i / 2 - 1];
      gradients[i + 1] = at::empty_like(weight);
      gradients[i + 2] = at::empty_like(inputs[i + 1]);
      const Tensor dh = i > 2 || context->needs_input_grad(0) ? at::empty_like(h) : Tensor();
      // Each layer hands down what has passed the ReLU below it, so that none needs a mask of its own.
      kernels::linear_backward(layer(h, weight), floats_in(h), floats_in(weight), nullptr, floats_in(d),
                               Activation::kNone,
                               {.x = floats_out(dh),
                                .weight = floats_out(gradients[i + 1]),
                                .bias = floats_out(gradients[i + 2]),
                                .through_relu = i > 2});
      d = dh;
    }
    if (d.defined()) dx.addcmul_(d, mask);
    return gradients;
  }

 private:
  static kernels::CouplingShape shape(const Tensor& x) {
    return {.batch = x.size(0), .pixels = 1, .channels = x.size(1)};
  }
  static kernels::LinearShape layer(const Tensor& x, const Tensor& weight) {
    return {.batch = x.size(0), .in = weight.size(1), .out = weight.size(0)};
  }
  static Activation activation(size_t at, size_t size) { return at + 2 < size ? Activation::kRelu : Activation::kNone; }
};

// From `dimensions` to s and t for each, layer after layer.
void check_widths(const std::vector<Tensor>& net, int64_t dimensions) {
  int64_t width = dimensions;
  for (size_t i = 0; i + 1 < net.size(); i += 2) {
    SEXTANT_CHECK(net[i].dim() == 2 && net[i].size(1) == width && net[i + 1].numel() == net[i].size(0),
                  "[coupling] layer ", i / 2, " of the conditioner must take ", width, " numbers; its weight is ",
                  shape_text(net[i]), ", its bias ", shape_text(net[i + 1]));
    width = net[i].size(0);
  }
  SEXTANT_CHECK(width == 2 * dimensions, "[coupling] the conditioner must answer with ", 2 * dimensions,
                " numbers, s and t for each; it gives ", width);
}

}  // namespace

MlpConditioner::MlpConditioner(int64_t dimensions, const std::vector<int64_t>& hidden) {
  std::vector<int64_t> widths = {dimensions};
  widths.insert(widths.end(), hidden.begin(), hidden.end());
  widths.push_back(2 * dimensions);
  net_ = register_module("net", Mlp(widths));
  net_->zero_output_();
}

ConvConditioner::ConvConditioner(int64_t channels, int64_t width, int64_t blocks) {
  in_ = register_module("in", Conv2d(ConvOptions{.in = channels, .out = width}));
  for (int64_t i = 0; i < blocks; ++i)
    blocks_.push_back(
        {.norm1 = register_module(concat("norm", i, "_1"), GroupNorm(kGroups, width)),
         .norm2 = register_module(concat("norm", i, "_2"), GroupNorm(kGroups, width)),
         .conv1 = register_module(concat("conv", i, "_1"), Conv2d(ConvOptions{.in = width, .out = width})),
         .conv2 = register_module(concat("conv", i, "_2"), Conv2d(ConvOptions{.in = width, .out = width}))});
  out_norm_ = register_module("out_norm", GroupNorm(kGroups, width));
  out_ = register_module("out", Conv2d(ConvOptions{.in = width, .out = 2 * channels, .zero_init = true}));
}

Tensor ConvConditioner::forward(const Tensor& x) {
  Tensor h = in_->forward(x);
  for (Block& block : blocks_)
    h = block.conv2->forward(block.norm2->forward(block.conv1->forward(block.norm1->forward(h))), h);
  return out_->forward(out_norm_->forward(h));
}

Tensor alternating_mask(int64_t dimensions, int64_t parity) {
  return ((torch::arange(dimensions) + parity) % 2 == 0).to(at::kFloat);
}

Tensor checkerboard_mask(int64_t channels, int64_t height, int64_t width, int64_t parity) {
  const Tensor sum = torch::arange(height).view({height, 1}) + torch::arange(width) + parity;
  return (sum % 2 == 0).to(at::kFloat).expand({channels, height, width}).contiguous();
}

Tensor channel_mask(int64_t channels, int64_t height, int64_t width, int64_t parity) {
  const Tensor first = torch::arange(channels) < channels / 2;
  return (first == (parity % 2 == 0))
      .to(at::kFloat)
      .view({channels, 1, 1})
      .expand({channels, height, width})
      .contiguous();
}

AffineCoupling::AffineCoupling(const Tensor& mask, std::shared_ptr<Conditioner> conditioner)
    : mask_(mask.contiguous()),
      mask_pixel_(mask.dim() == 3 ? mask.permute({1, 2, 0}).contiguous() : mask_),
      conditioner_(register_module("conditioner", std::move(conditioner))) {
  const bool shaped = mask.dim() == 1 || mask.dim() == 3;
  SEXTANT_CHECK(shaped && ((mask == 0) | (mask == 1)).all().item<bool>(),
                "[coupling] needs a mask [D] or [C,H,W] of zeros and ones; got ", shape_text(mask));
  SEXTANT_USAGE_CHECK(mask.min().item<float>() == 0 && mask.max().item<float>() == 1,
                      "[coupling] the mask must let some numbers pass and change others, but items of shape ",
                      shape_text(mask), " do not split in two; give items of at least two numbers");
  scale_ = register_parameter("scale", torch::ones({mask.size(0)}));
}

Mapped AffineCoupling::forward_and_log_det(const Tensor& x) {
  check_items("coupling", x, mask_.sizes());
  const Tensor mask = mask_.to(x.options());
  const bool ours = is_plain(x) && is_plain(scale_);
  variable_list result;
  if (const std::vector<Tensor> net = conditioner_->linear_layers(); ours && x.dim() == 2 && !net.empty()) {
    check_widths(net, x.size(1));
    result = FastPointCoupling::apply(x, scale_, mask, at::TensorList(net));
  } else {
    const Tensor h = conditioner_->forward(x * mask);
    std::vector<int64_t> wanted = x.sizes().vec();
    wanted[1] *= 2;
    SEXTANT_CHECK(h.sizes() == at::IntArrayRef(wanted), "[coupling] the conditioner must answer with ",
                  shape_text(at::IntArrayRef(wanted)), ", s and t for each number; it gave ", shape_text(h));
    result = ours ? FastCoupling::apply(x, h, scale_, mask, mask_pixel_) : couple_in_steps(x, h, scale_, mask);
  }
  return {.value = result[0], .log_det = result[1]};
}

Mapped AffineCoupling::inverse_and_log_det(const Tensor& z) {
  check_items("coupling", z, mask_.sizes());
  const Tensor mask = mask_.to(z.options());
  const auto [s, t] = scale_and_shift(conditioner_->forward(z * mask), scale_, mask);
  return {.value = (z - t) * (-s).exp(), .log_det = -s.flatten(1).sum(1)};
}

}  // namespace sextant
