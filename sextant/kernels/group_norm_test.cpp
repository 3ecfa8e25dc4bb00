// The fused normalisation against plain loops in double, forward and backward, and the laws that it must keep.
#include "sextant/kernels/group_norm.h"

#include <omp.h>

#include <cmath>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/each_target.h"
#include "sextant/kernels/random_floats.h"

namespace sextant::kernels {
namespace {

struct Case {
  explicit Case(const GroupNormShape& s)
      : s(s),
        x(random_normals(s.batch * s.pixels * s.channels, 1)),
        residual(random_normals(s.batch * s.pixels * s.channels, 2)),
        dy(random_normals(s.batch * s.pixels * s.channels, 3)),
        gamma(random_normals(s.channels, 4)),
        beta(random_normals(s.channels, 5)),
        shift(random_normals(s.batch * s.channels, 6)),
        before(random_normals(s.batch * s.channels, 7)),
        y(x.size()),
        dx(x.size()),
        mean(static_cast<size_t>(s.batch * s.groups)),
        rstd(mean.size()),
        dgamma(gamma.size()),
        dbeta(gamma.size()),
        dshift(shift.size()),
        dbefore(shift.size()) {}
  GroupNormInputs inputs(bool extras) const {
    GroupNormInputs in = {.x = x.data(), .gamma = gamma.data(), .beta = beta.data()};
    if (extras) in.before = before.data(), in.shift = shift.data(), in.residual = residual.data();
    return in;
  }
  GroupNormGradients gradients(bool extras) {
    GroupNormGradients to = {.x = dx.data(), .gamma = dgamma.data(), .beta = dbeta.data()};
    if (extras) to.before = dbefore.data(), to.shift = dshift.data();
    return to;
  }
  void run(bool silu, bool extras) {
    s.silu = silu;
    group_norm_silu(s, inputs(extras), {y.data(), mean.data(), rstd.data()});
    group_norm_silu_backward(s, inputs(extras), mean.data(), rstd.data(), dy.data(), gradients(extras));
  }
  void run_reference(bool silu, bool extras) {
    s.silu = silu;
    group_norm_silu_reference(s, inputs(extras), {y.data(), mean.data(), rstd.data()});
    group_norm_silu_backward_reference(s, inputs(extras), mean.data(), rstd.data(), dy.data(), gradients(extras));
  }
  GroupNormShape s;
  std::vector<float> x, residual, dy, gamma, beta, shift, before, y, dx, mean, rstd, dgamma, dbeta, dshift, dbefore;
};

// Differences over 1 + |expected|: float sums over up to some thousand numbers.
double error(const std::vector<float>& got, const std::vector<float>& expected) {
  double worst = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double e = static_cast<double>(expected[i]),
                 difference = std::abs(static_cast<double>(got[i]) - e) / (1 + std::abs(e));
    if (!(difference <= worst)) worst = difference;  // NaN too
  }
  return worst;
}

const std::vector<GroupNormShape> kShapes{
    {.batch = 2, .pixels = 49, .channels = 64, .groups = 8},  {.batch = 3, .pixels = 30, .channels = 24, .groups = 8},
    {.batch = 1, .pixels = 7, .channels = 1, .groups = 1},    {.batch = 2, .pixels = 5, .channels = 7, .groups = 7},
    {.batch = 5, .pixels = 3, .channels = 34, .groups = 2},   {.batch = 2, .pixels = 64, .channels = 100, .groups = 1},
    {.batch = 3, .pixels = 1, .channels = 24, .groups = 4},   {.batch = 0, .pixels = 4, .channels = 8, .groups = 2},
    {.batch = 2, .pixels = 196, .channels = 152, .groups = 8}};

TEST(GroupNorm, EqualsPlainLoopsInDouble) {
  each_target([&](int64_t) {
    for (const GroupNormShape& s : kShapes)
      for (bool silu : {true, false})
        for (bool extras : {true, false}) {
          SCOPED_TRACE(concat("[", s.batch, ",", s.pixels, ",", s.channels, "] groups ", s.groups, " silu ", silu));
          Case fast(s), plain(s);
          fast.run(silu, extras);
          plain.run_reference(silu, extras);
          EXPECT_LT(error(fast.y, plain.y), 3e-6);
          EXPECT_LT(error(fast.mean, plain.mean), 1e-6);
          EXPECT_LT(error(fast.rstd, plain.rstd), 2e-6);
          EXPECT_LT(error(fast.dx, plain.dx), 1e-5);
          EXPECT_LT(error(fast.dgamma, plain.dgamma), 1e-5);
          EXPECT_LT(error(fast.dbeta, plain.dbeta), 1e-5);
          EXPECT_LT(error(fast.dshift, plain.dshift), 1e-5);
          EXPECT_LT(error(fast.dbefore, plain.dbefore), 1e-5);
        }
  });
}

TEST(GroupNorm, LargeMeanDoesNotSpoilTheVariance) {  // E[x^2] - E[x]^2 in float would lose everything here
  Case fast({.batch = 2, .pixels = 784, .channels = 32, .groups = 4}), plain(fast.s);
  for (auto* x : {&fast.x, &plain.x})
    for (float& v : *x) v += 1000;
  fast.run(false, false);
  plain.run_reference(false, false);
  EXPECT_LT(error(fast.rstd, plain.rstd), 1e-4);
}

TEST(GroupNorm, NormalisedGroupsHaveMeanZeroVarianceOne) {
  Case c({.batch = 3, .pixels = 100, .channels = 12, .groups = 3});
  c.gamma.assign(12, 1), c.beta.assign(12, 0);
  c.run(false, false);
  for (int64_t n = 0; n < 3; ++n)
    for (int64_t k = 0; k < 3; ++k) {
      double m = 0, q = 0;
      for (int64_t p = 0; p < 100; ++p)
        for (int64_t j = 4 * k; j < 4 * k + 4; ++j) {
          const double v = static_cast<double>(c.y[static_cast<size_t>((n * 100 + p) * 12 + j)]);
          m += v / 400, q += v * v / 400;
        }
      EXPECT_NEAR(m, 0, 1e-6);
      EXPECT_NEAR(q, 1, 1e-4);  // eps
    }
}

TEST(GroupNorm, BytesDependOnNeitherThreadsNorBatch) {
  const GroupNormShape s{.batch = 5, .pixels = 20, .channels = 48, .groups = 8};
  Case one(s), many(s), alone({.batch = 1, .pixels = 20, .channels = 48, .groups = 8});
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  one.run(true, true);
  omp_set_num_threads(3);
  many.run(true, true);
  omp_set_num_threads(threads);
  EXPECT_TRUE(one.y == many.y && one.dx == many.dx && one.dgamma == many.dgamma && one.dshift == many.dshift);
  alone.run(true, true);
  EXPECT_TRUE(std::equal(alone.y.begin(), alone.y.end(), one.y.begin()));
}

TEST(GroupNorm, NotANumberSpoilsItsGroupOnly) {
  Case c({.batch = 1, .pixels = 4, .channels = 8, .groups = 2});
  c.x[9] = NAN;  // second pixel, first group
  c.run(true, false);
  EXPECT_TRUE(std::isnan(c.y[0]));
  EXPECT_FALSE(std::isnan(c.y[4]));
}

TEST(GroupNorm, RefusesGroupsThatDoNotDivide) {
  Case c({.batch = 1, .pixels = 4, .channels = 8, .groups = 2});
  c.s.groups = 3;
  EXPECT_THROW(c.run(true, true), Error);
  c.s = {.batch = 1, .pixels = 4, .channels = 8, .groups = 2, .eps = 0};
  EXPECT_THROW(c.run(true, true), Error);
  c.s.eps = 1e-5;
  GroupNormInputs in = c.inputs(false);
  in.gamma = nullptr;
  EXPECT_THROW(group_norm_silu(c.s, in, {c.y.data(), c.mean.data(), c.rstd.data()}), Error);
}

}  // namespace
}  // namespace sextant::kernels
