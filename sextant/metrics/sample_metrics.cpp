// The rows of the table that score samples.
#include "sextant/base/interrupt.h"
#include "sextant/data/catalogue.h"
#include "sextant/math/frechet.h"
#include "sextant/metrics/inception.h"
#include "sextant/metrics/sample_scores.h"
#include "sextant/metrics/table.h"

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

std::string versioned(const SampleStudy& study, const char* metric) {
  return concat(metric, "-", study.classifier().version);
}

// A floor is null where the training split is too small for it; `training` is null or empty then.
template <class Training, class Score>
void add_floor(Json& numbers, const Training& training, const Score& score) {
  numbers["floor_is"] = "the same number of training pictures instead of samples";
  if (training)
    score(*training);
  else
    numbers["floor_reason"] = "the training split has fewer pictures than n";
}

void note_rank(Json& numbers, const Tensor& features) {
  if (features.size(0) <= features.size(1))
    numbers["note"] = "no more pictures than features: a covariance lacks rank, and the bias is large";
}

Json measure_fcd(const EvalRequest& request) {
  SampleStudy& study = study_of(request);
  const auto score = [&](const Features& side) {
    return frechet_classifier_distance(side.features, study.real().features);
  };
  Json numbers = {{"fcd", score(study.generated())}, {"floor", nullptr}};
  add_floor(numbers, study.training(), [&](const Features& training) { numbers["floor"] = score(training); });
  note_rank(numbers, study.real().features);
  return record(study, versioned(study, "fcd"), std::move(numbers));
}

Json measure_kid(const EvalRequest& request) {
  SampleStudy& study = study_of(request);
  const auto error = [](const KernelDistance& d) { return d.standard_error ? Json(*d.standard_error) : Json(); };
  const KernelDistance kid = kernel_distance(study.generated().features, study.real().features);
  Json numbers = {{"kid", kid.value},     {"standard_error", error(kid)},
                  {"blocks", kid.blocks}, {"block_size", kid.block_size},
                  {"floor", nullptr},     {"floor_standard_error", nullptr}};
  if (!kid.standard_error) numbers["standard_error_reason"] = "needs two blocks";
  add_floor(numbers, study.training(), [&](const Features& training) {
    const KernelDistance floor = kernel_distance(training.features, study.real().features);
    numbers["floor"] = floor.value;
    numbers["floor_standard_error"] = error(floor);
  });
  return record(study, versioned(study, "kid"), std::move(numbers));
}

Json measure_precision_recall(const EvalRequest& request) {
  SampleStudy& study = study_of(request);
  const PrecisionRecall pr = precision_recall(study.generated().features, study.real().features);
  return record(study, versioned(study, "precision_recall"),
                {{"precision", pr.precision}, {"recall", pr.recall}, {"neighbours", kNeighbours}});
}

Json measure_inception_score(const EvalRequest& request) {
  SampleStudy& study = study_of(request);
  return record(study, versioned(study, "inception_score"),
                {{"inception_score", inception_score(study.generated().probabilities)},
                 {"of_real", inception_score(study.real().probabilities)},
                 {"largest_possible", study.real().probabilities.size(1)}});
}

Json measure_coverage(const EvalRequest& request) {
  SampleStudy& study = study_of(request);
  const ClassCoverage coverage = class_coverage(study.generated().probabilities);
  return record(study, versioned(study, "coverage"),
                {{"classes_covered", coverage.covered},
                 {"classes", coverage.counts.size()},
                 {"covered_from_share", kCoveredShare},
                 {"class_entropy_nats", coverage.entropy},
                 {"class_entropy_of_real_nats", class_coverage(study.real().probabilities).entropy},
                 {"counts", coverage.counts}});
}

Json measure_confidence(const EvalRequest& request) {
  SampleStudy& study = study_of(request);
  const Confidence sure = confidence(study.generated().probabilities), real = confidence(study.real().probabilities);
  return record(study, versioned(study, "confidence"),
                {{"confident", sure.share},
                 {"mean_confidence", sure.mean},
                 {"threshold", kConfident},
                 {"confident_of_real", real.share},
                 {"mean_confidence_of_real", real.mean}});
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
  Json numbers = {{"fid", score(study.pictures(), "Inception, samples")}, {"floor", nullptr}};
  add_floor(numbers, study.training_pictures(),
            [&](const Tensor& bytes) { numbers["floor"] = score(bytes, "Inception, training pictures"); });
  note_rank(numbers, real);
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
  return {
      {"accuracy", "of a classifier on the test split", measure_accuracy},
      {"fcd", "Fréchet classifier distance of samples to the test split; lower is better", measure_fcd,
       Needs::kClassifier},
      {"kid", "kernel distance of samples to the test split, unbiased, cubic kernel", measure_kid, Needs::kClassifier},
      {"precision_recall", "samples among the real manifold, and real pictures among the samples'",
       measure_precision_recall, Needs::kClassifier},
      {"inception_score", "confident and diverse? between 1 and the number of classes, on our classifier",
       measure_inception_score, Needs::kClassifier},
      {"coverage", "classes that get at least 1 % of the samples, and the entropy of their shares", measure_coverage,
       Needs::kClassifier},
      {"confidence", "share of samples whose class the classifier is sure of", measure_confidence, Needs::kClassifier},
      {"pairwise_distance", "mean distance of two samples in pixels: 0 for copies", measure_pairwise_distance,
       Needs::kSamples},
      {"fid", "Fréchet Inception distance of samples to the test split; needs `sextant data fetch inception`",
       measure_fid, Needs::kSamples, inception_missing},
  };
}

}  // namespace sextant
