// Published vectors, the vector code against plain integers on every instruction set, and the laws of the
// distributions.
#include "sextant/kernels/philox.h"

#include <omp.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/each_target.h"
#include "sextant/kernels/philox_cipher.h"

namespace sextant::kernels {
namespace {

using Block = std::array<uint32_t, 4>;
constexpr uint64_t kKey = 0x0123456789ABCDEFu;
const std::vector<int64_t> kCounts{0, 1, 2, 3, 4, 5, 31, 63, 64, 65, 1000, 100003};
// The last one crosses a carry into the counter's second word inside a vector.
const std::vector<uint64_t> kFirsts{0, 1, 12345, (uint64_t{1} << 32) - 5};

TEST(Philox, CipherGivesThePublishedVectors) {  // kat_vectors of Random123
  EXPECT_EQ(philox_cipher({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t f = 0xffffffff;
  EXPECT_EQ(philox_cipher({f, f, f, f}, {f, f}), (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox_cipher({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, BlockIsTheCipherOfTheCounter) {
  uint32_t words[4];
  philox_block(0, 0, words);
  EXPECT_EQ(words[0], 0x6627e8d5u);
  EXPECT_EQ(words[3], 0x9b00dbd8u);
  philox_block(0x299f31d0a4093822u, 0x85a308d3243f6a88u, words);
  EXPECT_EQ((Block{words[0], words[1], words[2], words[3]}),
            philox_cipher({0x243f6a88, 0x85a308d3, 0, 0}, {0xa4093822, 0x299f31d0}));
}

std::vector<uint32_t> plain_words(uint64_t first, int64_t count) {
  std::vector<uint32_t> words(static_cast<size_t>((count + 3) / 4 * 4));
  for (size_t b = 0; b < words.size() / 4; ++b) philox_block(kKey, first + b, words.data() + 4 * b);
  return words;
}

TEST(Philox, BitsAndUniformsEqualThePlainCipher) {
  each_target([&](int64_t) {
    for (int64_t count : kCounts)
      for (uint64_t first : kFirsts) {
        const auto words = plain_words(first, 2 * count);
        std::vector<uint64_t> bits(static_cast<size_t>(count));
        std::vector<float> uniform(bits.size());
        philox_bits64(kKey, first, bits.data(), count);
        philox_uniform(kKey, first, uniform.data(), count);
        for (size_t i = 0; i < bits.size(); ++i) {
          ASSERT_EQ(bits[i], words[2 * i] | uint64_t{words[2 * i + 1]} << 32) << count << " " << first << " " << i;
          ASSERT_EQ(uniform[i], static_cast<float>(words[i] >> 8) * 0x1p-24f) << count << " " << first << " " << i;
        }
      }
  });
}

TEST(Philox, NormalsEqualBoxMullerInDouble) {
  each_target([&](int64_t) {
    for (int64_t count : kCounts)
      for (uint64_t first : kFirsts) {
        const auto words = plain_words(first, count);
        std::vector<float> z(static_cast<size_t>(count));
        philox_normal(kKey, first, z.data(), count);
        for (size_t i = 0; i < z.size(); ++i) {
          const uint32_t a = words[i & ~size_t{1}], b = words[i | 1];
          // The float nearest to a / 2 + 1/2 is what the kernel takes: near u = 1 the logarithm feels the difference.
          const double u = (static_cast<double>(static_cast<float>(a >> 1) + 0.5f)) * 0x1p-31;
          const double turn = 2 * std::numbers::pi * b * 0x1p-32, radius = std::sqrt(-2 * std::log(u));
          const double expected = radius * (i % 2 == 0 ? std::cos(turn) : std::sin(turn));
          ASSERT_NEAR(z[i], expected, 4e-7 * (1 + radius)) << count << " " << first << " " << i;  // a few float ulps
        }
      }
  });
}

TEST(Philox, FusingTargetsGiveEqualBytes) {
  std::vector<float> chosen(1001), z(chosen.size());
  philox_normal(kKey, 7, chosen.data(), 1001);
  if (!(hwy::SupportedTargets() & kFusingTargets)) GTEST_SKIP() << "this CPU has no fused multiply-add";
  each_target([&](int64_t target) {
    if (!(target & kFusingTargets)) return;
    philox_normal(kKey, 7, z.data(), 1001);
    EXPECT_EQ(z, chosen);
  });
}

TEST(Philox, ResultDependsOnNeitherThreadsNorCount) {
  const int64_t n = 300001;
  std::vector<float> one(n), many(n), part(n / 3);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  philox_normal(kKey, 3, one.data(), n);
  omp_set_num_threads(3);
  philox_normal(kKey, 3, many.data(), n);
  omp_set_num_threads(threads);
  EXPECT_EQ(one, many);
  philox_normal(kKey, 3 + 1000, part.data(), n / 3);  // 1000 blocks on: 4000 numbers on
  EXPECT_TRUE(std::equal(part.begin(), part.end(), one.begin() + 4000));
}

TEST(Philox, ExtremeWordsGiveFiniteNormals) {
  // u = 1 must give 0, u = 2^-32 the largest radius; the draw below holds both ends of a long stream.
  const int64_t n = 1 << 22;
  std::vector<float> z(n);
  philox_normal(kKey, 0, z.data(), n);
  const auto [low, high] = std::minmax_element(z.begin(), z.end());
  EXPECT_TRUE(std::all_of(z.begin(), z.end(), [](float v) { return std::isfinite(v); }));
  EXPECT_LT(std::max(-*low, *high), 6.67f);
  EXPECT_GT(std::min(-*low, *high), 4.5f);  // P(no |z| > 4.5 on one side in 4 million) = exp(-14)
}

// n = 4 million: standard errors 1/sqrt(n), sqrt(2/n), sqrt(6/n), sqrt(24/n) of mean, variance, skewness, kurtosis.
TEST(Philox, NormalMomentsWithinFiveSigma) {
  const int64_t n = 1 << 22;
  std::vector<float> z(n);
  philox_normal(kKey, 99, z.data(), n);
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0, neighbours = 0;
  for (size_t i = 0; i < z.size(); ++i) {
    const double v = z[i], q = v * v;
    m1 += v, m2 += q, m3 += q * v, m4 += q * q, neighbours += i > 0 ? v * z[i - 1] : 0;
  }
  const double count = static_cast<double>(n);
  EXPECT_NEAR(m1 / count, 0, 5 * std::sqrt(1 / count));
  EXPECT_NEAR(m2 / count, 1, 5 * std::sqrt(2 / count));
  EXPECT_NEAR(m3 / count, 0, 5 * std::sqrt(15 / count));
  EXPECT_NEAR(m4 / count, 3, 5 * std::sqrt(96 / count));
  EXPECT_NEAR(neighbours / count, 0, 5 * std::sqrt(1 / count));
}

// Kolmogorov's statistic sqrt(n) sup |F_n - F|; above 2.3 with probability 5e-5.
template <class Cdf>
double kolmogorov(std::vector<float> x, const Cdf& cdf) {
  std::sort(x.begin(), x.end());
  const double n = static_cast<double>(x.size());
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double f = cdf(static_cast<double>(x[i])), below = static_cast<double>(i) / n;
    worst = std::max({worst, std::abs(f - below), std::abs(f - below - 1 / n)});
  }
  return std::sqrt(n) * worst;
}

TEST(Philox, NormalsAndUniformsPassKolmogorovSmirnov) {
  const int64_t n = 1 << 20;
  std::vector<float> x(n);
  philox_normal(kKey, 5, x.data(), n);
  EXPECT_LT(kolmogorov(x, [](double v) { return 0.5 * std::erfc(-v / std::numbers::sqrt2); }), 2.3);
  philox_uniform(kKey, 5, x.data(), n);
  EXPECT_LT(kolmogorov(x, [](double v) { return v; }), 2.3);
  EXPECT_GE(*std::min_element(x.begin(), x.end()), 0.0f);
  EXPECT_LT(*std::max_element(x.begin(), x.end()), 1.0f);
}

TEST(Philox, EachBitIsSetHalfTheTime) {  // n = 2^17 draws, sigma = sqrt(n)/2, five sigma
  const int64_t n = 1 << 17;
  std::vector<uint64_t> bits(n);
  philox_bits64(kKey, 0, bits.data(), n);
  for (int b = 0; b < 64; ++b) {
    int64_t ones = 0;
    for (uint64_t w : bits) ones += static_cast<int64_t>(w >> b & 1);
    EXPECT_NEAR(static_cast<double>(ones), n / 2, 2.5 * std::sqrt(n)) << b;
  }
}

TEST(Philox, RefusesNullAndNegative) {
  float x;
  EXPECT_THROW(philox_normal(0, 0, nullptr, 1), Error);
  EXPECT_THROW(philox_uniform(0, 0, &x, -1), Error);
}

}  // namespace
}  // namespace sextant::kernels
