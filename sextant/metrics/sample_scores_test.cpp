#include "sextant/metrics/sample_scores.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sextant/base/check.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

Tensor gaussian(int64_t n, int64_t F, uint64_t seed) { return Rng(seed).normal({n, F}); }

// n rows, each one of K classes for certain.
Tensor one_hot(int64_t n, int64_t K) { return torch::one_hot(torch::arange(n) % K, K).to(at::kFloat); }

Tensor random_probabilities(int64_t n, int64_t K, uint64_t seed) { return (3 * gaussian(n, K, seed)).softmax(1); }

// Naive: every distance by its definition.
double distance(const Tensor& a, const Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).square().sum().item<double>();
}

TEST(FrechetClassifierDistance, FallsWithNBetweenTwoHalvesOfOneGaussian) {
  double before = 1e9;
  for (const int64_t n : {50, 200, 800, 3200}) {
    const double d = frechet_classifier_distance(gaussian(n, 16, 1), gaussian(n, 16, 2));
    EXPECT_LT(d, before / 2) << n;  // the bias is about 1/n, so a fourth is expected
    before = d;
  }
}

TEST(FrechetClassifierDistance, RisesWithTheShiftAndTheCollapse) {
  const Tensor real = gaussian(1000, 8, 3), same = gaussian(1000, 8, 4);
  const double near = frechet_classifier_distance(same, real);
  EXPECT_GT(frechet_classifier_distance(same + 0.5, real), near + 1);
  EXPECT_GT(frechet_classifier_distance(same.slice(0, 0, 1).repeat({1000, 1}), real), near + 4);
}

// The blind spot of exercise 14.10: one picture a class, repeated, has the best score there is and is far from the
// data.
TEST(InceptionScore, OnePictureAClassRepeatedScoresKAndIsFarFromTheData) {
  const int64_t n = 1000, K = 10, F = 8;
  EXPECT_NEAR(inception_score(one_hot(n, K)), 10, 1e-9);
  const Tensor sure = torch::log_softmax(12 * one_hot(n, K), 1).exp();
  EXPECT_GT(inception_score(sure), 9.9);
  const Tensor centres = 3 * gaussian(K, F, 5), label = torch::arange(n) % K;
  const Tensor real = centres.index_select(0, label) + gaussian(n, F, 6);
  const Tensor repeated = real.slice(0, 0, K).index_select(0, label);
  const double floor = frechet_classifier_distance(centres.index_select(0, label) + gaussian(n, F, 7), real);
  EXPECT_GT(frechet_classifier_distance(repeated, real), 20 * floor);
  const PrecisionRecall collapsed = precision_recall(repeated, real);
  EXPECT_EQ(collapsed.precision, 1);  // they are real pictures
  EXPECT_LT(collapsed.recall, 0.05);
}

TEST(InceptionScore, StaysBetweenOneAndKAndEqualsItsDefinition) {
  EXPECT_NEAR(inception_score(torch::full({7, 5}, 0.2)), 1, 1e-9);
  EXPECT_NEAR(inception_score(one_hot(5, 5).slice(0, 0, 1).repeat({9, 1})), 1, 1e-12);
  for (uint64_t seed = 1; seed < 6; ++seed) {
    const Tensor p = random_probabilities(40, 6, seed).to(at::kDouble);
    double kl = 0;
    for (int64_t i = 0; i < 40; ++i)
      for (int64_t k = 0; k < 6; ++k)
        kl += p[i][k].item<double>() * std::log(p[i][k].item<double>() / p.select(1, k).mean().item<double>()) / 40;
    EXPECT_NEAR(inception_score(p), std::exp(kl), 1e-9);
    EXPECT_GE(inception_score(p), 1);
    EXPECT_LE(inception_score(p), 6);
  }
}

// Against three sums over pairs.
TEST(KernelDistance, OfABlockEqualsTheSumsOverPairs) {
  const int64_t n = 12, F = 5;
  const Tensor x = gaussian(n, F, 1), y = gaussian(n, F, 2) + 0.3;
  const auto k = [&](const Tensor& a, const Tensor& b) {
    return std::pow((a.to(at::kDouble) * b.to(at::kDouble)).sum().item<double>() / F + 1, 3);
  };
  double xx = 0, yy = 0, xy = 0;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      if (i != j) xx += k(x[i], x[j]), yy += k(y[i], y[j]);
      xy += k(x[i], y[j]);
    }
  const double pairs = static_cast<double>(n * (n - 1));
  EXPECT_NEAR(unbiased_mmd(x, y), xx / pairs + yy / pairs - 2 * xy / static_cast<double>(n * n), 1e-9);
}

// 60 seeds: the mean lies within 4 of its standard errors of 0, and the reported errors are those of the spread. A
// biased estimate (the diagonal kept) is off by E k(x,x)/n, 30 standard errors here.
TEST(KernelDistance, IsUnbiasedBetweenEqualDistributionsAndKnowsItsError) {
  const int64_t seeds = 60, n = 200, F = 4;
  double sum = 0, squares = 0, reported = 0;
  for (int64_t s = 0; s < seeds; ++s) {
    const auto seed = static_cast<uint64_t>(s);
    const KernelDistance d = kernel_distance(gaussian(n, F, 100 + seed), gaussian(n, F, 900 + seed));
    EXPECT_EQ(d.blocks, 10);
    sum += d.value;
    squares += d.value * d.value;
    reported += d.standard_error.value() * d.standard_error.value() / seeds;
  }
  const double mean = sum / seeds, variance = squares / seeds - mean * mean;
  EXPECT_LT(std::abs(mean), 4 * std::sqrt(variance / seeds));
  EXPECT_NEAR(std::sqrt(reported / variance), 1, 0.4);  // each of the two variances is known to about 25 %
  EXPECT_GT(kernel_distance(gaussian(n, F, 1) + 0.5, gaussian(n, F, 2)).value, 0.3);
}

// Far from the origin the binomial formula alone would lose 1e-8; and equal rows must be at exactly 0, or balls of
// radius 0 would miss their own centre.
TEST(SquaredDistances, EqualTheDefinitionAndAreZeroBetweenEqualRows) {
  const Tensor x = gaussian(60, 40, 1) + 1000, y = torch::cat({gaussian(7, 40, 2) + 1000, x});
  const Tensor d = squared_distances(x, y);
  for (int64_t i = 0; i < 9; ++i)
    for (int64_t j = 0; j < 12; ++j) EXPECT_NEAR(d[i][j].item<double>(), distance(x[i], y[j]), 1e-9);
  EXPECT_EQ(d.slice(1, 7).diagonal().abs().max().item<double>(), 0);
}

// The naive way: for each point every ball, for each ball its k-th nearest by sorting.
double naive_share_inside(const Tensor& x, const Tensor& centres, int64_t k) {
  int64_t inside = 0;
  for (int64_t i = 0; i < x.size(0); ++i) {
    bool found = false;
    for (int64_t j = 0; j < centres.size(0) && !found; ++j) {
      std::vector<double> others;
      for (int64_t l = 0; l < centres.size(0); ++l)
        if (l != j) others.push_back(distance(centres[j], centres[l]));
      std::ranges::sort(others);
      found = distance(x[i], centres[j]) <= others[static_cast<size_t>(k - 1)];
    }
    inside += found;
  }
  return static_cast<double>(inside) / static_cast<double>(x.size(0));
}

TEST(PrecisionRecall, EqualsTheNaiveComputation) {
  const Tensor real = gaussian(30, 3, 1), generated = 0.6 * gaussian(25, 3, 2) + 0.7;
  for (const int64_t k : {1, 3}) {
    const PrecisionRecall pr = precision_recall(generated, real, k);
    EXPECT_EQ(pr.precision, naive_share_inside(generated, real, k));
    EXPECT_EQ(pr.recall, naive_share_inside(real, generated, k));
    EXPECT_GT(pr.precision, pr.recall);
  }
}

// More rows than one block holds, against one matrix of all distances.
TEST(PrecisionRecall, DoesNotDependOnTheBlocks) {
  const Tensor real = gaussian(1300, 4, 1), generated = 0.7 * gaussian(1100, 4, 2) + 0.4;
  const auto inside = [](const Tensor& x, const Tensor& c) {
    const Tensor radius = std::get<0>(torch::cdist(c.to(at::kDouble), c.to(at::kDouble)).sort(1)).select(1, 3);
    return (torch::cdist(x.to(at::kDouble), c.to(at::kDouble)) <= radius).any(1).to(at::kDouble).mean().item<double>();
  };
  const PrecisionRecall pr = precision_recall(generated, real);
  EXPECT_NEAR(pr.precision, inside(generated, real), 1e-3);  // cdist rounds otherwise: a point on the rim may differ
  EXPECT_NEAR(pr.recall, inside(real, generated), 1e-3);
}

TEST(PrecisionRecall, IsOneForEqualSetsZeroForFarOnesAndSmallForCollapse) {
  const Tensor real = gaussian(200, 8, 1);
  const PrecisionRecall equal = precision_recall(real, real), far = precision_recall(real + 100, real);
  EXPECT_EQ(equal.precision, 1);
  EXPECT_EQ(equal.recall, 1);
  EXPECT_EQ(far.precision, 0);
  EXPECT_EQ(far.recall, 0);
  const Tensor repeated = real.slice(0, 0, 10).repeat({20, 1});
  EXPECT_EQ(precision_recall(repeated, real).precision, 1);
  EXPECT_EQ(precision_recall(repeated, real).recall, 10.0 / 200);  // those very pictures
  EXPECT_EQ(precision_recall(repeated, repeated).recall, 1);       // balls of radius 0 hold their own centre
}

TEST(ClassCoverage, CountsClassesWithAHundredthOfTheSamples) {
  const ClassCoverage even = class_coverage(one_hot(1000, 10));
  EXPECT_EQ(even.covered, 10);
  EXPECT_NEAR(even.entropy, std::log(10.0), 1e-12);
  EXPECT_EQ(even.counts, std::vector<int64_t>(10, 100));
  const Tensor labels = torch::cat({torch::zeros({991}, at::kLong), torch::ones({9}, at::kLong)});
  EXPECT_EQ(class_coverage(torch::one_hot(labels, 10)).covered, 1);  // 9 of 1000 do not count
  const ClassCoverage single = class_coverage(one_hot(10, 10).slice(0, 0, 1));
  EXPECT_EQ(single.covered, 1);
  EXPECT_EQ(single.entropy, 0);
  EXPECT_FALSE(std::signbit(single.entropy));
}

TEST(ConfidenceScore, IsTheShareAboveNineTenthsAndTheMeanOfTheLargest) {
  const Confidence c = confidence(torch::tensor({{0.95, 0.05}, {0.1, 0.9}, {0.5, 0.5}, {0.89, 0.11}}, at::kDouble));
  EXPECT_EQ(c.share, 0.5);
  EXPECT_NEAR(c.mean, (0.95 + 0.9 + 0.5 + 0.89) / 4, 1e-12);
}

TEST(PairwiseDistance, EqualsTheMeanOverPairsAndIsZeroForCopies) {
  const Tensor bytes = Rng(1).integers(0, 256, {8, 1, 3, 3}).to(at::kByte);
  double sum = 0;
  for (int64_t i = 0; i < 8; ++i)
    for (int64_t j = 0; j < i; ++j) sum += std::sqrt(distance(bytes[i], bytes[j])) / 255;
  EXPECT_NEAR(mean_pairwise_distance(bytes), sum / 28, 1e-9);
  EXPECT_EQ(mean_pairwise_distance(bytes.slice(0, 0, 1).repeat({5, 1, 1, 1})), 0);
  // A larger set is thinned without regard to its order. Of ten pictures in turn two are different, and then sqrt(2)
  // apart, in 9 of 10 pairs.
  const Tensor in_turn = torch::eye(10, at::kByte).mul_(255).view({10, 1, 1, 10}).repeat({1000, 1, 1, 1});
  EXPECT_NEAR(mean_pairwise_distance(in_turn), 0.9 * std::sqrt(2), 0.005);
}

// ---- the whole record ----

void expect_no_nan(const Json& json) {
  for (const auto& [name, value] : json.items())
    EXPECT_TRUE(!value.is_number() || std::isfinite(value.get<double>())) << name;
}

Features made(int64_t n, uint64_t seed, int64_t F = 8) {
  return {.features = gaussian(n, F, seed), .probabilities = random_probabilities(n, 10, seed + 50)};
}

TEST(ScoreSamples, HoldsEveryScoreByItsOwnFunction) {
  const Features generated = made(300, 1), real = made(300, 2);
  const Json json = score_samples(generated, real);
  expect_no_nan(json);
  EXPECT_TRUE(json.at("reasons").empty() && json.at("notes").empty()) << json.dump();
  EXPECT_EQ(json.at("fcd"), frechet_classifier_distance(generated.features, real.features));
  EXPECT_EQ(json.at("kid"), kernel_distance(generated.features, real.features).value);
  EXPECT_EQ(json.at("recall"), precision_recall(generated.features, real.features).recall);
  EXPECT_EQ(json.at("inception_score"), inception_score(generated.probabilities));
  EXPECT_EQ(json.at("n"), 300);
}

TEST(ScoreSamples, DegenerateSetsGiveAValueOrNullWithAReason) {
  const Features real = made(50, 2);
  Features constant = made(50, 1);
  constant.features = constant.features.slice(0, 0, 1).repeat({50, 1});
  constant.probabilities = constant.probabilities.slice(0, 0, 1).repeat({50, 1});
  const Json same = score_samples(constant, real);
  expect_no_nan(same);
  EXPECT_TRUE(same.at("reasons").empty()) << same.dump();
  EXPECT_NEAR(same.at("inception_score").get<double>(), 1, 1e-9);
  EXPECT_LE(same.at("recall").get<double>(), 0.02);

  for (const int64_t n : {0, 1, 2, 3, 5}) {
    const Json json = score_samples(made(n, 3), made(n, 4));
    expect_no_nan(json);
    EXPECT_EQ(json.at("fcd").is_null(), n < 2) << n;
    EXPECT_EQ(json.at("kid").is_null(), n < 4) << n;
    EXPECT_EQ(json.at("precision").is_null(), n < 4) << n;
    EXPECT_EQ(json.at("inception_score").is_null(), n < 1) << n;
    EXPECT_EQ(json.at("notes").contains("fcd"), n >= 2) << n;  // no more pictures than features
    for (const auto& [name, value] : json.items())
      EXPECT_TRUE(!value.is_null() || name == "classes" || json.at("reasons").contains(name)) << n << " " << name;
  }
  EXPECT_TRUE(score_samples(made(20, 1), made(30, 2)).at("notes").contains("n"));
  Features broken = made(50, 1);
  broken.features[7][3] = std::nan("");
  EXPECT_THROW(score_samples(broken, real), Error);
}

}  // namespace
}  // namespace sextant
