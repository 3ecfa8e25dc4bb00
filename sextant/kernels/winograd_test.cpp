// Winograd against direct sums in double in all three directions, on a grid of shapes and every instruction set.
#include "sextant/kernels/winograd.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/conv_case.h"
#include "sextant/kernels/each_target.h"
#include "sextant/kernels/pair_unit.h"

namespace sextant::kernels {
namespace {

// Differences over the root mean square of what is expected: F(4,3) amplifies roundings to some 1e-6 of it.
struct Errors {
  double worst = 0, mean = 0;  // mean: root mean square
};
Errors errors(const std::vector<float>& got, const std::vector<float>& expected) {
  Errors e;
  double square = 1e-12;
  for (size_t i = 0; i + 1 < expected.size(); ++i) {
    const double difference = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
    if (!(difference <= e.worst)) e.worst = difference;  // NaN too
    e.mean += difference * difference;
    square += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
  }
  EXPECT_EQ(got.back(), kGuard) << "wrote beyond the end";
  const double scale = std::sqrt(square / static_cast<double>(std::max<size_t>(1, expected.size() - 1)));
  return {e.worst / scale, std::sqrt(e.mean / square)};
}
double error(const std::vector<float>& got, const std::vector<float>& expected) { return errors(got, expected).worst; }
constexpr double kTolerance = 4e-5;  // the worst of some 1e5 numbers; a wrong term is of size 1

struct Case : ConvCase {
  using ConvCase::ConvCase;

  void run(bool extras = true, Precision precision = Precision::kFloat32) {
    const auto weights = [&](ConvPass pass) {
      std::vector<float> v(static_cast<size_t>(winograd_weights_size(s.in, s.out, pass, precision)));
      winograd_weights(filter(), s.in, s.out, pass, v.data(), precision);
      return v;
    };
    winograd_convolve(s, x.data(), weights(ConvPass::kForward).data(), extras ? b.data() : nullptr,
                      extras ? add_y.data() : nullptr, y.data(), precision);
    winograd_convolve({s.batch, s.height, s.width, s.out, s.in}, dy.data(), weights(ConvPass::kBackwardData).data(),
                      nullptr, extras ? add_x.data() : nullptr, dx.data(), precision);
    winograd_weight_gradient(s, x.data(), dy.data(), dw.data(), extras ? db.data() : nullptr, precision);
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
  each_target([](int64_t) { expect_equal({1, 4, 4, 8, 8}, false); });  // one tile: idle threads
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

template <class Body>
void each_pair_unit(const Body& body) {
  for (const auto& [unit, name] : {std::pair{PairUnit::kEmulated, "emulated"},
                                   {PairUnit::kInstruction, "instruction"},
                                   {PairUnit::kMatrix, "matrix unit"}}) {
    if (!has_pair_unit(unit)) continue;
    SCOPED_TRACE(name);
    set_pair_unit_for_test(unit);
    body();
    set_pair_unit_for_test(std::nullopt);
  }
}

// Rounding both factors to 8 bits costs 1.1e-2 in the mean here (2e-3 in a direct sum): measured on random numbers.
void expect_near_in_bfloat16(const ConvShape& s) {
  SCOPED_TRACE(concat("[", s.batch, ",", s.height, ",", s.width, "] ", s.in, " -> ", s.out));
  Case fast(s), plain(s);
  fast.run(true, Precision::kBFloat16);
  plain.run_reference(true, true);
  for (const auto& [name, got, expected] :
       {std::tuple{"y", &fast.y, &plain.y}, {"dx", &fast.dx, &plain.dx}, {"dw", &fast.dw, &plain.dw}}) {
    const Errors e = errors(*got, *expected);
    EXPECT_LT(e.mean, expected->size() < 5000 ? 2.5e-2 : 1.3e-2) << name;  // the mean of few numbers scatters
    EXPECT_LT(e.worst, 0.12) << name;
  }
  EXPECT_LT(error(fast.db, plain.db), kTolerance) << "db is a sum of floats";
}

TEST(WinogradBFloat16, IsWithinItsRounding) {
  each_target([&](int64_t) {
    for (int64_t h : {1, 3, 4, 6, 9})
      for (int64_t w : {1, 2, 4, 5, 7}) expect_near_in_bfloat16({3, h, w, 5, 7});
    for (const auto& [in, out] : {std::pair{1, 1}, {16, 20}, {17, 33}, {40, 64}, {70, 130}, {130, 65}, {260, 3}})
      expect_near_in_bfloat16({3, 7, 5, in, out});
  });
  each_pair_unit([] {
    for (const auto& [in, out] : {std::pair{1, 1}, {16, 20}, {17, 33}, {40, 64}, {130, 65}, {272, 16}})
      expect_near_in_bfloat16({3, 7, 5, in, out});
    expect_near_in_bfloat16({9, 28, 28, 16, 24});
    expect_near_in_bfloat16({40, 7, 7, 144, 100});
    expect_near_in_bfloat16({32, 8, 8, 64, 32});
  });
}

// All ways round alike and differ in the order of their float sums only.
TEST(WinogradBFloat16, InstructionsAndEmulationAgree) {
  for (const ConvShape& s : {ConvShape{5, 14, 9, 70, 40}, ConvShape{3, 7, 7, 200, 64}, ConvShape{9, 28, 28, 64, 32}}) {
    std::vector<Case> cases;
    each_target([&](int64_t target) {
      if ((target & kFusingTargets) == 0) return;  // others round the transforms differently
      each_pair_unit([&] { cases.emplace_back(s).run(true, Precision::kBFloat16); });
    });
    for (const Case& c : cases) {
      EXPECT_LT(error(c.y, cases[0].y), kTolerance);
      EXPECT_LT(error(c.dx, cases[0].dx), kTolerance);
      EXPECT_LT(error(c.dw, cases[0].dw), kTolerance);
    }
  }
}

// Halves of pairs that nobody fills must be zero, whatever an earlier call left in the scratch memory.
TEST(WinogradBFloat16, NothingLeaksFromAnEarlierCall) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  each_pair_unit([] {
    for (const ConvShape& s : {ConvShape{3, 7, 6, 33, 21}, ConvShape{1, 5, 5, 9, 3}, ConvShape{1, 4, 4, 150, 16},
                               ConvShape{5, 8, 8, 64, 32}}) {
      Case clean(s), after(s), poison({4, 28, 28, 160, 64});
      clean.run(true, Precision::kBFloat16);
      std::fill(poison.x.begin(), poison.x.end(), NAN);
      std::fill(poison.dy.begin(), poison.dy.end(), NAN);
      poison.run(true, Precision::kBFloat16);
      after.run(true, Precision::kBFloat16);
      EXPECT_TRUE(after.y == clean.y && after.dx == clean.dx && after.dw == clean.dw);
    }
  });
  omp_set_num_threads(threads);
}

TEST(WinogradBFloat16, KnowsNothingOfThreads) {
  const int threads = omp_get_max_threads();
  each_pair_unit([&] {
    const ConvShape s{5, 14, 9, 96, 40};
    Case one(s), two(s), again(s);
    omp_set_num_threads(1);
    one.run(true, Precision::kBFloat16);
    omp_set_num_threads(2);
    two.run(true, Precision::kBFloat16);
    again.run(true, Precision::kBFloat16);
    EXPECT_TRUE(two.y == one.y && two.dx == one.dx);
    EXPECT_TRUE(two.dw == again.dw && two.db == again.db);
  });
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
