// Scores of samples by a classifier's features and probabilities (metrics/features.h). They stand beside the
// likelihood, not instead of it, and each is blind to something: exercise 14.10 shows how each misleads. None is "FID"
// or "IS" as published: those need the official Inception net; on our classifier the distance is called FCD, the
// Fréchet classifier distance. A score depends on N: compare equal N only. All arithmetic is in double.
#pragma once

#include <optional>

#include "sextant/base/json.h"
#include "sextant/metrics/features.h"

namespace sextant {

// Fréchet distance of the Gaussians with the two sets' mean and covariance (Heusel et al. 2017, eq. 6): lower is
// better, biased upward by an amount that falls as 1/N. generated [N,F], real [M,F], both at least 2.
double frechet_classifier_distance(const Tensor& generated, const Tensor& real);

// The note of a score whose covariance has no more rows than columns.
constexpr const char* kLacksRank = "no more pictures than features: a covariance lacks rank, and the bias is large";

// Squared maximum mean discrepancy under k(x,y) = (x·y / F + 1)^3 (Bińkowski et al. 2018, section 4), unbiased: about 0
// between equal distributions and sometimes below. A mean over disjoint blocks of the shuffled sets.
struct KernelDistance {
  double value = 0;
  std::optional<double> standard_error;  // of that mean, by the spread of the blocks; none with a single block
  int64_t blocks = 0, block_size = 0;
};
// Blocks of min(1000, N/10), at least 4; N the smaller set, at least 4. The shuffles are fixed.
KernelDistance kernel_distance(const Tensor& generated, const Tensor& real);
// The unbiased estimate of one block, both [N,F] with N >= 2 (Gretton et al. 2012, eq. 3).
double unbiased_mmd(const Tensor& x, const Tensor& y);

// Kynkäänniemi et al. 2019, eq. 1 and 2: the share of the generated that lies in the manifold of the real (precision),
// and of the real in that of the generated (recall). A set's manifold is the union of closed balls around its members
// with their k-th nearest other member on the rim. Computed in blocks: memory is linear in N.
struct PrecisionRecall {
  double precision = 0, recall = 0;
};
constexpr int64_t kNeighbours = 3;
PrecisionRecall precision_recall(const Tensor& generated, const Tensor& real, int64_t k = kNeighbours);  // N > k

// Squared Euclidean distances of x [N,F] and y [M,F]: [N,M] float64. By the binomial formula about the mean of y, and
// where that leaves only rounding (relative 1e-12) exactly 0, so that equal rows are at distance 0.
Tensor squared_distances(const Tensor& x, const Tensor& y);

// exp of the mean KL(p(y|x) || p(y)) over probabilities [N,K], N >= 1, without splits: between 1 and K (Salimans et al.
// 2016, with our classifier for Inception).
double inception_score(const Tensor& probabilities);

// Which classes the samples fall into, by the most probable one of each. N >= 1.
struct ClassCoverage {
  std::vector<int64_t> counts;  // [K]
  int64_t covered = 0;          // classes with at least kCoveredShare of the samples
  double entropy = 0;           // of the histogram, nats: log K where all are equally frequent
};
constexpr double kCoveredShare = 0.01;
ClassCoverage class_coverage(const Tensor& probabilities);

// How sure the classifier is of each sample. N >= 1.
struct Confidence {
  double share = 0;  // of samples whose most probable class has at least kConfident
  double mean = 0;   // of the largest probability
};
constexpr double kConfident = 0.9;
Confidence confidence(const Tensor& probabilities);

// Mean Euclidean distance of two different pictures of bytes [N,C,H,W], pixels in [0,1], over all pairs among at most
// 2000 chosen at random, the same always; N >= 2. 0: every picture is the same.
double mean_pairwise_distance(const Tensor& bytes);

// The scores above that features give, as rows: `sextant eval` and the pages find them here.
struct SampleScore {
  const char* name;               // "kid"
  const char* text;               // what it is
  std::vector<const char*> keys;  // of the numbers that pages keep: "kid", "kid_standard_error"
  int64_t least;                  // pictures a side that it needs
  bool compares;                  // two sets; else `real` is not looked at
  // Its numbers and what they depend on, by key; null with a "reason" where one can't be had, a "note" where one means
  // less than it seems.
  Json (*of)(const Features& generated, const Features& real);
};
const std::vector<SampleScore>& sample_scores();

// One row's numbers; all null with a "reason" where a side has too few pictures. Nothing is NaN. Throws Error where
// features are not finite or widths differ.
Json score_by(const SampleScore& score, const Features& generated, const Features& real);

// The keys of all rows as one record, with n, n_real and feature_width; "reasons" and "notes" by key and row.
Json score_samples(const Features& generated, const Features& real);

}  // namespace sextant
