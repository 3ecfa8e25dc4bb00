// The fused likelihood against plain loops in double, its extreme logits, and its gradient.
#include "sextant/kernels/bernoulli.h"

#include <omp.h>

#include <cmath>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/each_target.h"
#include "sextant/kernels/random_floats.h"

namespace sextant::kernels {
namespace {

struct Case {
  Case(int64_t rows, int64_t columns)
      : rows(rows),
        columns(columns),
        logits(random_normals(rows * columns, 1)),
        x(logits.size()),
        scale(random_normals(rows, 2)),
        residual(logits.size()),
        gradient(logits.size()),
        nll(scale.size()) {
    for (float& l : logits) l *= 6;
    philox_uniform(3, 0, x.data(), rows * columns);
  }
  int64_t rows, columns;
  std::vector<float> logits, x, scale, residual, gradient;
  std::vector<double> nll;
};

TEST(Bernoulli, EqualsPlainLoopsInDouble) {
  each_target([&](int64_t) {
    for (int64_t rows : {0, 1, 3, 50})
      for (int64_t columns : {0, 1, 7, 16, 31, 784}) {
        SCOPED_TRACE(concat(rows, " x ", columns));
        Case a(rows, columns), b(rows, columns);
        bernoulli_nll_with_logits(rows, columns, a.logits.data(), a.x.data(), a.nll.data(), a.residual.data());
        bernoulli_nll_backward(rows, columns, a.logits.data(), a.x.data(), a.scale.data(), a.gradient.data());
        bernoulli_nll_with_logits_reference(rows, columns, b.logits.data(), b.x.data(), b.nll.data(),
                                            b.residual.data());
        bernoulli_nll_backward_reference(rows, columns, b.logits.data(), b.x.data(), b.scale.data(), b.gradient.data());
        for (size_t r = 0; r < a.nll.size(); ++r) ASSERT_NEAR(a.nll[r], b.nll[r], 3e-7 * (1 + b.nll[r])) << r;
        for (size_t i = 0; i < a.residual.size(); ++i) {
          ASSERT_NEAR(a.residual[i], b.residual[i], 2e-7) << i;
          ASSERT_NEAR(a.gradient[i], b.gradient[i], 1e-6) << i;
        }
      }
  });
}

TEST(Bernoulli, ExtremeLogitsKeepTheirDigits) {
  each_target([&](int64_t) {
    for (float l : {-80.0f, -30.0f, -1e-3f, 0.0f, 1e-3f, 20.0f, 88.0f, 1e4f}) {
      double nll, plain;
      float residual, plain_residual;
      for (float x : {0.0f, 1.0f}) {
        bernoulli_nll_with_logits(1, 1, &l, &x, &nll, &residual);
        bernoulli_nll_with_logits_reference(1, 1, &l, &x, &plain, &plain_residual);
        EXPECT_NEAR(nll, plain, 3e-7 * plain + 1e-14) << l << " " << x;
        EXPECT_NEAR(residual, plain_residual, 3e-7 * std::abs(plain_residual) + (x > 0 ? 1.2e-7 : 0)) << l << " " << x;
      }
    }
  });
}

TEST(Bernoulli, NotANumberIsNotHidden) {
  each_target([&](int64_t) {
    Case c(3, 40);
    c.logits[45] = NAN;
    bernoulli_nll_with_logits(3, 40, c.logits.data(), c.x.data(), c.nll.data(), c.residual.data());
    EXPECT_TRUE(std::isnan(c.nll[1]));
    EXPECT_TRUE(std::isnan(c.residual[45]));
    EXPECT_TRUE(std::isfinite(c.nll[0]));
  });
}

TEST(Bernoulli, RowsDoNotDependOnThreads) {
  Case a(33, 100), b(33, 100);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  bernoulli_nll_with_logits(33, 100, a.logits.data(), a.x.data(), a.nll.data(), a.residual.data());
  omp_set_num_threads(3);
  bernoulli_nll_with_logits(33, 100, b.logits.data(), b.x.data(), b.nll.data(), b.residual.data());
  omp_set_num_threads(threads);
  EXPECT_EQ(a.nll, b.nll);
  EXPECT_EQ(a.residual, b.residual);
}

TEST(Bernoulli, RefusesNull) {
  Case c(2, 2);
  EXPECT_THROW(bernoulli_nll_with_logits(2, 2, nullptr, c.x.data(), c.nll.data()), Error);
  EXPECT_THROW(bernoulli_nll_backward(2, 2, c.logits.data(), c.x.data(), nullptr, c.gradient.data()), Error);
}

}  // namespace
}  // namespace sextant::kernels
