#include "sextant/families/realnvp.h"

#include <cmath>

#include "sextant/nets/coupling.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

using Layers = std::vector<std::shared_ptr<Bijection>>;

constexpr double kBins = 256;

std::shared_ptr<Chain> flow_of_points(const RealNvpConfig& config, const ItemShape& shape) {
  const int64_t D = shape.sizes[0];
  SEXTANT_USAGE_CHECK(D >= 2,
                      "[realnvp] a coupling layer splits an item in two, and points of one coordinate can't be ",
                      "split; choose data of at least two");
  Layers layers;
  for (int64_t k = 0; k < config.couplings; ++k)
    layers.push_back(
        std::make_shared<AffineCoupling>(alternating_mask(D, k), std::make_shared<MlpConditioner>(D, config.hidden)));
  return std::make_shared<Chain>(std::move(layers));
}

// The flow from one scale on: [B,C,side,side] to [B,D].
Layers scale_layers(const RealNvpConfig& config, int64_t channels, int64_t side, int64_t scale) {
  Layers layers;
  const auto add_couplings = [&](auto mask) {
    for (int64_t k = 0; k < config.scale_couplings; ++k)
      layers.push_back(std::make_shared<AffineCoupling>(
          mask(channels, side, side, k), std::make_shared<ConvConditioner>(channels, config.width, config.blocks)));
  };
  add_couplings(checkerboard_mask);
  if (scale == config.scales) {
    layers.push_back(std::make_shared<Flatten>(std::vector<int64_t>{channels, side, side}));
    return layers;
  }
  layers.push_back(std::make_shared<Squeeze>());
  channels *= 4, side /= 2;
  add_couplings(channel_mask);
  const auto rest = std::make_shared<Chain>(scale_layers(config, channels / 2, side, scale + 1));
  layers.push_back(std::make_shared<FactorOut>(rest, std::vector<int64_t>{channels, side, side}));
  return layers;
}

std::shared_ptr<Chain> flow_of_pictures(const RealNvpConfig& config, const ItemShape& shape) {
  const auto& sizes = shape.sizes;
  SEXTANT_USAGE_CHECK(sizes.size() == 3 && sizes[1] == sizes[2],
                      "[realnvp] needs points or square pictures; the data has items of shape ", shape_text(sizes),
                      ". Choose another data set, or set data.image_size");
  const int64_t side = sizes[1], multiple = int64_t{1} << (config.scales - 1);
  SEXTANT_USAGE_CHECK(side % multiple == 0 && side >= 2 * multiple, "[realnvp] pictures of ", side,
                      " pixels a side can't be squeezed ", config.scales - 1,
                      " times to 2 or more; lower model.scales, or give pictures whose sides are a multiple of ",
                      multiple, " and at least ", 2 * multiple, " (folders: data.image_size)");
  SEXTANT_USAGE_CHECK(config.width % ConvConditioner::kGroups == 0, "[realnvp] model.width must be a multiple of ",
                      ConvConditioner::kGroups, ", the groups of its norms; got ", config.width);
  Layers layers = {std::make_shared<Logit>(config.margin)};
  for (auto& layer : scale_layers(config, sizes[0], side, 1)) layers.push_back(std::move(layer));
  return std::make_shared<Chain>(std::move(layers));
}

}  // namespace

RealNvp::RealNvp(const RealNvpConfig& config, const ItemShape& shape, std::shared_ptr<Chain> flow)
    : config_(config),
      item_(shape.sizes),
      dimensions_(shape.numel()),
      flow_(register_module("flow", std::move(flow))) {}

std::vector<Player> RealNvp::players() {
  return {{.name = "realnvp", .parameters = parameters(), .optimiser = config_.optimiser}};
}

Tensor RealNvp::log_density(const Tensor& y) {
  check_items("realnvp", y, item_);
  const Mapped mapped = flow_->forward_and_log_det(y);
  return standard_normal_log_density(mapped.value) + mapped.log_det;
}

Tensor RealNvp::draw(const SampleRequest& request, Rng& rng) {
  const Tensor z = rng.normal({request.count, dimensions_}).to(device());
  return flow_->inverse_and_log_det(z).value;
}

PointRealNvp::PointRealNvp(const RealNvpConfig& config, const ItemShape& shape)
    : RealNvp(config, shape, flow_of_points(config, shape)) {}

Loss PointRealNvp::loss(size_t /*player*/, const Batch& batch, Rng& /*rng*/) {
  const Tensor nll = -log_density(batch.x).mean();
  return {.total = nll, .parts = {{"nll", nll.detach()}}};
}

Tensor PointRealNvp::sample(const SampleRequest& request, Rng& rng) { return draw(request, rng); }

PictureRealNvp::PictureRealNvp(const RealNvpConfig& config, const ItemShape& shape)
    : RealNvp(config, shape, flow_of_pictures(config, shape)) {}

Tensor PictureRealNvp::bound(const Tensor& x, Rng& rng) {
  check_items("realnvp", x, item_);
  const Tensor bytes = (x * (kBins - 1)).round();  // x is a byte / 255 but for rounding
  const Tensor y = (bytes + rng.uniform(x.sizes()).to(x.options())) / kBins;
  return log_density(y) - static_cast<double>(dimensions_) * std::log(kBins);
}

Loss PictureRealNvp::loss(size_t /*player*/, const Batch& batch, Rng& rng) {
  const Tensor nll = -bound(batch.x, rng).mean(), logged = nll.detach();
  return {.total = nll,
          .parts = {{"nll", logged}, {"bits_per_dim", logged / (static_cast<double>(dimensions_) * std::log(2.0))}}};
}

Tensor PictureRealNvp::sample(const SampleRequest& request, Rng& rng) {
  return (draw(request, rng) * kBins).floor().clamp(0, kBins - 1) / (kBins - 1);
}

Tensor PictureRealNvp::elbo(const Tensor& x, int64_t draws, Rng& rng) {
  SEXTANT_CHECK(draws >= 1, "[realnvp] needs at least one draw of the noise; got ", draws);
  Tensor total = bound(x, rng);
  for (int64_t i = 1; i < draws; ++i) total = total + bound(x, rng);
  return total / static_cast<double>(draws);
}

std::shared_ptr<GenerativeModel> build_model(const RealNvpConfig& config, const ItemShape& shape) {
  if (shape.sizes.size() == 1) return std::make_shared<PointRealNvp>(config, shape);
  return std::make_shared<PictureRealNvp>(config, shape);
}

}  // namespace sextant
