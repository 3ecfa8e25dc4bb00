#include "sextant/nets/maps.h"

#include <torch/torch.h>

#include "sextant/kernels/group_norm.h"
#include "sextant/kernels/resample.h"
#include "sextant/nets/conv.h"
#include "sextant/nets/recorded.h"
#include "sextant/tensor/shape.h"

namespace sextant {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kEps = 1e-5;  // LibTorch's default

bool is_plain(const Tensor& t) { return t.device().is_cpu() && t.scalar_type() == at::kFloat; }
const float* in(const Tensor& t) { return t.defined() ? t.const_data_ptr<float>() : nullptr; }
float* out(const Tensor& t) { return t.defined() ? t.data_ptr<float>() : nullptr; }

kernels::GroupNormShape norm_shape(const Tensor& x, int64_t groups) {
  return {.batch = x.size(0), .pixels = x.size(2) * x.size(3), .channels = x.size(1), .groups = groups, .eps = kEps};
}

Tensor norm_in_steps(const variable_list& inputs, int64_t groups, bool silu) {
  Tensor y = at::group_norm(inputs[0], groups, inputs[1], inputs[2], kEps);
  if (silu) y = at::silu(y);
  if (inputs[3].defined()) y = add_to_pixels(y, inputs[3]);
  return inputs[4].defined() ? y + inputs[4] : y;
}

class FastGroupNorm : public torch::autograd::Function<FastGroupNorm> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x_any, const Tensor& gamma, const Tensor& beta,
                        const std::optional<Tensor>& shift_any, const std::optional<Tensor>& residual_any,
                        int64_t groups, bool silu) {
    const Tensor x = channels_last(x_any), y = at::empty_like(x);
    const Tensor shift = shift_any ? shift_any->contiguous() : Tensor();
    const Tensor residual = residual_any ? channels_last(*residual_any) : Tensor();
    const Tensor statistics = at::empty({2, x.size(0), groups}, x.options());  // mean, 1/sqrt(variance + eps)
    kernels::group_norm_silu(norm_shape(x, groups), silu, in(x), in(gamma), in(beta), in(shift), in(residual), out(y),
                             out(statistics[0]), out(statistics[1]));
    context->save_for_backward({x_any, gamma, beta, shift, residual_any.value_or(Tensor()), statistics});
    context->saved_data["groups"] = groups;
    context->saved_data["silu"] = silu;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    auto saved = context->get_saved_variables();
    const int64_t groups = context->saved_data["groups"].toInt();
    const bool silu = context->saved_data["silu"].toBool();
    const Tensor statistics = saved.back();
    saved.pop_back();
    variable_list gradients;
    if (at::GradMode::is_enabled()) {
      gradients = recorded_backward(saved, upstream, [&](const variable_list& inputs) {
        return variable_list{norm_in_steps(inputs, groups, silu)};
      });
    } else {
      const Tensor x = channels_last(saved[0]), dy = channels_last(upstream[0]);
      gradients = {at::empty_like(x), at::empty_like(saved[1]), at::empty_like(saved[2]), Tensor(), Tensor()};
      if (saved[3].defined()) gradients[3] = at::empty_like(saved[3]);
      if (saved[4].defined()) gradients[4] = dy;
      kernels::group_norm_silu_backward(norm_shape(x, groups), silu, in(x), in(saved[1]), in(saved[2]),
                                        in(statistics[0]), in(statistics[1]), in(dy), out(gradients[0]),
                                        out(gradients[1]), out(gradients[2]), out(gradients[3]));
    }
    gradients.resize(7);
    return gradients;
  }
};

class FastMaxPool : public torch::autograd::Function<FastMaxPool> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x_any) {
    const Tensor x = channels_last(x_any);
    const Tensor y =
        at::empty({x.size(0), x.size(1), x.size(2) / 2, x.size(3) / 2}, x.options(), at::MemoryFormat::ChannelsLast);
    const Tensor place = at::empty(y.numel(), x.options().dtype(at::kByte));
    kernels::max_pool(shape(x), in(x), out(y), place.data_ptr<uint8_t>());
    context->save_for_backward({x_any, place});
    return y;
  }
  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    if (at::GradMode::is_enabled())
      return recorded_backward({saved[0]}, upstream,
                               [](const variable_list& inputs) { return variable_list{at::max_pool2d(inputs[0], 2)}; });
    const Tensor dx = at::empty(saved[0].sizes(), saved[0].options(), at::MemoryFormat::ChannelsLast);
    kernels::max_pool_backward(shape(saved[0]), in(channels_last(upstream[0])), saved[1].const_data_ptr<uint8_t>(),
                               out(dx));
    return {dx};
  }

 private:
  static kernels::PoolShape shape(const Tensor& x) {
    return {.batch = x.size(0), .height = x.size(2), .width = x.size(3), .channels = x.size(1)};
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
    kernels::upsample_concat(shape(low, skip), in(low), in(skip), out(y));
    context->save_for_backward({low_any, skip_any});
    return y;
  }
  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    if (at::GradMode::is_enabled())
      return recorded_backward(saved, upstream, [](const variable_list& inputs) {
        return variable_list{upsample_concat_in_steps(inputs[0], inputs[1])};
      });
    variable_list gradients;
    for (const Tensor& t : saved)
      gradients.push_back(at::empty(t.sizes(), t.options(), at::MemoryFormat::ChannelsLast));
    kernels::upsample_concat_backward(shape(saved[0], saved[1]), in(channels_last(upstream[0])), out(gradients[0]),
                                      out(gradients[1]));
    return gradients;
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

Tensor GroupNormImpl::forward(const Tensor& x, const Tensor& shift, const Tensor& residual) {
  SEXTANT_CHECK(x.dim() == 4 && x.size(1) == weight.size(0), "[group_norm] expected maps [B,", weight.size(0),
                ",H,W]; got ", shape_text(x));
  if (!is_plain(x) || !is_plain(weight)) return norm_in_steps({x, weight, bias, shift, residual}, groups_, silu_);
  const auto optional = [](const Tensor& t) { return t.defined() ? std::optional(t) : std::nullopt; };
  return FastGroupNorm::apply(x, weight, bias, optional(shift), optional(residual), groups_, silu_);
}

Tensor max_pool2(const Tensor& x) {
  SEXTANT_CHECK(x.dim() == 4 && x.size(2) >= 2 && x.size(3) >= 2,
                "[max_pool] needs maps of at least 2 x 2 pixels; got ", shape_text(x));
  return is_plain(x) ? FastMaxPool::apply(x) : at::max_pool2d(x, 2);
}

Tensor upsample_concat(const Tensor& low, const Tensor& skip) {
  const bool fits = low.dim() == 4 && skip.dim() == 4 && low.size(0) == skip.size(0) &&
                    skip.size(2) % low.size(2) == 0 && skip.size(3) % low.size(3) == 0 &&
                    skip.size(2) / low.size(2) == skip.size(3) / low.size(3);
  SEXTANT_CHECK(fits, "[upsample] ", shape_text(low), " does not enlarge by a whole factor to ", shape_text(skip),
                "; a size that is halved must come back: choose pictures whose sides halve evenly, or fewer levels");
  return is_plain(low) && is_plain(skip) ? FastUpsampleConcat::apply(low, skip) : upsample_concat_in_steps(low, skip);
}

Tensor upsample(const Tensor& x, int64_t side) {
  SEXTANT_CHECK(x.dim() == 4 && side % x.size(2) == 0 && x.size(2) == x.size(3), "[upsample] ", shape_text(x),
                " does not enlarge by a whole factor to ", side, " x ", side);
  return at::upsample_nearest2d(x, {side, side});
}

Tensor add_to_pixels(const Tensor& x, const Tensor& shift) { return x + shift.view({x.size(0), x.size(1), 1, 1}); }

Tensor dropout(const Tensor& x, double p, Rng& rng) {
  SEXTANT_CHECK(p >= 0 && p < 1, "[dropout] the probability must be in [0,1); got ", p);
  if (p == 0) return x;
  const Tensor keep = (rng.uniform(x.sizes()).to(x.device()) >= p).to(x.scalar_type());
  return x * keep.mul_(1 / (1 - p));
}

}  // namespace sextant
