#include "sextant/metrics/sample_scores.h"

#include <algorithm>
#include <cmath>

#include "sextant/math/frechet.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

constexpr int64_t kRows = 1000;      // of a matrix of distances held at once
constexpr double kRounding = 1e-12;  // of a squared distance, relative to the squared norms
constexpr int64_t kBlock = 1000, kBlocks = 10, kLeastBlock = 4;
constexpr int64_t kPairPictures = 2000;

Tensor exact(const Tensor& x) { return x.to(at::kCPU, at::kDouble); }

void check_pair(const char* where, const Tensor& x, const Tensor& y, int64_t least) {
  SEXTANT_CHECK(x.dim() == 2 && y.dim() == 2 && x.size(1) == y.size(1), "[", where,
                "] expected features of one width; got ", shape_text(x), " and ", shape_text(y));
  SEXTANT_CHECK(x.size(0) >= least && y.size(0) >= least, "[", where, "] needs at least ", least,
                " pictures a side; got ", x.size(0), " and ", y.size(0), "; draw more samples");
}

Tensor check_probabilities(const char* where, const Tensor& probabilities) {
  SEXTANT_CHECK(probabilities.dim() == 2 && probabilities.size(0) >= 1 && probabilities.size(1) >= 1, "[", where,
                "] expected probabilities [N,K], N at least 1; got ", shape_text(probabilities));
  return exact(probabilities);
}

// use(first row, squared distances of the next rows of x to all of y).
template <class Use>
void for_distances(const Tensor& x, const Tensor& y, const Use& use) {
  for (int64_t first = 0; first < x.size(0); first += kRows)
    use(first, squared_distances(x.slice(0, first, std::min(first + kRows, x.size(0))), y));
}

// Squared distance of each row of x to its k-th nearest other row: [N].
Tensor radii(const Tensor& x, int64_t k) {
  std::vector<Tensor> pieces;
  // Its own distance, 0, is among the smallest: the k-th other one is the (k+1)-th of all.
  for_distances(x, x, [&](int64_t, const Tensor& d) { pieces.push_back(std::get<0>(d.kthvalue(k + 1, 1))); });
  return torch::cat(pieces);
}

// Share of the rows of x that lie in a ball around a row of `centres`.
double share_inside(const Tensor& x, const Tensor& centres, const Tensor& radius) {
  int64_t inside = 0;
  for_distances(x, centres, [&](int64_t, const Tensor& d) { inside += (d <= radius).any(1).sum().item<int64_t>(); });
  return static_cast<double>(inside) / static_cast<double>(x.size(0));
}

// k(x,y) = (x·y / F + 1)^3, [N,M].
Tensor cubic_kernel(const Tensor& x, const Tensor& y) {
  return (x.mm(y.t()) / static_cast<double>(x.size(1)) + 1).pow(3);
}

// Mean over pairs of different rows.
double mean_off_diagonal(const Tensor& kernel) {
  const double n = static_cast<double>(kernel.size(0));
  return (kernel.sum() - kernel.diagonal().sum()).item<double>() / (n * (n - 1));
}

// Each side by an order of its own, so that equal sets do not meet item by item.
Tensor shuffled(const Tensor& x, const char* side) {
  return exact(x).index_select(0, Rng(0).split("kid").split(side).permutation(x.size(0)));
}

}  // namespace

double frechet_classifier_distance(const Tensor& generated, const Tensor& real) {
  check_pair("fcd", generated, real, 2);
  return frechet_distance(moments_of(generated), moments_of(real));
}

double unbiased_mmd(const Tensor& x, const Tensor& y) {
  check_pair("kid", x, y, 2);
  const Tensor a = exact(x), b = exact(y);
  return mean_off_diagonal(cubic_kernel(a, a)) + mean_off_diagonal(cubic_kernel(b, b)) -
         2 * cubic_kernel(a, b).mean().item<double>();
}

KernelDistance kernel_distance(const Tensor& generated, const Tensor& real) {
  check_pair("kid", generated, real, kLeastBlock);
  const int64_t n = std::min(generated.size(0), real.size(0));
  KernelDistance result;
  result.block_size = std::clamp(n / kBlocks, kLeastBlock, kBlock);
  result.blocks = n / result.block_size;
  const Tensor x = shuffled(generated, "generated"), y = shuffled(real, "real");
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < result.blocks; ++i) {
    const int64_t first = i * result.block_size, end = first + result.block_size;
    const double value = unbiased_mmd(x.slice(0, first, end), y.slice(0, first, end));
    sum += value;
    squares += value * value;
  }
  const double blocks = static_cast<double>(result.blocks);
  result.value = sum / blocks;
  if (result.blocks >= 2)
    result.standard_error = std::sqrt(std::max(0.0, squares / blocks - result.value * result.value) / (blocks - 1));
  return result;
}

Tensor squared_distances(const Tensor& x, const Tensor& y) {
  check_pair("distances", x, y, 1);
  const Tensor origin = exact(y).mean(0), a = exact(x) - origin, b = exact(y) - origin;
  const Tensor norms = a.square().sum(1, true) + b.square().sum(1).view({1, -1});  // [N,M]
  const Tensor d = torch::addmm(norms, a, b.t(), 1, -2);
  return d.masked_fill_(d <= kRounding * norms, 0);
}

PrecisionRecall precision_recall(const Tensor& generated, const Tensor& real, int64_t k) {
  SEXTANT_CHECK(k >= 1, "[precision_recall] needs at least one neighbour; got ", k);
  check_pair("precision_recall", generated, real, k + 1);
  const Tensor x = exact(generated), y = exact(real);
  return {.precision = share_inside(x, y, radii(y, k)), .recall = share_inside(y, x, radii(x, k))};
}

double inception_score(const Tensor& probabilities) {
  const Tensor p = check_probabilities("inception_score", probabilities);
  const Tensor marginal = p.mean(0, true);  // [1,K]
  // xlogy: 0 log 0 = 0. Where the marginal is 0 so is every p.
  const double mean_kl = (torch::xlogy(p, p) - torch::xlogy(p, marginal)).sum(1).mean().item<double>();
  return std::exp(std::max(mean_kl, 0.0));  // equal rows: a rounding error below 0
}

ClassCoverage class_coverage(const Tensor& probabilities) {
  const Tensor p = check_probabilities("class_coverage", probabilities);
  const Tensor counts = torch::bincount(p.argmax(1), {}, p.size(1));  // [K]
  const double n = static_cast<double>(p.size(0));
  ClassCoverage result;
  for (int64_t k = 0; k < p.size(1); ++k) {
    const int64_t count = counts[k].item<int64_t>();
    const double share = static_cast<double>(count) / n;
    result.counts.push_back(count);
    if (share >= kCoveredShare) ++result.covered;
    if (count > 0) result.entropy -= share * std::log(share);
  }
  result.entropy = std::max(result.entropy, 0.0);  // one class: no -0
  return result;
}

Confidence confidence(const Tensor& probabilities) {
  const Tensor top = std::get<0>(check_probabilities("confidence", probabilities).max(1));
  return {.share = (top >= kConfident).to(at::kDouble).mean().item<double>(), .mean = top.mean().item<double>()};
}

double mean_pairwise_distance(const Tensor& bytes) {
  SEXTANT_CHECK(bytes.dim() == 4 && bytes.scalar_type() == at::kByte && bytes.size(0) >= 2,
                "[pairwise_distance] expected at least two pictures of bytes [N,C,H,W]; got ", shape_text(bytes));
  const int64_t n = std::min(bytes.size(0), kPairPictures);
  // At random, the same always: samples of all classes in turn have a period that even spacing could meet.
  const Tensor x = exact(subset({.x = bytes, .labels = {}}, n).x).flatten(1) / 255;
  double sum = 0;
  for_distances(x, x, [&](int64_t, const Tensor& d) { sum += d.sqrt().sum().item<double>(); });
  return sum / (static_cast<double>(n) * static_cast<double>(n - 1));
}

namespace {

Json fcd_of(const Features& generated, const Features& real) {
  Json json = {{"fcd", frechet_classifier_distance(generated.features, real.features)}};
  if (std::min(generated.n(), real.n()) <= real.features.size(1)) json["note"] = kLacksRank;
  return json;
}

Json kid_of(const Features& generated, const Features& real) {
  const KernelDistance kid = kernel_distance(generated.features, real.features);
  Json json = {
      {"kid", kid.value}, {"kid_standard_error", nullptr}, {"blocks", kid.blocks}, {"block_size", kid.block_size}};
  if (kid.standard_error)
    json["kid_standard_error"] = *kid.standard_error;
  else
    json["reason"] = concat("an error needs two blocks of ", kid.block_size, " pictures");
  return json;
}

Json precision_recall_of(const Features& generated, const Features& real) {
  const PrecisionRecall pr = precision_recall(generated.features, real.features);
  return {{"precision", pr.precision}, {"recall", pr.recall}, {"neighbours", kNeighbours}};
}

Json inception_score_of(const Features& generated, const Features&) {
  return {{"inception_score", inception_score(generated.probabilities)},
          {"largest_possible", generated.probabilities.size(1)}};
}

Json coverage_of(const Features& generated, const Features&) {
  const ClassCoverage coverage = class_coverage(generated.probabilities);
  return {{"classes_covered", coverage.covered}, {"classes", coverage.counts.size()},
          {"class_entropy", coverage.entropy},   {"covered_from_share", kCoveredShare},
          {"counts", coverage.counts},           {"unit", "entropy in nats"}};
}

Json confidence_of(const Features& generated, const Features&) {
  const Confidence sure = confidence(generated.probabilities);
  return {{"confident", sure.share}, {"mean_confidence", sure.mean}, {"threshold", kConfident}};
}

void check_finite(const Features& side) {
  SEXTANT_CHECK(side.features.isfinite().all().item<bool>() && side.probabilities.isfinite().all().item<bool>(),
                "[scores] some features are not finite: the samples or the classifier's weights are broken");
}

}  // namespace

const std::vector<SampleScore>& sample_scores() {
  static const std::vector<SampleScore> all = {
      {"fcd", "Fréchet classifier distance of samples to the test split; lower is better", {"fcd"}, 2, true, fcd_of},
      {"kid",
       "kernel distance of samples to the test split, unbiased, cubic kernel",
       {"kid", "kid_standard_error"},
       kLeastBlock,
       true,
       kid_of},
      {"precision_recall",
       "samples among the real manifold, and real pictures among the samples'",
       {"precision", "recall"},
       kNeighbours + 1,
       true,
       precision_recall_of},
      {"inception_score",
       "confident and diverse? between 1 and the number of classes, on our classifier",
       {"inception_score"},
       1,
       false,
       inception_score_of},
      {"coverage",
       "classes that get at least 1 % of the samples, and the entropy of their shares",
       {"classes", "classes_covered", "class_entropy"},
       1,
       false,
       coverage_of},
      {"confidence",
       "share of samples whose class the classifier is sure of",
       {"confident", "mean_confidence"},
       1,
       false,
       confidence_of},
  };
  return all;
}

Json score_by(const SampleScore& score, const Features& generated, const Features& real) {
  check_finite(generated), check_finite(real);
  if (std::min(generated.n(), real.n()) >= score.least) return score.of(generated, real);
  Json json = {{"reason", concat("needs at least ", score.least, " pictures a side")}};
  for (const char* key : score.keys) json[key] = nullptr;
  return json;
}

Json score_samples(const Features& generated, const Features& real) {
  Json json = {{"n", generated.n()},
               {"n_real", real.n()},
               {"feature_width", real.n() > 0 ? real.features.size(1) : 0},
               {"reasons", Json::object()},
               {"notes", Json::object()}};
  if (generated.n() != real.n())
    json["notes"]["n"] = "the two sides differ in size; scores of unequal N do not compare";
  for (const SampleScore& score : sample_scores()) {
    const Json one = score_by(score, generated, real);
    for (const char* key : score.keys) {
      json[key] = one.at(key);
      if (one.at(key).is_null()) json["reasons"][key] = one.at("reason");
    }
    if (one.contains("note")) json["notes"][score.name] = one["note"];
  }
  return json;
}

}  // namespace sextant
