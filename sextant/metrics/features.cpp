#include "sextant/metrics/features.h"

#include <algorithm>

#include "sextant/base/interrupt.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

constexpr int64_t kBatch = 500;

at::Device device_of(Classifier& classifier) {
  const auto* module = dynamic_cast<torch::nn::Module*>(&classifier);
  if (!module) return at::kCPU;
  SEXTANT_CHECK(!module->is_training(), "[features] the classifier is in training mode; call eval() first");
  const auto parameters = module->parameters();
  return parameters.empty() ? at::Device(at::kCPU) : parameters.front().device();
}

}  // namespace

Tensor to_bytes(const Tensor& pictures, PixelRange range) {
  SEXTANT_CHECK(pictures.dim() == 4 && pictures.is_floating_point(), "[features] expected pictures [N,C,H,W]; got ",
                shape_text(pictures));
  SEXTANT_CHECK(pictures.isfinite().all().item<bool>(),
                "[features] some samples are not finite: the model has diverged; take an earlier snapshot");
  const Tensor unit = range == PixelRange::kSymmetric ? (pictures + 1) * 0.5 : pictures;
  return (unit.clamp(0, 1) * 255).round().to(at::kByte).to(at::kCPU).contiguous();
}

Features extract_features(Classifier& classifier, PixelRange classifier_range, const Tensor& bytes) {
  SEXTANT_CHECK(bytes.dim() == 4 && bytes.scalar_type() == at::kByte, "[features] expected bytes [N,C,H,W]; got ",
                shape_text(bytes), bytes.scalar_type() == at::kByte ? "" : " of another type");
  const torch::NoGradGuard no_grad;
  const at::Device device = device_of(classifier);
  std::vector<Tensor> features, probabilities;
  for (int64_t first = 0; first == 0 || first < bytes.size(0); first += kBatch) {
    const Tensor piece = bytes.slice(0, first, std::min(first + kBatch, bytes.size(0)));
    if (piece.size(0) == 0) return {.features = torch::empty({0, 0}), .probabilities = torch::empty({0, 0})};
    const Tensor f = classifier.features(to_model_range(piece, classifier_range).to(device));
    features.push_back(f.to(at::kCPU));
    probabilities.push_back(classifier.logits(f).softmax(1).to(at::kCPU));
  }
  return {.features = torch::cat(features), .probabilities = torch::cat(probabilities)};
}

Features extract_features(Classifier& classifier, PixelRange classifier_range, const Split& split) {
  SEXTANT_USAGE_CHECK(split.x.dim() == 4, "[features] a classifier sees pictures; this data set has items of ",
                      shape_text(split.x.sizes().slice(1)), ". Choose a picture data set");
  return extract_features(classifier, classifier_range, split.x);
}

Split subset(const Split& split, int64_t n) {
  SEXTANT_USAGE_CHECK(n >= 1 && n <= split.size(), "[features] asked for ", n, " pictures of a split that has ",
                      split.size(), "; both sides of a comparison need the same number, so take -n at most ",
                      split.size());
  if (n == split.size()) return split;
  const Tensor rows = std::get<0>(Rng(0).split("subset").permutation(split.size()).slice(0, 0, n).sort());
  return {.x = split.x.index_select(0, rows),
          .labels = split.labels.defined() ? split.labels.index_select(0, rows) : Tensor()};
}

Tensor sample_bytes(GenerativeModel& model, int64_t count, const Rng& rng,
                    const std::function<void(int64_t)>& progress) {
  SEXTANT_USAGE_CHECK(count >= 1, "[features] asked for ", count, " samples; give 1 or more");
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> pieces;
  for (int64_t first = 0; first < count; first += kBatch) {
    if (interrupted()) throw Interrupted(concat("stopped after ", first, " of ", count, " samples; they are not kept"));
    Rng noise = rng.split(static_cast<uint64_t>(first / kBatch));
    pieces.push_back(to_bytes(model.sample({.count = std::min(kBatch, count - first)}, noise), model.pixel_range()));
    if (progress) progress(std::min(first + kBatch, count));
  }
  return torch::cat(pieces);
}

}  // namespace sextant
