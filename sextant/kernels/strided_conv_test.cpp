// The strided convolution and its transpose against direct sums in double, in all three directions.
#include "sextant/kernels/strided_conv.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/conv_case.h"
#include "sextant/kernels/each_target.h"

namespace sextant::kernels {
namespace {

struct Case {
  explicit Case(const StridedShape& s)
      : s(s),
        large(s.batch * s.height * s.width * s.in),
        small(s.batch * s.height * s.width / 4 * s.out),
        x(random_normals(large, 1)),
        dy(random_normals(small, 2)),
        w(random_normals(s.in * s.out * 16, 3)),
        of_y(random_normals(s.out, 4)),
        of_x(random_normals(s.in, 5)),
        y(guarded(small)),
        dx(guarded(large)),
        dw(guarded(s.in * s.out * 16)) {}
  void run(bool bias, float slope) {
    strided_convolve(s, x.data(), w.data(), bias ? of_y.data() : nullptr, slope, y.data());
    strided_transpose(s, dy.data(), w.data(), bias ? of_x.data() : nullptr, dx.data());
    strided_weight_gradient(s, x.data(), dy.data(), dw.data());
  }
  void run_reference(bool bias, float slope) {
    strided_convolve_reference(s, x.data(), w.data(), bias ? of_y.data() : nullptr, slope, y.data());
    strided_transpose_reference(s, dy.data(), w.data(), bias ? of_x.data() : nullptr, dx.data());
    strided_weight_gradient_reference(s, x.data(), dy.data(), dw.data());
  }
  StridedShape s;
  int64_t large, small;
  std::vector<float> x, dy, w, of_y, of_x, y, dx, dw;
};

// Sums of `depth` products of standard normals. The transforms' numbers up to 8 and 1/6 lose about a digit against the
// direct sum; a wrong term is of size 1.
void expect_close(const std::vector<float>& got, const std::vector<float>& expected, int64_t depth, const char* what) {
  const double tolerance = 3e-5 * std::sqrt(static_cast<double>(depth + 8));
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], tolerance) << what << " at " << i;
  EXPECT_EQ(got.back(), kGuard) << what << " wrote beyond its end";
}

TEST(StridedConv, EqualsDirectSums) {
  each_target([&](int64_t) {
    for (const auto& [in, out] : {std::pair{1, 1}, {1, 64}, {4, 7}, {5, 1}, {6, 20}, {17, 33}, {16, 16}, {40, 3}})
      for (const auto& [h, w] : {std::pair{2, 2}, {6, 8}, {14, 14}, {4, 18}, {28, 2}, {16, 10}})
        for (const bool bias : {true, false}) {
          const StridedShape s{3, h, w, in, out};
          SCOPED_TRACE(concat(h, " x ", w, ", ", in, " -> ", out));
          Case fast(s), plain(s);
          const float slope = bias ? 0.2f : 1.0f;
          fast.run(bias, slope);
          plain.run_reference(bias, slope);
          expect_close(fast.y, plain.y, 16 * in, "y");
          expect_close(fast.dx, plain.dx, 4 * out, "dx");
          expect_close(fast.dw, plain.dw, fast.small / out, "dw");
        }
  });
}

// More tiles than a chunk holds, and sums over thousands of pixels.
TEST(StridedConv, ManyTilesGoInChunks) {
  Case fast({70, 14, 14, 64, 128}), plain(fast.s);
  fast.run(true, 0.2f);
  plain.run_reference(true, 0.2f);
  expect_close(fast.y, plain.y, 16 * 64, "y");
  expect_close(fast.dx, plain.dx, 4 * 128, "dx");
  expect_close(fast.dw, plain.dw, 70 * 49, "dw");
}

TEST(StridedConv, EmptyBatchGivesAZeroGradient) {
  for (const int64_t in : {1, 8}) {
    Case c({0, 4, 4, in, 8});
    c.run(true, 1);
    EXPECT_TRUE(std::all_of(c.dw.begin(), c.dw.end() - 1, [](float v) { return v == 0; }));
  }
}

TEST(StridedConv, BytesDoNotDependOnThreads) {
  for (const StridedShape& s : {StridedShape{5, 14, 12, 1, 24}, StridedShape{9, 14, 14, 24, 40}}) {
    Case one(s), many(s);
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    one.run(true, 0.2f);
    omp_set_num_threads(3);
    many.run(true, 0.2f);
    omp_set_num_threads(threads);
    EXPECT_TRUE(one.y == many.y && one.dx == many.dx && one.dw == many.dw);
  }
}

TEST(StridedConv, RefusesOddSidesAndNullPointers) {
  Case c({1, 4, 4, 5, 5});
  const StridedShape odd{1, 5, 4, 5, 5};
  EXPECT_THROW(strided_convolve(odd, c.x.data(), c.w.data(), nullptr, 1, c.y.data()), Error);
  EXPECT_THROW(strided_convolve(c.s, nullptr, c.w.data(), nullptr, 1, c.y.data()), Error);
  EXPECT_THROW(strided_transpose(c.s, c.dy.data(), nullptr, nullptr, c.dx.data()), Error);
  EXPECT_THROW(strided_weight_gradient(c.s, c.x.data(), nullptr, c.dw.data()), Error);
}

}  // namespace
}  // namespace sextant::kernels
