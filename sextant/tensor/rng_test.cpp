#include "sextant/tensor/rng.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sextant/base/check.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

TEST(Rng, EqualSeedsGiveEqualBytesAndOthersDoNot) {
  Rng a(7), b(7), c(8);
  const Tensor x = a.normal({3, 5});
  EXPECT_TRUE(x.equal(b.normal({3, 5})));
  EXPECT_FALSE(x.equal(c.normal({3, 5})));
  EXPECT_FALSE(x.equal(a.normal({3, 5})));  // the stream has moved on
}

TEST(Rng, ACopyRepeatsWhatFollows) {
  Rng first(1);
  first.uniform({10});
  Rng rng = first;
  const Tensor u = first.uniform({100}), i = first.integers(0, 1000, {7}), p = first.permutation(50);
  const uint64_t bits = first.bits();
  EXPECT_TRUE(u.equal(rng.uniform({100})));
  EXPECT_TRUE(i.equal(rng.integers(0, 1000, {7})));
  EXPECT_TRUE(p.equal(rng.permutation(50)));
  EXPECT_EQ(bits, rng.bits());
}

TEST(Rng, SplitsDependOnKeyAndNameOnly) {
  Rng rng(1);
  const Tensor before = rng.split("noise").normal({8});
  rng.normal({100});
  EXPECT_TRUE(before.equal(rng.split("noise").normal({8})));
  EXPECT_FALSE(before.equal(rng.split("order").normal({8})));
  EXPECT_FALSE(rng.split(1).normal({8}).equal(rng.split(2).normal({8})));
  EXPECT_FALSE(before.equal(Rng(2).split("noise").normal({8})));
}

// n draws of a mean of variance v: within 5 standard errors, one chance in 1.7 million of a false alarm.
TEST(Rng, StreamsOfNeighbouringSeedsAreUncorrelated) {
  const int64_t n = 200000;
  const Tensor a = Rng(1).normal({n}), b = Rng(2).normal({n}), c = Rng(1).split(uint64_t{0}).normal({n});
  const double limit = 5 / std::sqrt(static_cast<double>(n));
  for (const Tensor& other : {b, c}) EXPECT_LT(std::abs((a * other).mean().item<double>()), limit);
  EXPECT_LT(std::abs(a.mean().item<double>()), limit);
  EXPECT_LT(std::abs(a.var().item<double>() - 1), 5 * std::sqrt(2.0 / static_cast<double>(n)));
}

TEST(Rng, IntegersAreUniformAndStayInTheirRange) {
  const int64_t n = 70000;
  const Tensor counts = torch::bincount(Rng(3).integers(-3, 4, {n}) + 3, {}, 7);
  ASSERT_EQ(counts.numel(), 7);
  const double expected = static_cast<double>(n) / 7;
  const double chi2 = ((counts.to(at::kDouble) - expected).square() / expected).sum().item<double>();
  EXPECT_LT(chi2, 35.9);  // 6 degrees of freedom: one chance in 350,000
  EXPECT_THROW(Rng(3).integers(4, 4, {1}), Error);
}

TEST(Rng, PermutationsHoldEachNumberOnceAndEachOrderEquallyOften) {
  EXPECT_TRUE(std::get<0>(Rng(4).permutation(1000).sort()).equal(torch::arange(1000)));
  EXPECT_EQ(Rng(4).permutation(0).numel(), 0);
  Rng rng(5);
  std::map<int64_t, int> orders;
  const int n = 24000;
  for (int i = 0; i < n; ++i) {
    const Tensor p = rng.permutation(4);
    ++orders[(p * torch::tensor({1, 10, 100, 1000})).sum().item<int64_t>()];
  }
  ASSERT_EQ(orders.size(), 24u);
  double chi2 = 0;
  for (const auto& [order, count] : orders) chi2 += (count - n / 24.0) * (count - n / 24.0) / (n / 24.0);
  EXPECT_LT(chi2, 67);  // 23 degrees of freedom: one chance in 300,000
}

}  // namespace
}  // namespace sextant
