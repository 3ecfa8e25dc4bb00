#include "sextant/nets/unet.h"

#include <cmath>

#include "sextant/tensor/precision.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {

UnetConfig prenorm_unet() {
  UnetConfig config;
  config.norm = NormPlacement::kBefore;
  config.middle_attention = true;
  config.zero_init = true;
  return config;
}

UnetConfig cifar_unet() {
  UnetConfig config = prenorm_unet();
  config.widths = {64, 128, 256, 512};
  config.blocks = 2;
  config.middle_blocks = 2;
  config.skips = SkipWiring::kBlock;
  config.attention = {16};
  config.resampling = Resampling::kConv;
  config.time_features = 64;
  config.time_width = 256;
  config.dropout = 0.1;
  return config;
}

Tensor time_features(const Tensor& time, int64_t features) {
  SEXTANT_USAGE_CHECK(features >= 4 && features % 2 == 0, "[unet] time_features must be even and at least 4; got ",
                      features);
  const int64_t half = features / 2;
  const Tensor i = torch::arange(half, time.options().dtype(at::kDouble));
  const Tensor frequency = (i * (-std::log(10000.0) / static_cast<double>(half - 1))).exp();
  const Tensor angle = time.to(at::kDouble).view({-1, 1}) * frequency;  // in double: times reach 1000 radians
  return torch::cat({angle.sin(), angle.cos()}, 1).to(at::kFloat);
}

ResidualBlockImpl::ResidualBlockImpl(const UnetConfig& config, int64_t in, int64_t out)
    : placement_(config.norm), dropout_(config.dropout) {
  const bool before = placement_ == NormPlacement::kBefore;
  norm1_ = register_module("norm1", GroupNorm(config.groups, before ? in : out));
  conv1_ = register_module("conv1", Conv2d(ConvOptions{.in = in, .out = out}));
  time_ = register_module("time", Linear(config.time_width, out));
  norm2_ = register_module("norm2", GroupNorm(config.groups, out));
  conv2_ =
      register_module("conv2", Conv2d(ConvOptions{.in = out, .out = out, .zero_init = config.zero_init && before}));
  if (in != out) skip_ = register_module("skip", Conv2d(ConvOptions{.in = in, .out = out, .size = 1}));
}

Tensor ResidualBlockImpl::forward(const Tensor& x, const Tensor& embedding, Rng* dropout_rng) {
  const Tensor time = time_->forward(embedding);
  const Tensor shift = time.expand({x.size(0), time.size(1)});
  const auto thinned = [&](const Tensor& h) { return dropout_rng ? dropout(h, dropout_, *dropout_rng) : h; };
  if (placement_ == NormPlacement::kAfter) {
    auto [h, passed] = conv1_->forward_and_pass(x);
    h = norm1_->forward(h, {.shift = shift});
    return norm2_->forward(conv2_->forward(thinned(h)), {.residual = shortcut(passed)});
  }
  const Tensor h = norm2_->forward(conv1_->forward(norm1_->forward(x)), {.before = shift});
  return conv2_->forward(thinned(h), shortcut(x));
}

int64_t ResidualBlockImpl::multiply_adds(int64_t height, int64_t width) const {
  return conv1_->multiply_adds(height, width) + conv2_->multiply_adds(height, width) +
         (skip_.is_empty() ? 0 : skip_->multiply_adds(height, width));
}

SelfAttentionImpl::SelfAttentionImpl(int64_t groups, int64_t channels, bool zero_init) {
  norm_ = register_module("norm", GroupNorm(groups, channels, false));
  qkv_ = register_module("qkv", Conv2d(ConvOptions{.in = channels, .out = 3 * channels, .size = 1}));
  out_ =
      register_module("out", Conv2d(ConvOptions{.in = channels, .out = channels, .size = 1, .zero_init = zero_init}));
}

Tensor SelfAttentionImpl::forward(const Tensor& x) {
  const int64_t batch = x.size(0), channels = x.size(1), height = x.size(2), width = x.size(3);
  const Tensor qkv =
      qkv_->forward(norm_->forward(x)).permute({0, 2, 3, 1}).reshape({batch, height * width, 3 * channels});
  const auto part = qkv.chunk(3, 2);  // each [B,H W,C]
  const double scale = 1 / std::sqrt(static_cast<double>(channels));
  const Tensor weights = at::bmm(part[0] * scale, part[1].transpose(1, 2)).softmax(2);  // [B,H W,H W]
  const Tensor mixed = at::bmm(weights, part[2]).view({batch, height, width, channels}).permute({0, 3, 1, 2});
  return out_->forward(mixed, x);
}

int64_t SelfAttentionImpl::multiply_adds(int64_t height, int64_t width) const {
  return qkv_->multiply_adds(height, width) + out_->multiply_adds(height, width);
}

UnetImpl::Stage UnetImpl::stage(const std::string& name, int64_t in, int64_t out, bool attention) {
  Stage made;
  made.block = register_module(name, ResidualBlock(config_, in, out));
  if (attention)
    made.attention = register_module(name + "_attention", SelfAttention(config_.groups, out, config_.zero_init));
  return made;
}

UnetImpl::UnetImpl(const UnetConfig& config, int64_t channels, int64_t side, int64_t classes)
    : config_(config), side_(side), classes_(classes) {
  SEXTANT_USAGE_CHECK(!config.widths.empty(), "[unet] widths must name at least one level");
  const auto levels = static_cast<int64_t>(config.widths.size());
  SEXTANT_USAGE_CHECK(side >= 1 && side % (int64_t{1} << (levels - 1)) == 0, "[unet] pictures of ", side, " x ", side,
                      " can't be halved ", levels - 1, " times and come back; give at most as many widths as the ",
                      "side halves evenly (28: three widths), or another image_size");
  const auto width = [&](int64_t level) { return config.widths[static_cast<size_t>(std::max<int64_t>(level, 0))]; };
  const auto attends = [&](int64_t at) {
    return std::find(config.attention.begin(), config.attention.end(), at) != config.attention.end();
  };
  const bool each_block = config.skips == SkipWiring::kBlock, convs = config.resampling == Resampling::kConv;

  time1_ = register_module("time1", Linear(config.time_features, config.time_width));
  time2_ = register_module("time2", Linear(config.time_width, config.time_width));
  if (classes > 0)
    class_embedding_ = register_parameter("class_embedding", torch::randn({classes + 1, config.time_width}));
  in_ = register_module("in", Conv2d(ConvOptions{.in = channels, .out = width(0)}));
  std::vector<int64_t> kept = {width(0)};  // channels of what goes across, where every block does
  int64_t now = width(0);
  for (int64_t l = 0; l < levels; ++l) {
    Level level{.side = side >> l};
    for (int64_t k = 0; k < config.blocks; ++k, now = width(l)) {
      level.stages.push_back(stage(concat("down", l, "_", k), now, width(l), attends(level.side)));
      kept.push_back(width(l));
    }
    if (l + 1 < levels) {
      if (convs)
        level.resample =
            register_module(concat("down", l, "_resample"), Conv2d(ConvOptions{.in = now, .out = now, .stride = 2}));
      kept.push_back(now);
    }
    down_.push_back(std::move(level));
  }
  for (int64_t k = 0; k < config.middle_blocks; ++k)
    middle_.push_back(stage(concat("middle", k), now, now, k == 0 && config.middle_attention));
  up_.resize(config.widths.size());
  for (int64_t l = levels - 1; l >= 0; --l) {
    Level& level = up_[static_cast<size_t>(l)];
    level.side = side >> l;
    const int64_t out = each_block ? width(l) : width(l - 1);
    if (convs && l + 1 < levels)
      level.resample = register_module(concat("up", l, "_resample"), Conv2d(ConvOptions{.in = now, .out = now}));
    for (int64_t k = 0; k < config.blocks + (each_block ? 1 : 0); ++k, now = out) {
      int64_t in = now;
      if (each_block) {
        in += kept.back();
        kept.pop_back();
      } else if (k == 0) {
        in += width(l);
      }
      level.stages.push_back(stage(concat("up", l, "_", k), in, out, attends(level.side)));
    }
  }
  if (config.norm == NormPlacement::kBefore) out_norm_ = register_module("out_norm", GroupNorm(config.groups, now));
  out_ = register_module("out", Conv2d(ConvOptions{.in = now, .out = channels, .zero_init = config.zero_init}));
}

Tensor UnetImpl::embed(const Tensor& time, const Tensor& labels, int64_t batch) {
  Tensor embedding = time2_->forward(
      at::silu(time1_->forward(time_features(time, config_.time_features).to(time1_->weight.scalar_type()))));
  if (classes_ > 0) {
    SEXTANT_CHECK(labels.defined() && labels.dim() == 1 && labels.size(0) == batch,
                  "[unet] this net knows classes: one label an item is wanted, ", classes_, " for none; got ",
                  shape_text(labels));
    embedding = embedding + class_embedding_.index_select(0, labels);
  }
  return at::silu(embedding);
}

Tensor UnetImpl::run(Stage& stage, const Tensor& x, const Tensor& embedding, Rng* dropout_rng) {
  const Tensor h = stage.block->forward(x, embedding, dropout_rng);
  return stage.attention.is_empty() ? h : stage.attention->forward(h);
}

// Without gradients nobody keeps the maps between layers: taken a few pictures at a time they stay in the CPU's cache.
int64_t UnetImpl::pictures_at_once(const Tensor& x, const Rng* dropout_rng) const {
  // Of one map at full resolution: the faster the products, the more the way of the maps counts (measured).
  const int64_t map_bytes = int64_t{product_precision() == Precision::kBFloat16 ? 4 : 8} << 20;
  if (at::GradMode::is_enabled() || !x.device().is_cpu() || dropout_rng) return x.size(0);
  const int64_t each = config_.widths[0] * side_ * side_ * static_cast<int64_t>(sizeof(float));
  return std::max<int64_t>(1, map_bytes / each);
}

Tensor UnetImpl::forward(const Tensor& x, const Tensor& time, const Tensor& labels, Rng* dropout_rng) {
  SEXTANT_CHECK(x.dim() == 4 && x.size(2) == side_ && x.size(3) == side_, "[unet] expected pictures of ", side_, " x ",
                side_, "; got ", shape_text(x));
  SEXTANT_CHECK(time.dim() == 1 && (time.size(0) == 1 || time.size(0) == x.size(0)),
                "[unet] expected one time an item, or one for all; got ", shape_text(time), " for ", shape_text(x));
  const Tensor embedding = embed(time, labels, x.size(0));
  const int64_t batch = x.size(0), most = pictures_at_once(x, dropout_rng), parts = (batch + most - 1) / most;
  if (parts <= 1) return run(x, embedding, dropout_rng);
  std::vector<Tensor> pieces;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t first = batch * i / parts, end = batch * (i + 1) / parts;
    const Tensor of_part = embedding.size(0) == 1 ? embedding : embedding.slice(0, first, end);
    pieces.push_back(run(x.slice(0, first, end), of_part, dropout_rng));
  }
  return at::cat(pieces);
}

Tensor UnetImpl::run(const Tensor& x, const Tensor& embedding, Rng* dropout_rng) {
  const bool each_block = config_.skips == SkipWiring::kBlock;
  std::vector<Tensor> across;
  Tensor h = in_->forward(x);
  if (each_block) across.push_back(h);
  for (size_t l = 0; l < down_.size(); ++l) {
    for (Stage& s : down_[l].stages) {
      h = run(s, h, embedding, dropout_rng);
      if (each_block) across.push_back(h);
    }
    if (!each_block) across.push_back(h);
    if (l + 1 == down_.size()) break;
    h = down_[l].resample.is_empty() ? max_pool2(h) : down_[l].resample->forward(h);
    if (each_block) across.push_back(h);
  }
  for (Stage& s : middle_) h = run(s, h, embedding, dropout_rng);
  for (auto level = up_.rbegin(); level != up_.rend(); ++level) {
    if (!level->resample.is_empty()) h = level->resample->forward(upsample(h, level->side / h.size(2)));
    for (size_t k = 0; k < level->stages.size(); ++k) {
      if (each_block || k == 0) {
        h = upsample_concat(h, across.back());
        across.pop_back();
      }
      h = run(level->stages[k], h, embedding, dropout_rng);
    }
  }
  return out_->forward(out_norm_.is_empty() ? h : out_norm_->forward(h));
}

int64_t UnetImpl::multiply_adds(const std::vector<Stage>& stages, int64_t side) {
  int64_t sum = 0;
  for (const Stage& s : stages)
    sum += s.block->multiply_adds(side, side) + (s.attention.is_empty() ? 0 : s.attention->multiply_adds(side, side));
  return sum;
}

int64_t UnetImpl::multiply_adds() const {
  int64_t sum = in_->multiply_adds(side_, side_) + out_->multiply_adds(side_, side_);
  sum += multiply_adds(middle_, down_.back().side);
  for (const auto* levels : {&down_, &up_})
    for (const Level& level : *levels)
      sum += multiply_adds(level.stages, level.side) +
             (level.resample.is_empty() ? 0 : level.resample->multiply_adds(level.side, level.side));
  return sum;
}

}  // namespace sextant
