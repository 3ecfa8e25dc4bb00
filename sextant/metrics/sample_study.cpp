#include "sextant/metrics/sample_study.h"

#include "sextant/tensor/float32_scope.h"
#include "sextant/tensor/shape.h"

namespace sextant {

Json ScoringClassifier::record() const {
  return {{"version", version}, {"fingerprint", fingerprint}, {"weights_sha256", weights_sha256}};
}

Features ScoringClassifier::features(const Tensor& bytes) const {
  const Float32Scope same_yardstick;
  return extract_features(*classifier, range, bytes);
}

Json scored_against(const Dataset& reference, const ScoringClassifier* classifier) {
  Json json = {{"data", reference.name},
               {"split", "test"},
               {"data_sha256", reference.content_hash},
               {"preprocessing", kPreprocessing}};
  if (classifier) json["classifier"] = classifier->record();
  return json;
}

SampleStudy::SampleStudy(SampleSource source, const Dataset& reference, int64_t n,
                         std::optional<ScoringClassifier> classifier)
    : source_(std::move(source)), reference_(reference), n_(n), classifier_(std::move(classifier)) {
  SEXTANT_USAGE_CHECK(reference.pictures(), "[scores] scores of samples are for pictures; ", reference.name,
                      " has points. Choose a run on a picture data set");
  SEXTANT_USAGE_CHECK(n >= 1 && n <= reference.test.size(), "[scores] -n must be between 1 and the ",
                      reference.test.size(), " pictures of the test split of ", reference.name,
                      ", since both sides of a comparison need the same number; got ", n);
}

const ScoringClassifier& SampleStudy::classifier() const {
  SEXTANT_CHECK(classifier_, "[scores] this score needs a classifier; pass --classifier RUN");
  return *classifier_;
}

const Tensor& SampleStudy::pictures() {
  if (!pictures_.defined()) {
    Tensor drawn = source_.draw();
    SEXTANT_CHECK(drawn.dim() == 4 && drawn.size(0) == n_, "[scores] ", n_, " samples were asked for; got ",
                  shape_text(drawn));
    pictures_ = std::move(drawn);
  }
  return pictures_;
}

const Tensor& SampleStudy::real_pictures() {
  if (!real_pictures_.defined()) real_pictures_ = subset(reference_.test, n_).x;
  return real_pictures_;
}

const Features& SampleStudy::generated() {
  if (!generated_) generated_ = classifier().features(pictures());
  return *generated_;
}

const Features& SampleStudy::real() {
  if (!real_) real_ = classifier().features(real_pictures());
  return *real_;
}

std::optional<Tensor> SampleStudy::training_pictures() const {
  if (reference_.train.size() < n_) return std::nullopt;
  return subset(reference_.train, n_).x;
}

const Features* SampleStudy::training() {
  if (!training_)
    if (const auto bytes = training_pictures()) training_ = classifier().features(*bytes);
  return training_ ? &*training_ : nullptr;
}

Json SampleStudy::provenance() const {
  Json json = scored_against(reference_, classifier_ ? &*classifier_ : nullptr);
  json["n"] = n_;
  json.update(source_.record);
  return json;
}

}  // namespace sextant
