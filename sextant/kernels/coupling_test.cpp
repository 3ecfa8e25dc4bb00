// The coupling against plain loops in double, on a grid of shapes and on every instruction set, and the contract of its
// mask.
#include "sextant/kernels/coupling.h"

#include <omp.h>

#include <cmath>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/each_target.h"
#include "sextant/kernels/random_floats.h"

namespace sextant::kernels {
namespace {

constexpr float kGuard = -12345.0f;  // behind each output: nobody may write there

std::vector<float> output(int64_t count) { return std::vector<float>(static_cast<size_t>(count) + 1, kGuard); }

using Forward = decltype(&coupling_forward);
using Backward = decltype(&coupling_backward);

struct Case {
  explicit Case(const CouplingShape& s)
      : s(s),
        row(s.pixels * s.channels),
        x(random_normals(s.batch * row, 1)),
        h(random_normals(2 * s.batch * row, 2)),
        scale(random_normals(s.channels, 3)),
        mask(static_cast<size_t>(row)),
        dy(random_normals(s.batch * row, 4)),
        dlog_det(random_normals(s.batch, 5)),
        y(output(s.batch * row)),
        log_det(output(s.batch)),
        dx(y),
        dh(output(2 * s.batch * row)),
        dscale(output(s.channels)) {
    for (size_t i = 0; i < h.size(); i += 5) h[i] *= 6;  // where tanh is flat, too
    for (size_t i = 0; i < mask.size(); ++i) mask[i] = i * 7 % 3 == 0 ? 1.0f : 0.0f;
  }
  void run(Forward forward = coupling_forward, Backward backward = coupling_backward) {
    forward(s, x.data(), h.data(), scale.data(), mask.data(), y.data(), log_det.data());
    backward(s, x.data(), h.data(), scale.data(), mask.data(), dy.data(), dlog_det.data(), dx.data(), dh.data(),
             dscale.data());
  }
  CouplingShape s;
  int64_t row;
  std::vector<float> x, h, scale, mask, dy, dlog_det, y, log_det, dx, dh, dscale;
};

const std::vector<CouplingShape> kShapes{{1, 1, 1},  {1, 1, 2}, {512, 1, 2}, {700, 1, 2},  {7, 1, 5},
                                         {3, 5, 1},  {0, 1, 2}, {2, 784, 1}, {5, 196, 4},  {3, 49, 8},
                                         {2, 7, 33}, {9, 1, 1}, {4, 50, 3},  {3, 1024, 3}, {65, 16, 1}};

void expect_close(const std::vector<float>& got, const std::vector<float>& expected, double tolerance,
                  const char* what) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], expected[i], tolerance * (1 + std::abs(static_cast<double>(expected[i])))) << what << " " << i;
  EXPECT_EQ(got.back(), kGuard) << what << " wrote beyond its end";
}

TEST(Coupling, EqualsPlainLoopsInDouble) {
  each_target([&](int64_t) {
    for (const CouplingShape& s : kShapes) {
      SCOPED_TRACE(concat(s.batch, " x ", s.pixels, " x ", s.channels));
      Case fast(s), plain(s);
      fast.run();
      plain.run(coupling_forward_reference, coupling_backward_reference);
      // Some roundings of 6e-8 in exp and tanh; sums add one for each term of the random walk.
      expect_close(fast.y, plain.y, 2e-6, "y");
      expect_close(fast.dx, plain.dx, 2e-6, "dx");
      expect_close(fast.dh, plain.dh, 4e-6, "dh");
      expect_close(fast.log_det, plain.log_det, 1e-7 * std::sqrt(static_cast<double>(fast.row)) + 1e-6, "log_det");
      expect_close(fast.dscale, plain.dscale, 1e-6 * std::sqrt(static_cast<double>(s.batch * s.pixels)) + 1e-6,
                   "dscale");
    }
  });
}

TEST(Coupling, WhatTheMaskLetsPassIsUntouchedAndGivesNoGradientToTheNet) {
  each_target([&](int64_t) {
    Case c({3, 50, 3});
    c.run();
    for (int64_t at = 0; at < 3 * c.row; ++at) {
      if (c.mask[static_cast<size_t>(at % c.row)] == 0) continue;
      const int64_t pixel = at / 3, channel = at % 3;
      EXPECT_EQ(c.y[static_cast<size_t>(at)], c.x[static_cast<size_t>(at)]);
      EXPECT_EQ(c.dx[static_cast<size_t>(at)], c.dy[static_cast<size_t>(at)]);
      EXPECT_EQ(c.dh[static_cast<size_t>(6 * pixel + channel)], 0.0f);
      EXPECT_EQ(c.dh[static_cast<size_t>(6 * pixel + 3 + channel)], 0.0f);
    }
  });
}

TEST(Coupling, BytesDoNotDependOnThreads) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  Case one({40, 196, 4});
  one.run();
  for (int t : {2, 3, 7}) {
    omp_set_num_threads(t);
    Case many({40, 196, 4});
    many.run();
    EXPECT_TRUE(many.y == one.y && many.log_det == one.log_det && many.dx == one.dx && many.dh == one.dh &&
                many.dscale == one.dscale)
        << t;
  }
  omp_set_num_threads(threads);
}

TEST(Coupling, NotANumberIsNotHidden) {
  each_target([&](int64_t) {
    Case c({2, 1, 2});  // mask 1, 0
    c.h[1] = NAN;       // h_s of the number that changes
    c.run();
    EXPECT_TRUE(std::isnan(c.y[1]));
    EXPECT_TRUE(std::isnan(c.log_det[0]));
    EXPECT_TRUE(std::isfinite(c.log_det[1]));
  });
}

TEST(Coupling, RefusesNullAndEmptyShapes) {
  Case c({2, 1, 2});
  EXPECT_THROW(
      coupling_forward({2, 0, 2}, c.x.data(), c.h.data(), c.scale.data(), c.mask.data(), c.y.data(), c.log_det.data()),
      Error);
  EXPECT_THROW(coupling_forward(c.s, nullptr, c.h.data(), c.scale.data(), c.mask.data(), c.y.data(), c.log_det.data()),
               Error);
  EXPECT_THROW(coupling_backward(c.s, c.x.data(), c.h.data(), c.scale.data(), c.mask.data(), c.dy.data(), nullptr,
                                 c.dx.data(), c.dh.data(), c.dscale.data()),
               Error);
}

}  // namespace
}  // namespace sextant::kernels
