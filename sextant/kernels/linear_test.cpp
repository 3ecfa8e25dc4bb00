// The layer against plain loops in double, on a grid of shapes and on every instruction set, and what it must not
// depend on: threads and, where multiply-adds are fused, the instruction set.
#include "sextant/kernels/linear.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/activation.h"
#include "sextant/kernels/each_target.h"
#include "sextant/kernels/gemm.h"
#include "sextant/kernels/random_floats.h"

namespace sextant::kernels {
namespace {

constexpr float kGuard = -12345.0f;  // behind each output: nobody may write there

std::vector<float> output(int64_t count) { return std::vector<float>(static_cast<size_t>(count) + 1, kGuard); }

// Sums of n products of standard normals, in float: n roundings of partial sums of size sqrt(n) walk to about 6e-8 n;
// the bound is some sigma more, and a wrong term is of size 1.
void expect_close(const std::vector<float>& got, const std::vector<float>& expected, int64_t depth, const char* what) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], expected[i], 4e-7 * static_cast<double>(depth + 8)) << what << " at " << i;
  EXPECT_EQ(got.back(), kGuard) << what << " wrote beyond its end";
}

struct Case {
  Case(LinearShape s, Activation act)
      : s(s),
        act(act),
        x(random_normals(s.batch * s.in, 1)),
        w(random_normals(s.in * s.out, 2)),
        b(random_normals(s.out, 3)),
        dy(random_normals(s.batch * s.out, 4)),
        y(output(s.batch * s.out)),
        dx(output(s.batch * s.in)),
        dw(output(s.in * s.out)),
        db(output(s.out)) {}
  void run(bool with_bias = true) {
    linear_forward(s, x.data(), w.data(), with_bias ? b.data() : nullptr, act, y.data());
    linear_backward(s, x.data(), w.data(), y.data(), dy.data(), act, {dx.data(), dw.data(), db.data()});
  }
  void run_forward_reference(bool with_bias) {
    linear_forward_reference(s, x.data(), w.data(), with_bias ? b.data() : nullptr, act, y.data());
  }
  void run_backward_reference() {
    linear_backward_reference(s, x.data(), w.data(), y.data(), dy.data(), act, {dx.data(), dw.data(), db.data()});
  }
  LinearShape s;
  Activation act;
  std::vector<float> x, w, b, dy, y, dx, dw, db;
};

const std::vector<LinearShape> kShapes{
    {1, 1, 1},     {1, 5, 3},     {2, 1, 7}, {7, 17, 1},   {5, 16, 16}, {6, 33, 64},  {13, 65, 31},    {64, 20, 40},
    {33, 100, 17}, {19, 15, 129}, {0, 3, 4}, {3, 1100, 5}, {4, 7, 600}, {1030, 3, 9}, {128, 144, 200}, {600, 128, 128}};

TEST(Linear, EqualsPlainLoopsInDouble) {
  each_target([&](int64_t) {
    for (const LinearShape& s : kShapes)
      for (Activation act : {Activation::kNone, Activation::kRelu, Activation::kLeakyRelu})
        for (bool with_bias : {true, false}) {
          SCOPED_TRACE(concat(s.batch, " x ", s.in, " -> ", s.out, " act ", static_cast<int>(act)));
          Case fast(s, act), plain(s, act);
          fast.run(with_bias);
          plain.run_forward_reference(with_bias);
          expect_close(fast.y, plain.y, s.in, "y");
          // The mask of an activation must be the same for both: a sum that rounds across zero is not an error.
          plain.y = fast.y;
          plain.run_backward_reference();
          expect_close(fast.dx, plain.dx, s.out, "dx");
          expect_close(fast.dw, plain.dw, s.batch, "dW");
          expect_close(fast.db, plain.db, s.batch, "db");
        }
  });
}

TEST(Linear, BehindAReluTheGradientStopsWhereItsResultIsZero) {
  each_target([&](int64_t) {
    for (const LinearShape& s : kShapes) {
      SCOPED_TRACE(concat(s.batch, " x ", s.in, " -> ", s.out));
      Case fast(s, Activation::kNone), plain(s, Activation::kNone);
      for (size_t i = 0; i < fast.x.size(); ++i) fast.x[i] = plain.x[i] = std::max(0.0f, fast.x[i]);
      linear_backward(s, fast.x.data(), fast.w.data(), nullptr, fast.dy.data(), fast.act,
                      {.x = fast.dx.data(), .through_relu = true});
      linear_backward_reference(s, plain.x.data(), plain.w.data(), nullptr, plain.dy.data(), plain.act,
                                {.x = plain.dx.data(), .through_relu = true});
      expect_close(fast.dx, plain.dx, s.out, "dx");
      for (size_t i = 0; i < fast.x.size(); ++i) {
        if (fast.x[i] == 0) {
          ASSERT_EQ(fast.dx[i], 0) << i;
        }
      }
    }
  });
}

TEST(Linear, GradientsAreThoseOfTheForwardPass) {  // <dy, J v> = <J^T dy, v> for the linear map, in each argument
  const LinearShape s{9, 21, 35};
  Case c(s, Activation::kNone);
  c.run();
  const auto v = random_normals(s.batch * s.in, 9), u = random_normals(s.in * s.out, 10);
  std::vector<float> along(static_cast<size_t>(s.batch * s.out));
  const auto dot = [](const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
      sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
  };
  linear_forward(s, v.data(), c.w.data(), nullptr, Activation::kNone, along.data());
  EXPECT_NEAR(dot(c.dy, along), dot(v, c.dx), 1e-3);
  linear_forward(s, c.x.data(), u.data(), nullptr, Activation::kNone, along.data());
  EXPECT_NEAR(dot(c.dy, along), dot(u, c.dw), 1e-3);
}

TEST(Linear, BytesDependOnNeitherThreadsNorFusingTarget) {
  const LinearShape s{37, 600, 83};
  Case one(s, Activation::kRelu);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  one.run();
  for (int t : {2, 3, 7}) {
    omp_set_num_threads(t);
    Case many(s, Activation::kRelu);
    many.run();
    EXPECT_TRUE(many.y == one.y && many.dx == one.dx && many.dw == one.dw && many.db == one.db) << t << " threads";
  }
  omp_set_num_threads(threads);
  if (!(hwy::SupportedTargets() & kFusingTargets)) return;
  each_target([&](int64_t target) {
    if (!(target & kFusingTargets)) return;
    Case other(s, Activation::kRelu);
    other.run();
    EXPECT_TRUE(other.y == one.y && other.dx == one.dx && other.dw == one.dw && other.db == one.db);
  });
}

// The same pass over maps, whose rows are pixels: more of them than a block of sums holds.
TEST(ActivationBackward, MasksAndSumsOverAnyNumberOfRows) {
  each_target([&](int64_t) {
    for (const auto& [rows, columns] : {std::pair{1, 1}, {7, 70}, {8192, 3}, {8193, 65}, {20000, 20}}) {
      const auto dy = random_normals(rows * columns, 1), y = random_normals(rows * columns, 2);
      for (const float slope : {0.0f, 0.2f}) {
        std::vector<float> masked = output(rows * columns), sums = output(columns);
        activation_backward(rows, columns, dy.data(), y.data(), slope, masked.data(), sums.data());
        std::vector<double> exact(static_cast<size_t>(columns));
        for (size_t i = 0; i < dy.size(); ++i) {
          const float want = y[i] <= 0 ? slope * dy[i] : dy[i];
          ASSERT_EQ(masked[i], want) << i;
          exact[i % static_cast<size_t>(columns)] += static_cast<double>(want);
        }
        for (size_t j = 0; j < exact.size(); ++j) ASSERT_NEAR(sums[j], exact[j], 4e-7 * static_cast<double>(rows + 8));
        EXPECT_EQ(masked.back(), kGuard);
        EXPECT_EQ(sums.back(), kGuard);
      }
    }
  });
}

TEST(Linear, EmptyBatchGivesZeroGradients) {
  Case c({0, 3, 4}, Activation::kRelu);
  c.run();
  for (size_t i = 0; i < 12; ++i) EXPECT_EQ(c.dw[i], 0.0f);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(c.db[i], 0.0f);
}

TEST(Linear, NotANumberIsNotHidden) {
  Case c({4, 20, 20}, Activation::kRelu);
  c.x[25] = NAN;  // row 1
  c.run();
  EXPECT_TRUE(std::isnan(c.y[20]));
  EXPECT_FALSE(std::isnan(c.y[0]));
}

TEST(Linear, RefusesNullAndEmptyLayers) {
  Case c({2, 3, 4}, Activation::kRelu);
  EXPECT_THROW(linear_forward({2, 0, 4}, c.x.data(), c.w.data(), nullptr, c.act, c.y.data()), Error);
  EXPECT_THROW(linear_forward(c.s, nullptr, c.w.data(), nullptr, c.act, c.y.data()), Error);
  EXPECT_THROW(linear_backward(c.s, c.x.data(), c.w.data(), nullptr, c.dy.data(), c.act, {c.dx.data()}), Error);
  EXPECT_THROW(linear_backward(c.s, nullptr, c.w.data(), c.y.data(), c.dy.data(), c.act, {nullptr, c.dw.data()}),
               Error);
}

TEST(Gemm, TakesAnyStridesOfBothFactors) {  // as column-major and with gaps between rows
  const int64_t m = 11, n = 37, k = 29, gap = 3;
  const auto a = random_normals(m * (k + gap), 5), b = random_normals(2 * k * (n + gap), 6);
  std::vector<double> plain(static_cast<size_t>(m * n));
  for (const auto& av : {MatrixView{a.data(), k + gap, 1}, MatrixView{a.data(), 1, m}})
    for (const auto& bv :
         {MatrixView{b.data(), n + gap, 1}, MatrixView{b.data(), 1, k + gap}, MatrixView{b.data(), 2 * n, 2}}) {
      std::vector<float> c(static_cast<size_t>(m * n));
      gemm({.rows = m, .columns = n, .depth = k, .a = av, .b = bv, .c = c.data()});
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) {
          double sum = 0;
          for (int64_t q = 0; q < k; ++q)
            sum += static_cast<double>(av.data[i * av.row_stride + q * av.column_stride]) *
                   static_cast<double>(bv.data[q * bv.row_stride + j * bv.column_stride]);
          ASSERT_NEAR(c[static_cast<size_t>(i * n + j)], sum, 1e-5);
        }
    }
}

}  // namespace
}  // namespace sextant::kernels
