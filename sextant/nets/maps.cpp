#include "sextant/nets/maps.h"

#include "sextant/kernels/group_norm.h"
#include "sextant/kernels/resample.h"
#include "sextant/nets/conv.h"
#include "sextant/tensor/plain.h"
#include "sextant/tensor/recorded.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kEps = 1e-5;  // LibTorch's default

kernels::GroupNormShape norm_shape(const Tensor& x, int64_t groups, bool silu) {
  return {.batch = x.size(0),
          .pixels = x.size(2) * x.size(3),
          .channels = x.size(1),
          .groups = groups,
          .silu = silu,
          .eps = kEps};
}

Tensor norm_in_steps(const Tensor& x, const Tensor& before, const Tensor& gamma, const Tensor& beta, int64_t groups,
                     bool silu) {
  const Tensor y = at::group_norm(before.defined() ? add_to_pixels(x, before) : x, groups, gamma, beta, kEps);
  return silu ? at::silu(y) : y;
}

// Nothing is kept that the backward pass does not read: shift and residual are linear, and a map at full resolution is
// 26 MB at batch 128.
class FastGroupNorm : public torch::autograd::Function<FastGroupNorm> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x_any, const std::optional<Tensor>& before_any,
                        const Tensor& gamma, const Tensor& beta, const std::optional<Tensor>& shift_any,
                        const std::optional<Tensor>& residual_any, int64_t groups, bool silu) {
    const Tensor x = channels_last(x_any), y = at::empty_like(x);
    const Tensor before = before_any ? before_any->contiguous() : Tensor();
    const Tensor shift = shift_any ? shift_any->contiguous() : Tensor();
    const Tensor residual = residual_any ? channels_last(*residual_any) : Tensor();
    const Tensor statistics = at::empty({2, x.size(0), groups}, x.options());  // mean, 1/sqrt(variance + eps)
    kernels::group_norm_silu(
        norm_shape(x, groups, silu),
        {.x = floats_in(x),
         .before = floats_in(before),
         .gamma = floats_in(gamma),
         .beta = floats_in(beta),
         .shift = floats_in(shift),
         .residual = floats_in(residual)},
        {.y = floats_out(y), .mean = floats_out(statistics[0]), .rstd = floats_out(statistics[1])});
    context->save_for_backward({x_any, before_any.value_or(Tensor()), gamma, beta, statistics});
    context->saved_data["groups"] = groups;
    context->saved_data["silu"] = silu;
    context->saved_data["shift"] = shift.defined();
    context->saved_data["residual"] = residual.defined();
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    auto saved = context->get_saved_variables();
    const Tensor statistics = saved.back();
    saved.pop_back();
    const int64_t groups = context->saved_data["groups"].toInt();
    const bool silu = context->saved_data["silu"].toBool(), shift = context->saved_data["shift"].toBool();
    variable_list gradients;
    if (at::GradMode::is_enabled()) {
      gradients = recorded_backward(saved, upstream, [&](const variable_list& inputs) {
        return variable_list{norm_in_steps(inputs[0], inputs[1], inputs[2], inputs[3], groups, silu)};
      });
      gradients.resize(8);
      if (shift) gradients[4] = upstream[0].sum({2, 3});
    } else {
      const Tensor x = channels_last(saved[0]), dy = channels_last(upstream[0]);
      const Tensor before = saved[1].defined() ? saved[1].contiguous() : Tensor();
      const auto item_row = [&](bool wanted) {
        return wanted ? at::empty({x.size(0), x.size(1)}, x.options()) : Tensor();
      };
      gradients = {at::empty_like(x), item_row(before.defined()), at::empty_like(saved[2]), at::empty_like(saved[3]),
                   item_row(shift)};
      gradients.resize(8);
      kernels::group_norm_silu_backward(
          norm_shape(x, groups, silu),
          {.x = floats_in(x), .before = floats_in(before), .gamma = floats_in(saved[2]), .beta = floats_in(saved[3])},
          floats_in(statistics[0]), floats_in(statistics[1]), floats_in(dy),
          {.x = floats_out(gradients[0]),
           .before = floats_out(gradients[1]),
           .gamma = floats_out(gradients[2]),
           .beta = floats_out(gradients[3]),
           .shift = floats_out(gradients[4])});
    }
    if (context->saved_data["residual"].toBool()) gradients[5] = upstream[0];
    return gradients;
  }
};

class FastMaxPool : public torch::autograd::Function<FastMaxPool> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x_any) {
    const Tensor x = channels_last(x_any);
    const Tensor y =
        at::empty({x.size(0), x.size(1), x.size(2) / 2, x.size(3) / 2}, x.options(), at::MemoryFormat::ChannelsLast);
    const Tensor place = at::empty({y.numel()}, x.options().dtype(at::kByte));
    kernels::max_pool(shape(x), floats_in(x), floats_out(y), place.data_ptr<uint8_t>());
    context->save_for_backward({place});
    context->saved_data["height"] = x.size(2);
    context->saved_data["width"] = x.size(3);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const Tensor place = context->get_saved_variables()[0], &dy = upstream[0];
    const int64_t height = context->saved_data["height"].toInt(), width = context->saved_data["width"].toInt();
    if (at::GradMode::is_enabled()) return {spread(dy, place, height, width)};
    const Tensor dx = at::empty({dy.size(0), dy.size(1), height, width}, dy.options(), at::MemoryFormat::ChannelsLast);
    kernels::max_pool_backward(shape(dx), floats_in(channels_last(dy)), place.const_data_ptr<uint8_t>(),
                               floats_out(dx));
    return {dx};
  }

 private:
  static kernels::PoolShape shape(const Tensor& x) {
    return {.batch = x.size(0), .height = x.size(2), .width = x.size(3), .channels = x.size(1)};
  }
  // The backward pass in LibTorch's operations: each number to its place of four; what an odd side left out gets zero.
  static Tensor spread(const Tensor& dy, const Tensor& place, int64_t height, int64_t width) {
    const int64_t B = dy.size(0), C = dy.size(1), H = dy.size(2), W = dy.size(3);
    const Tensor at_place = place.view({B, H, W, C}).permute({0, 3, 1, 2});
    std::vector<Tensor> quarters;
    for (int64_t k = 0; k < 4; ++k) quarters.push_back(dy * (at_place == k));
    const Tensor squares = at::stack(quarters, 4).view({B, C, H, W, 2, 2}).permute({0, 1, 2, 4, 3, 5});
    return at::constant_pad_nd(squares.reshape({B, C, 2 * H, 2 * W}), {0, width - 2 * W, 0, height - 2 * H});
  }
};

Tensor upsample_concat_in_steps(const Tensor& low, const Tensor& skip) {
  const auto size = skip.sizes().slice(2);
  return at::cat({low.sizes().slice(2) == size ? low : at::upsample_nearest2d(low, size), skip}, 1);
}

class FastUpsampleConcat : public torch::autograd::Function<FastUpsampleConcat> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& low_any, const Tensor& skip_any) {
    const Tensor low = channels_last(low_any), skip = channels_last(skip_any);
    const Tensor y = at::empty({skip.size(0), low.size(1) + skip.size(1), skip.size(2), skip.size(3)}, skip.options(),
                               at::MemoryFormat::ChannelsLast);
    kernels::upsample_concat(shape(low, skip), floats_in(low), floats_in(skip), floats_out(y));
    context->saved_data["low"] = low.sizes().vec();
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto low = context->saved_data["low"].toIntVector();
    const Tensor& dy = upstream[0];
    const int64_t channels = low[1], skip_channels = dy.size(1) - channels, factor = dy.size(2) / low[2];
    if (at::GradMode::is_enabled())
      return {at::avg_pool2d(dy.narrow(1, 0, channels), factor) * (factor * factor),
              dy.narrow(1, channels, skip_channels)};
    const Tensor dlow = at::empty(low, dy.options(), at::MemoryFormat::ChannelsLast);
    const Tensor dskip =
        at::empty({dy.size(0), skip_channels, dy.size(2), dy.size(3)}, dy.options(), at::MemoryFormat::ChannelsLast);
    kernels::upsample_concat_backward(shape(dlow, dskip), floats_in(channels_last(dy)), floats_out(dlow),
                                      floats_out(dskip));
    return {dlow, dskip};
  }

 private:
  static kernels::ConcatShape shape(const Tensor& low, const Tensor& skip) {
    return {.batch = skip.size(0),
            .height = skip.size(2),
            .width = skip.size(3),
            .low_channels = low.size(1),
            .skip_channels = skip.size(1),
            .factor = skip.size(2) / low.size(2)};
  }
};

}  // namespace

GroupNormImpl::GroupNormImpl(int64_t groups, int64_t channels, bool silu) : groups_(groups), silu_(silu) {
  SEXTANT_USAGE_CHECK(groups >= 1 && channels % groups == 0, "[group_norm] ", channels, " channels do not split into ",
                      groups, " groups; choose groups that divide every width");
  weight = register_parameter("weight", torch::ones({channels}));
  bias = register_parameter("bias", torch::zeros({channels}));
}

Tensor GroupNormImpl::forward(const Tensor& x, const NormExtras& extras) {
  SEXTANT_CHECK(x.dim() == 4 && x.size(1) == weight.size(0), "[group_norm] expected maps [B,", weight.size(0),
                ",H,W]; got ", shape_text(x));
  if (!is_plain(x) || !is_plain(weight)) {
    Tensor y = norm_in_steps(x, extras.before, weight, bias, groups_, silu_);
    if (extras.shift.defined()) y = add_to_pixels(y, extras.shift);
    return extras.residual.defined() ? y + extras.residual : y;
  }
  const std::vector<int64_t> item_and_channel = {x.size(0), x.size(1)};
  for (const Tensor* extra : {&extras.before, &extras.shift, &extras.residual}) {
    const at::IntArrayRef wanted = extra == &extras.residual ? x.sizes() : at::IntArrayRef(item_and_channel);
    SEXTANT_CHECK(!extra->defined() || (is_plain(*extra) && extra->sizes() == wanted), "[group_norm] expected ",
                  shape_text(wanted), " to join maps ", shape_text(x), "; got ", shape_text(*extra));
  }
  return FastGroupNorm::apply(x, if_defined(extras.before), weight, bias, if_defined(extras.shift),
                              if_defined(extras.residual), groups_, silu_);
}

Tensor max_pool2(const Tensor& x) {
  SEXTANT_CHECK(x.dim() == 4 && x.size(2) >= 2 && x.size(3) >= 2,
                "[max_pool] needs maps of at least 2 x 2 pixels; got ", shape_text(x));
  return is_plain(x) ? FastMaxPool::apply(x) : at::max_pool2d(x, 2);
}

Tensor upsample_concat(const Tensor& low, const Tensor& skip) {
  const bool fits = low.dim() == 4 && skip.dim() == 4 && low.size(0) == skip.size(0) && low.size(2) >= 1 &&
                    low.size(3) >= 1 && skip.size(2) % low.size(2) == 0 && skip.size(3) % low.size(3) == 0 &&
                    skip.size(2) / low.size(2) == skip.size(3) / low.size(3);
  SEXTANT_CHECK(fits, "[upsample] ", shape_text(low), " does not enlarge by a whole factor to ", shape_text(skip),
                "; a size that is halved must come back: choose pictures whose sides halve evenly, or fewer levels");
  return is_plain(low) && is_plain(skip) ? FastUpsampleConcat::apply(low, skip) : upsample_concat_in_steps(low, skip);
}

Tensor upsample(const Tensor& x, int64_t factor) {
  SEXTANT_CHECK(x.dim() == 4 && factor >= 1, "[upsample] expected maps [B,C,H,W] and a factor of 1 or more; got ",
                shape_text(x), " and ", factor);
  return upsample_concat(x, at::empty({x.size(0), 0, factor * x.size(2), factor * x.size(3)}, x.options()));
}

Tensor add_to_pixels(const Tensor& x, const Tensor& shift) { return x + shift.view({x.size(0), x.size(1), 1, 1}); }

Tensor dropout(const Tensor& x, double p, Rng& rng) {
  SEXTANT_CHECK(p >= 0 && p < 1, "[dropout] the probability must be in [0,1); got ", p);
  if (p == 0) return x;
  const Tensor keep = (rng.uniform(x.sizes()).to(x.device()) >= p).to(x.scalar_type());
  return x * keep.mul_(1 / (1 - p));
}

}  // namespace sextant
