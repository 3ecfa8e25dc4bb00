#include "sextant/families/classifier.h"

#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

// Side of the maps after all stages; 0 where a stage has less than 2 pixels to halve.
int64_t last_side(int64_t side, size_t stages) {
  for (size_t i = 0; i < stages; ++i) side = side >= 2 ? side / 2 : 0;
  return side;
}

void check_data(const ClassifierConfig& config, const ItemShape& shape) {
  const auto& sizes = shape.sizes;
  SEXTANT_USAGE_CHECK(sizes.size() == 3 && sizes[1] == sizes[2] && (sizes[0] == 1 || sizes[0] == 3),
                      "[classifier] needs square pictures of 1 or 3 channels; the data has items of shape ",
                      shape_text(sizes), ". Choose a picture data set, or set data.image_size");
  SEXTANT_USAGE_CHECK(shape.classes >= 2, "[classifier] needs data with at least two classes; this has ", shape.classes,
                      ". Choose labelled data, or give a picture folder one subfolder a class");
  SEXTANT_USAGE_CHECK(!config.widths.empty() && last_side(sizes[1], config.widths.size()) >= 1, "[classifier] ",
                      config.widths.size(), " stages can't halve pictures of ", sizes[1],
                      " pixels a side; give model.widths fewer numbers, at least one");
  for (const int64_t width : config.widths)
    SEXTANT_USAGE_CHECK(width % config.groups == 0, "[classifier] ", config.groups, " groups do not divide a width of ",
                        width, "; change model.groups or model.widths");
}

}  // namespace

ConvClassifier::ConvClassifier(const ClassifierConfig& config, const ItemShape& shape)
    : config_(config), item_(shape.sizes), classes_(shape.classes) {
  check_data(config, shape);
  int64_t channels = item_[0];
  for (size_t stage = 0; stage < config.widths.size(); ++stage)
    for (int64_t i = 0; i < config.convs; ++i) {
      const int64_t width = config.widths[stage];
      const std::string name = concat(stage, "_", i);
      blocks_.push_back({.conv = register_module("conv" + name, Conv2d(ConvOptions{.in = channels, .out = width})),
                         .norm = register_module("norm" + name, GroupNorm(config.groups, width)),
                         .halve = i + 1 == config.convs});
      channels = width;
    }
  const int64_t side = last_side(item_[1], config.widths.size());
  to_features_ = register_module("to_features", Linear(channels * side * side, config.features, Activation::kRelu));
  to_logits_ = register_module("to_logits", Linear(config.features, classes_));
}

std::vector<Player> ConvClassifier::players() {
  return {{.name = "classifier", .parameters = parameters(), .optimiser = config_.optimiser}};
}

Tensor ConvClassifier::features(const Tensor& x) {
  check_items("classifier", x, item_);
  Tensor h = channels_last(x);
  for (Block& block : blocks_) {
    h = block.norm->forward(block.conv->forward(h));
    if (block.halve) h = max_pool2(h);
  }
  return to_features_->forward(h.flatten(1));  // [B,F]
}

Tensor ConvClassifier::logits(const Tensor& features) { return to_logits_->forward(features); }

Loss ConvClassifier::loss(size_t /*player*/, const Batch& batch, Rng& rng) {
  SEXTANT_CHECK(batch.labels.defined(), "[classifier] learns with labels, and the batch has none");
  Rng shift_rng = rng.split("shift"), dropout_rng = rng.split("dropout");
  Tensor h = features(is_training() ? shift_pictures(batch.x, config_.shift, shift_rng) : batch.x);
  if (is_training()) h = dropout(h, config_.dropout, dropout_rng);
  const Tensor output = logits(h);
  const Tensor cross_entropy = torch::nll_loss(output.log_softmax(1), batch.labels);
  const Tensor accuracy = (output.detach().argmax(1) == batch.labels).to(at::kFloat).mean();
  return {.total = cross_entropy, .parts = {{"accuracy", accuracy}, {"cross_entropy", cross_entropy.detach()}}};
}

Tensor shift_pictures(const Tensor& x, int64_t most, Rng& rng) {
  SEXTANT_CHECK(x.dim() == 4 && most >= 0, "[classifier] expected pictures [B,C,H,W] and a shift of 0 or more; got ",
                shape_text(x), " and ", most);
  if (most == 0) return x;
  const int64_t items = x.size(0), height = x.size(2), width = x.size(3);
  const auto moved = [&](int64_t size) {  // [B,size]: which row or column comes to each place
    const Tensor by = rng.integers(-most, most + 1, {items, 1});
    return (torch::arange(size).view({1, size}) + by).clamp(0, size - 1).to(x.device());
  };
  const Tensor row = moved(height).view({items, 1, height, 1}), column = moved(width).view({items, 1, 1, width});
  return x.gather(2, row.expand_as(x)).gather(3, column.expand_as(x));
}

std::shared_ptr<Trainable> build_model(const ClassifierConfig& config, const ItemShape& shape) {
  return std::make_shared<ConvClassifier>(config, shape);
}

}  // namespace sextant
