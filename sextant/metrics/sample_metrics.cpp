// The rows of the table that score samples.
#include "sextant/base/interrupt.h"
#include "sextant/data/catalogue.h"
#include "sextant/math/frechet.h"
#include "sextant/metrics/inception.h"
#include "sextant/metrics/sample_scores.h"
#include "sextant/metrics/table.h"
#include "sextant/tensor/float32_scope.h"

namespace sextant {
namespace {

SampleStudy& study_of(const EvalRequest& request) {
  SEXTANT_CHECK(request.study, "[scores] this score needs samples, and none were prepared");
  return *request.study;
}

// `numbers`, the metric's full name ("fcd-mnist-v1"), and where they come from.
Json record(const SampleStudy& study, const std::string& metric, Json numbers) {
  numbers["metric"] = metric;
  numbers["provenance"] = study.provenance();
  return numbers;
}

// The same of real training pictures; null where the training split has fewer of them.
void add_floor(Json& numbers, Json floor) {
  numbers["floor_is"] = "the same number of training pictures instead of samples";
  if (floor.is_null()) numbers["floor_reason"] = "the training split has fewer pictures than n";
  numbers["floor"] = std::move(floor);
}

// A score that features give, and beside it the same of real pictures: where it compares two sets, training pictures in
// place of the samples; else the test pictures, which the classifier has not seen in training.
Json measure_score(const SampleScore& score, const EvalRequest& request) {
  SampleStudy& study = study_of(request);
  Json numbers = score_by(score, study.generated(), study.real());
  if (score.compares) {
    const Features* training = study.training();
    add_floor(numbers, training ? score_by(score, *training, study.real()) : Json());
  } else {
    numbers["of_real"] = score_by(score, study.real(), study.real());
  }
  return record(study, concat(score.name, "-", study.classifier().version), std::move(numbers));
}

Json measure_pairwise_distance(const EvalRequest& request) {
  SampleStudy& study = study_of(request);
  return record(study, "pairwise_distance",
                {{"mean_distance", mean_pairwise_distance(study.pictures())},
                 {"of_real", mean_pairwise_distance(study.real_pictures())},
                 {"unit", "Euclidean, pixels in [0,1]"}});
}

// Of a classifier itself, on the whole test split.
Json measure_accuracy(const EvalRequest& request) {
  auto* classifier = dynamic_cast<Classifier*>(&request.model);
  SEXTANT_USAGE_CHECK(
      classifier && request.data.test.labels.defined(),
      "[eval] accuracy needs a classifier and labelled data; to score samples try --metrics confidence");
  const Features seen = extract_features(*classifier, request.model.pixel_range(), request.data.test);
  const Tensor right = seen.probabilities.argmax(1) == request.data.test.labels;
  return {{"accuracy", right.to(at::kDouble).mean().item<double>()}, {"images", seen.n()}};
}

constexpr int64_t kInceptionBatch = 32;

Tensor inception_features(const Inception& net, const Tensor& bytes, const char* what, const EvalRequest& request) {
  const Float32Scope same_yardstick;
  std::vector<Tensor> pieces;
  for (int64_t first = 0; first < bytes.size(0); first += kInceptionBatch) {
    if (interrupted()) throw Interrupted(concat(what, ": stopped; nothing is kept of a distance under way"));
    const int64_t last = std::min(first + kInceptionBatch, bytes.size(0));
    pieces.push_back(net.features(bytes.slice(0, first, last)));
    if (request.progress) request.progress(what, last, bytes.size(0));
  }
  return torch::cat(pieces);
}

}  // namespace

Json fid_record(const Inception& net, const EvalRequest& request) {
  SampleStudy& study = study_of(request);
  const Tensor real = inception_features(net, study.real_pictures(), "Inception, real pictures", request);
  const auto score = [&](const Tensor& bytes, const char* what) {
    return frechet_distance(moments_of(inception_features(net, bytes, what, request)), moments_of(real));
  };
  Json numbers = {{"fid", score(study.pictures(), "Inception, samples")}};
  const auto training = study.training_pictures();
  add_floor(numbers, training ? Json::object({{"fid", score(*training, "Inception, training pictures")}}) : Json());
  if (real.size(0) <= real.size(1)) numbers["note"] = kLacksRank;
  Json scored = record(study, "fid", std::move(numbers));
  scored["provenance"]["preprocessing"] = kInceptionPreprocessing;
  scored["provenance"]["inception_sha256"] = catalogue::row("inception").files[0].sha256;
  scored["provenance"].erase("classifier");
  return scored;
}

namespace {

Json measure_fid(const EvalRequest& request) {
  SEXTANT_USAGE_CHECK(study_of(request).real_pictures().size(0) >= 2, "[fid] a covariance needs -n 2 or more");
  return fid_record(Inception::official(request.model.device()), request);
}

}  // namespace

std::vector<MetricRow> sample_metrics() {
  std::vector<MetricRow> rows = {{"accuracy", "of a classifier on the test split", measure_accuracy}};
  for (const SampleScore& score : sample_scores())
    rows.push_back({score.name, score.text,
                    [&score](const EvalRequest& request) { return measure_score(score, request); },
                    Needs::kClassifier});
  rows.push_back({"pairwise_distance", "mean distance of two samples in pixels: 0 for copies",
                  measure_pairwise_distance, Needs::kSamples});
  rows.push_back({"fid",
                  "Fréchet Inception distance of samples to the test split; needs `sextant data fetch inception`",
                  measure_fid, Needs::kSamples, inception_missing});
  return rows;
}

}  // namespace sextant
