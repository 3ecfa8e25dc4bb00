// Winograd against direct sums in double in all three directions, on a grid of shapes and every instruction set.
#include "sextant/kernels/winograd.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/conv_case.h"
#include "sextant/kernels/each_target.h"

namespace sextant::kernels {
namespace {

// Largest difference over the root mean square of what is expected: F(4,3) amplifies roundings to some 1e-6 of it.
double error(const std::vector<float>& got, const std::vector<float>& expected) {
  double worst = 0, square = 1e-12;
  for (size_t i = 0; i + 1 < expected.size(); ++i) {
    const double difference = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
    if (!(difference <= worst)) worst = difference;  // NaN too
    square += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
  }
  EXPECT_EQ(got.back(), kGuard) << "wrote beyond the end";
  return worst / std::sqrt(square / static_cast<double>(std::max<size_t>(1, expected.size() - 1)));
}
constexpr double kTolerance = 4e-5;  // the worst of some 1e5 numbers; a wrong term is of size 1

struct Case : ConvCase {
  using ConvCase::ConvCase;

  void run(bool extras = true) {
    std::vector<float> v(static_cast<size_t>(std::max(winograd_weights_size(s.in, s.out, ConvPass::kForward),
                                                      winograd_weights_size(s.in, s.out, ConvPass::kBackwardData))));
    winograd_weights(filter(), s.in, s.out, ConvPass::kForward, v.data());
    winograd_convolve(s, x.data(), v.data(), extras ? b.data() : nullptr, extras ? add_y.data() : nullptr, y.data());
    winograd_weights(filter(), s.in, s.out, ConvPass::kBackwardData, v.data());
    winograd_convolve({s.batch, s.height, s.width, s.out, s.in}, dy.data(), v.data(), nullptr,
                      extras ? add_x.data() : nullptr, dx.data());
    winograd_weight_gradient(s, x.data(), dy.data(), dw.data(), extras ? db.data() : nullptr);
  }
};

void expect_equal(const ConvShape& s, bool extras = true) {
  SCOPED_TRACE(concat("[", s.batch, ",", s.height, ",", s.width, "] ", s.in, " -> ", s.out));
  Case fast(s), plain(s);
  fast.run(extras);
  plain.run_reference(extras, extras);
  EXPECT_LT(error(fast.y, plain.y), kTolerance) << "y";
  EXPECT_LT(error(fast.dx, plain.dx), kTolerance) << "dx";
  EXPECT_LT(error(fast.dw, plain.dw), kTolerance) << "dw";
  EXPECT_LT(error(fast.db, plain.db), kTolerance) << "db";
}

TEST(Winograd, EqualsDirectSumsForEveryEdge) {  // all sixteen kinds of ragged tiles, H != W, one pixel, few tiles
  each_target([&](int64_t) {
    for (int64_t h : {1, 2, 3, 4, 5, 7, 10, 14})
      for (int64_t w : {1, 2, 3, 4, 6, 9}) expect_equal({2, h, w, 5, 7});
  });
}

TEST(Winograd, EqualsDirectSumsForAnyChannels) {
  each_target([&](int64_t) {
    for (const auto& [in, out] :
         {std::pair{1, 1}, {1, 20}, {16, 1}, {17, 33}, {64, 64}, {70, 130}, {130, 65}, {260, 3}})
      expect_equal({3, 7, 5, in, out});
  });
}

TEST(Winograd, EqualsDirectSumsOverManyBlocks) {
  expect_equal({9, 28, 28, 16, 24});
  expect_equal({40, 7, 7, 144, 100});
  expect_equal({1, 4, 4, 8, 8}, false);
  expect_equal({3, 9, 6, 8, 8}, false);
  expect_equal({0, 4, 4, 8, 8});
}

TEST(Winograd, WeightsMayHaveAnyStrides) {
  const ConvShape s{2, 6, 5, 19, 23};
  Case c(s);
  c.run();
  std::vector<float> last(c.w.size());  // channels_last: [O,3,3,C]
  for (int64_t o = 0; o < s.out; ++o)
    for (int64_t i = 0; i < s.in; ++i)
      for (int64_t tap = 0; tap < 9; ++tap)
        last[static_cast<size_t>((o * 9 + tap) * s.in + i)] = c.w[static_cast<size_t>((o * s.in + i) * 9 + tap)];
  for (ConvPass pass : {ConvPass::kForward, ConvPass::kBackwardData}) {
    std::vector<float> a(static_cast<size_t>(winograd_weights_size(s.in, s.out, pass))), b(a.size());
    winograd_weights(contiguous_filter(c.w.data(), s.in), s.in, s.out, pass, a.data());
    winograd_weights({last.data(), 9 * s.in, 1, s.in}, s.in, s.out, pass, b.data());
    EXPECT_EQ(a, b);
  }
}

TEST(Winograd, ConvolutionKnowsNothingOfThreadsAndGradientsRepeat) {
  const ConvShape s{5, 14, 9, 70, 40};
  Case one(s);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  one.run();
  for (int t : {2, 3, 50}) {
    omp_set_num_threads(t);
    Case many(s), again(s);
    many.run();
    again.run();
    EXPECT_TRUE(many.y == one.y && many.dx == one.dx) << t << " threads";
    EXPECT_TRUE(many.dw == again.dw && many.db == again.db) << t << " threads";
    EXPECT_LT(error(many.dw, one.dw), kTolerance);
  }
  omp_set_num_threads(threads);
}

TEST(Winograd, NotANumberStaysNearItsPixel) {
  Case c({1, 12, 12, 20, 20});
  c.x[0] = NAN;
  c.run();
  EXPECT_TRUE(std::isnan(c.y[0]));
  EXPECT_FALSE(std::isnan(c.y[(11 * 12 + 11) * 20]));
}

TEST(Winograd, RefusesNullAndEmpty) {
  Case c({1, 4, 4, 8, 8});
  EXPECT_THROW(winograd_weights_size(0, 8, ConvPass::kForward), Error);
  EXPECT_THROW(winograd_convolve({1, 0, 4, 8, 8}, c.x.data(), c.w.data(), nullptr, nullptr, c.y.data()), Error);
  EXPECT_THROW(winograd_convolve(c.s, nullptr, c.w.data(), nullptr, nullptr, c.y.data()), Error);
  EXPECT_THROW(winograd_weight_gradient(c.s, c.x.data(), nullptr, c.dw.data(), nullptr), Error);
}

}  // namespace
}  // namespace sextant::kernels
