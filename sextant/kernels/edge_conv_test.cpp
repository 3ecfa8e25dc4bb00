// The convolutions with few channels against direct sums in double, in all three directions.
#include "sextant/kernels/edge_conv.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/conv_case.h"
#include "sextant/kernels/each_target.h"

namespace sextant::kernels {
namespace {

// Sums of `depth` products of standard normals in float.
void expect_close(const std::vector<float>& got, const std::vector<float>& expected, int64_t depth, const char* what) {
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], expected[i], 4e-7 * static_cast<double>(depth + 8)) << what << " at " << i;
  EXPECT_EQ(got.back(), kGuard) << what << " wrote beyond its end";
}

struct Case : ConvCase {
  using ConvCase::ConvCase;

  void run(bool bias = true) {
    edge_convolve(s, x.data(), filter(), bias ? b.data() : nullptr, y.data());
    edge_data_gradient(s, dy.data(), filter(), dx.data());
    edge_weight_gradient(s, x.data(), dy.data(), dw.data(), bias ? db.data() : nullptr);
  }
};

TEST(EdgeConv, EqualsDirectSums) {
  each_target([&](int64_t) {
    for (const auto& [in, out] : {std::pair{1, 1}, {1, 64}, {64, 1}, {3, 20}, {17, 4}, {4, 4}, {2, 130}, {72, 3}})
      for (const auto& [h, w] : {std::pair{1, 1}, {5, 7}, {8, 1}, {1, 13}, {35, 6}})
        for (bool bias : {true, false}) {
          const ConvShape s{h == 1 && w == 1 ? 1 : 2, h, w, in, out};  // one picture of one pixel: idle threads
          SCOPED_TRACE(concat(h, " x ", w, ", ", in, " -> ", out));
          Case fast(s), plain(s);
          fast.run(bias);
          plain.run_reference(bias, false);
          expect_close(fast.y, plain.y, 9 * in, "y");
          expect_close(fast.dx, plain.dx, 9 * out, "dx");
          expect_close(fast.dw, plain.dw, fast.pixels, "dw");
          expect_close(fast.db, plain.db, fast.pixels, "db");
        }
  });
}

TEST(EdgeConv, EmptyBatchGivesZeroGradients) {
  Case c({0, 4, 4, 1, 8});
  c.run();
  EXPECT_TRUE(std::all_of(c.dw.begin(), c.dw.end() - 1, [](float v) { return v == 0; }));
  EXPECT_TRUE(std::all_of(c.db.begin(), c.db.end() - 1, [](float v) { return v == 0; }));
}

TEST(EdgeConv, BytesDoNotDependOnThreads) {
  for (const ConvShape& s : {ConvShape{5, 40, 9, 1, 24}, ConvShape{5, 40, 9, 24, 1}}) {
    Case one(s), many(s);
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    one.run();
    omp_set_num_threads(3);
    many.run();
    omp_set_num_threads(threads);
    EXPECT_TRUE(one.y == many.y && one.dx == many.dx && one.dw == many.dw && one.db == many.db);
  }
}

TEST(EdgeConv, RefusesManyChannelsOnBothSides) {
  Case c({1, 2, 2, 5, 5});
  EXPECT_THROW(c.run(), Error);
  Case null({1, 2, 2, 1, 5});
  EXPECT_THROW(edge_weight_gradient(null.s, nullptr, null.dy.data(), null.dw.data(), nullptr), Error);
}

}  // namespace
}  // namespace sextant::kernels
