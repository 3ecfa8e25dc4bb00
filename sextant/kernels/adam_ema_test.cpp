// The vector code against the plain loop, the plain loop against torch.optim (numbers from tests/goldens/adam.py), and
// the laws of the sums.
#include "sextant/kernels/adam_ema.h"

#include <omp.h>

#include <cmath>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/each_target.h"
#include "sextant/kernels/philox.h"

namespace sextant::kernels {
namespace {

struct State {
  explicit State(int64_t n) : w(n), g(n), m(n), v(n), e(n) {
    for (auto* x : {&w, &g, &m, &e}) philox_normal(1, static_cast<uint64_t>(x - &w) << 40, x->data(), n);
    philox_uniform(2, 0, v.data(), n);
  }
  AdamSlice slice(bool ema = true) {
    return {w.data(), g.data(), m.data(), v.data(), ema ? e.data() : nullptr, static_cast<int64_t>(w.size())};
  }
  bool operator==(const State&) const = default;
  std::vector<float> w, g, m, v, e;
};

const std::vector<AdamStep> kSteps{
    {.step = 1, .ema_decay = 0.999},
    {.lr = 0.01, .beta1 = 0.5, .weight_decay = 0.1, .step = 7, .ema_decay = 0.5},
    {.lr = 0.01, .weight_decay = 0.1, .decoupled = true, .step = 1000, .gradient_scale = 0.3},
};

// Bytes on targets with fused multiply-add; elsewhere each of the few roundings may differ.
TEST(AdamEma, EqualsThePlainLoop) {
  each_target([&](int64_t target) {
    for (int64_t n : {0, 1, 7, 16, 17, 1000, 40001})
      for (bool ema : {true, false})
        for (const AdamStep& step : kSteps) {
          State a(n), b(n);
          const AdamSlice sa = a.slice(ema), sb = b.slice(ema);
          adam_ema_reference({&sa, 1}, step);
          adam_ema({&sb, 1}, step);
          if (target & kFusingTargets) {
            EXPECT_TRUE(a == b) << n;
          } else {
            for (size_t i = 0; i < a.w.size(); ++i) {
              ASSERT_NEAR(a.w[i], b.w[i], 1e-6) << i;
              ASSERT_NEAR(a.m[i], b.m[i], 1e-6) << i;
              ASSERT_NEAR(a.v[i], b.v[i], 1e-6) << i;
              ASSERT_NEAR(a.e[i], b.e[i], 1e-6) << i;
            }
          }
        }
  });
}

TEST(AdamEma, ManySlicesEqualOne) {
  State whole(50000), parts(50000);
  const AdamSlice all = whole.slice();
  std::vector<AdamSlice> cut;
  for (int64_t at = 0, size = 1; at < all.count; at += size, size = std::min(2 * size + 1, all.count - at)) {
    AdamSlice s = parts.slice();
    cut.push_back({s.weight + at, s.gradient + at, s.first_moment + at, s.second_moment + at, s.ema + at, size});
  }
  adam_ema({&all, 1}, kSteps[1]);
  adam_ema(cut, kSteps[1]);
  EXPECT_TRUE(whole == parts);
}

TEST(AdamEma, FirstStepMovesByTheLearningRate) {  // m / sqrt(v) is the sign of g, whatever its size
  State s(100);
  s.m.assign(100, 0), s.v.assign(100, 0);
  const State before = s;
  const AdamSlice slice = s.slice();
  adam_ema({&slice, 1}, {.lr = 0.25, .step = 1});
  for (size_t i = 0; i < 100; ++i) EXPECT_NEAR(s.w[i] - before.w[i], s.g[i] > 0 ? -0.25f : 0.25f, 1e-5f);
}

struct Golden {
  AdamStep step;
  std::vector<float> weights;
};

// Deterministic input that both sides compute exactly: g = sin-free integer hash over 2^16.
float golden_gradient(int64_t step, int64_t i) {
  return static_cast<float>(static_cast<double>((step * 7919 + i * 104729 + step * i * 31) % 65536 - 32768) / 32768);
}

TEST(AdamEma, HundredStepsGiveTorchOptimsWeights) {
  const std::vector<Golden> goldens{
#include "sextant/kernels/adam_golden.inc"
  };
  ASSERT_EQ(goldens.size(), 3u);
  for (const Golden& golden : goldens) {
    const int64_t n = static_cast<int64_t>(golden.weights.size());
    State s(n);
    for (int64_t i = 0; i < n; ++i) s.w[i] = static_cast<float>(i - n / 2) / 8, s.m[i] = s.v[i] = 0;
    const AdamSlice slice = s.slice();
    for (int64_t t = 1; t <= 100; ++t) {
      for (int64_t i = 0; i < n; ++i) s.g[i] = golden_gradient(t, i);
      AdamStep step = golden.step;
      step.step = t;
      adam_ema({&slice, 1}, step);
    }
    // A hundred roundings of a weight near 1 walk about ten half ulps of 6e-8, and torch's own root is off by one ulp.
    for (int64_t i = 0; i < n; ++i)
      EXPECT_NEAR(s.w[i], golden.weights[i], 6e-7f * std::max(1.0f, std::abs(s.w[i]))) << i;
  }
}

TEST(SumOfSquares, EqualsTheSumInOrderAndDependsOnNothingElse) {
  for (int64_t n : {0, 1, 15, 16, 17, 1000, 16384, 100003}) {
    State s(n);
    const AdamSlice slice = s.slice();
    long double plain = 0;
    for (float g : s.g) plain += static_cast<long double>(g) * g;
    const double sum = sum_of_squares({&slice, 1});
    EXPECT_NEAR(sum, static_cast<double>(plain), 1e-13 * static_cast<double>(plain)) << n;
    each_target([&](int64_t) { EXPECT_EQ(sum_of_squares({&slice, 1}), sum) << n; });
    const int threads = omp_get_max_threads();
    for (int t : {1, 2, 5}) {
      omp_set_num_threads(t);
      EXPECT_EQ(sum_of_squares({&slice, 1}), sum) << n << " on " << t << " threads";
    }
    omp_set_num_threads(threads);
  }
}

TEST(SumOfSquares, ShowsWhatIsNotFinite) {
  State s(100);
  s.g[77] = INFINITY;
  const AdamSlice slice = s.slice();
  EXPECT_TRUE(std::isinf(sum_of_squares({&slice, 1})));
  s.g[3] = NAN;
  EXPECT_TRUE(std::isnan(sum_of_squares({&slice, 1})));
}

TEST(AdamEma, RefusesImpossibleSteps) {
  State s(4);
  AdamSlice slice = s.slice();
  EXPECT_THROW(adam_ema({&slice, 1}, {.step = 0}), Error);
  EXPECT_THROW(adam_ema({&slice, 1}, {.beta1 = 1.0}), Error);
  EXPECT_THROW(adam_ema({&slice, 1}, {.lr = NAN}), Error);
  slice.gradient = nullptr;
  EXPECT_THROW(adam_ema({&slice, 1}, {}), Error);
  EXPECT_THROW(sum_of_squares({&slice, 1}), Error);
}

}  // namespace
}  // namespace sextant::kernels
