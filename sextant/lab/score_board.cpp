#include "sextant/lab/score_board.h"

#include <torch/torch.h>

namespace sextant {
namespace {

TrainedRun open_classifier(const Dataset& data) {
  const auto folder = find_shipped("zoo/classifier-" + data.name);
  SEXTANT_USAGE_CHECK(std::filesystem::exists(folder / "weights.safetensors"), "[scores] there is no classifier for ",
                      data.name, " to judge samples by: ", folder.string(),
                      " is missing. Train one with a recipe like ",
                      "recipes/classifier-mnist.toml and export it there");
  return open_run(folder);
}

Tensor first_of(const Split& split, int64_t count) { return split.x.slice(0, 0, std::min(count, split.size())); }

}  // namespace

ScoreBoard::ScoreBoard(const Dataset& data, int64_t count)
    : data_(data), count_(std::min({count, data.test.size(), data.train.size()})), classifier_(open_classifier(data)) {
  test_ = features(first_of(data.test, count_));
  const Features train = features(first_of(data.train, count_));
  floor_ = score_samples(train, test_);
  real_ = score_samples(test_, test_);
}

Features ScoreBoard::features(const Tensor& bytes) const {
  auto* classifier = dynamic_cast<Classifier*>(classifier_.model.get());
  SEXTANT_CHECK(classifier, "[scores] ", classifier_.folder.string(), " is no classifier; restore it from the release");
  const torch::NoGradGuard no_grad;
  return extract_features(*classifier, classifier_.model->pixel_range(), bytes, PixelRange::kUnit);
}

Json ScoreBoard::score(const Tensor& bytes) const { return score_samples(features(bytes), test_); }

Tensor ScoreBoard::pictures_of_class(int64_t label) const {
  return data_.test.x.index_select(0, (data_.test.labels == label).nonzero().flatten());
}

std::string ScoreBoard::classifier_text() const {
  return concat("zoo/", classifier_.folder.filename().string(), ", ", fingerprint(classifier_.run));
}

}  // namespace sextant
