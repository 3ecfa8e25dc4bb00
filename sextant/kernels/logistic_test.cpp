// The fused likelihood against plain loops in double, and its gradients against differences.
#include "sextant/kernels/logistic.h"

#include <omp.h>

#include <cmath>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/each_target.h"
#include "sextant/kernels/random_floats.h"

namespace sextant::kernels {
namespace {

struct Case {
  Case(int64_t rows, int64_t columns, double rate)
      : rows(rows),
        columns(columns),
        rate(rate),
        x(random_normals(rows * columns, 1)),
        mean(random_normals(rows * columns, 2)),
        dmean(x.size()),
        nll(static_cast<size_t>(rows)),
        dlog_scale(nll.size()) {
    philox_uniform(3, 0, x.data(), rows * columns);
    for (float& v : x) v = std::min(255.0f, std::max(0.0f, std::round(v * 300 - 20))) / 255;  // both ends often
    for (float& m : mean) m = 0.5f + 0.5f * m;
  }
  void run() { logistic_nll(rows, columns, x.data(), mean.data(), rate, nll.data(), dmean.data(), dlog_scale.data()); }
  void run_reference() {
    logistic_nll_reference(rows, columns, x.data(), mean.data(), rate, nll.data(), dmean.data(), dlog_scale.data());
  }
  int64_t rows, columns;
  double rate;
  std::vector<float> x, mean, dmean;
  std::vector<double> nll, dlog_scale;
};

TEST(Logistic, EqualsPlainLoopsInDouble) {
  each_target([&](int64_t) {
    for (const double rate : {0.3, 10.0, 800.0})
      for (int64_t rows : {0, 1, 3, 50})
        for (int64_t columns : {0, 1, 7, 16, 31, 784}) {
          SCOPED_TRACE(concat(rows, " x ", columns, ", rate ", rate));
          Case a(rows, columns, rate), b(rows, columns, rate);
          a.run();
          b.run_reference();
          // An end (x ± h - mean) loses digits to cancellation: float32 rounding of numbers near 1, times the rate, for
          // each column.
          const double rounding = 1e-7 * (1 + rate) * static_cast<double>(columns);
          for (size_t r = 0; r < a.nll.size(); ++r) {
            ASSERT_NEAR(a.nll[r], b.nll[r], 3e-7 * std::abs(b.nll[r]) + rounding) << r;
            ASSERT_NEAR(a.dlog_scale[r], b.dlog_scale[r], 1e-6 * std::abs(b.dlog_scale[r]) + 2 * rounding) << r;
          }
          for (size_t i = 0; i < a.dmean.size(); ++i)
            ASSERT_NEAR(a.dmean[i], b.dmean[i], rate * (4e-7 + 1e-7 * rate)) << i;
        }
  });
}

TEST(Logistic, ReferenceGradientsAreThoseOfTheValue) {
  const double h = 1e-3;
  Case c(1, 40, 9.0);
  c.run_reference();
  const std::vector<float> gradient = c.dmean;
  const double by_scale = c.dlog_scale[0];
  for (size_t i = 0; i < 40; i += 3) {
    Case up = c, down = c;
    up.mean[i] += static_cast<float>(h);
    down.mean[i] -= static_cast<float>(h);
    up.run_reference();
    down.run_reference();
    const double apart = static_cast<double>(up.mean[i]) - static_cast<double>(down.mean[i]);
    EXPECT_NEAR(gradient[i], (up.nll[0] - down.nll[0]) / apart, 1e-3) << i;  // h² f'''/6 at rate 9
  }
  Case wide = c, narrow = c;
  wide.rate = c.rate * std::exp(-h);
  narrow.rate = c.rate * std::exp(h);
  wide.run_reference();
  narrow.run_reference();
  EXPECT_NEAR(by_scale, (wide.nll[0] - narrow.nll[0]) / (2 * h), 1e-3 * std::abs(by_scale));
}

TEST(Logistic, NotANumberIsNotHidden) {
  each_target([&](int64_t) {
    Case c(3, 40, 5);
    c.mean[45] = NAN;
    c.x[45] = 0.5f;
    c.run();
    EXPECT_TRUE(std::isnan(c.nll[1]));
    EXPECT_TRUE(std::isnan(c.dmean[45]));
    EXPECT_TRUE(std::isfinite(c.nll[0]));
  });
}

TEST(Logistic, RowsDoNotDependOnThreads) {
  Case a(33, 100, 7), b(33, 100, 7);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  a.run();
  omp_set_num_threads(3);
  b.run();
  omp_set_num_threads(threads);
  EXPECT_EQ(a.nll, b.nll);
  EXPECT_EQ(a.dmean, b.dmean);
  EXPECT_EQ(a.dlog_scale, b.dlog_scale);
}

TEST(Logistic, RefusesNullAndARateOfZero) {
  Case c(2, 2, 1);
  EXPECT_THROW(logistic_nll(2, 2, nullptr, c.mean.data(), 1, c.nll.data(), c.dmean.data(), c.dlog_scale.data()), Error);
  c.rate = 0;
  EXPECT_THROW(c.run(), Error);
}

}  // namespace
}  // namespace sextant::kernels
