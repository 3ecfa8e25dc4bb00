// The product in bfloat16 against double sums over factors rounded one by one, for every unit and instruction set.
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/each_target.h"
#include "sextant/kernels/gemm.h"
#include "sextant/kernels/pair_unit.h"
#include "sextant/kernels/random_floats.h"

namespace sextant::kernels {
namespace {

double rounded(float v) {  // to nearest, ties away from zero
  const float to = std::bit_cast<float>((std::bit_cast<uint32_t>(v) + 0x8000u) & 0xFFFF0000u);
  return static_cast<double>(to);
}

struct Case {
  int64_t rows, columns, depth;
  bool transposed = true;  // B, as a layer's weight lies
  bool extras = false;     // bias, slope, gate
};

void expect_equal(const Case& c) {
  SCOPED_TRACE(concat(c.rows, " x ", c.columns, " by ", c.depth, c.transposed ? ", B transposed" : ""));
  const auto a = random_normals(c.rows * c.depth, 1), b = random_normals(c.depth * c.columns, 2);
  const auto bias = random_normals(c.columns, 3), gate = random_normals(c.rows * c.columns, 4);
  std::vector<float> got(static_cast<size_t>(c.rows * c.columns) + 1, 77.0f);
  const MatrixView view = c.transposed ? MatrixView{b.data(), 1, c.depth} : MatrixView{b.data(), c.columns, 1};
  gemm_bfloat16({.rows = c.rows,
                 .columns = c.columns,
                 .depth = c.depth,
                 .a = {a.data(), c.depth, 1},
                 .b = view,
                 .bias = c.extras ? bias.data() : nullptr,
                 .slope = c.extras ? 0.2f : 1.0f,
                 .gate = c.extras ? gate.data() : nullptr,
                 .c = got.data()});
  EXPECT_EQ(got.back(), 77.0f) << "wrote beyond the end";
  double worst = 0;
  for (int64_t i = 0; i < c.rows; ++i)
    for (int64_t j = 0; j < c.columns; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < c.depth; ++k)
        sum += rounded(a[static_cast<size_t>(i * c.depth + k)]) *
               rounded(b[static_cast<size_t>(c.transposed ? j * c.depth + k : k * c.columns + j)]);
      const auto at = static_cast<size_t>(i * c.columns + j);
      if (c.extras) {
        sum += static_cast<double>(bias[static_cast<size_t>(j)]);
        if (sum < 0) sum *= static_cast<double>(0.2f);
        if (gate[at] <= 0) sum = 0;
      }
      const double difference = std::abs(static_cast<double>(got[at]) - sum);
      if (!(difference <= worst)) worst = difference;
    }
  EXPECT_LT(worst, 2e-6 * std::sqrt(static_cast<double>(c.depth)));  // roundings of float sums of size sqrt(depth)
}

TEST(GemmBFloat16, EqualsSumsOverRoundedFactors) {
  each_target([](int64_t target) {
    for (const PairUnit unit : {PairUnit::kEmulated, PairUnit::kInstruction, PairUnit::kMatrix}) {
      if (!has_pair_unit(unit) || (unit != PairUnit::kEmulated && (target & HWY_AVX3) == 0)) continue;
      SCOPED_TRACE(concat("unit ", static_cast<int>(unit)));
      set_pair_unit_for_test(unit);
      for (const Case& c : {Case{1, 1, 1}, {7, 3, 5}, {16, 16, 32}, {65, 64, 31}, {33, 70, 48}, {200, 130, 96, false},
                            {17, 5, 300, false, true}, {64, 128, 256, true, true}})
        expect_equal(c);
      set_pair_unit_for_test(std::nullopt);
    }
  });
}

TEST(GemmBFloat16, RefusesWhatItCantDo) {
  const std::vector<float> a(64, 1.0f);
  std::vector<float> c(64);
  const MatrixView square{a.data(), 8, 1};
  const Product fine = {.rows = 8, .columns = 8, .depth = 8, .a = square, .b = square, .c = c.data()};
  EXPECT_NO_THROW(gemm_bfloat16(fine));
  Product turned = fine, null = fine;
  turned.a = {a.data(), 1, 8};
  null.b.data = nullptr;
  EXPECT_THROW(gemm_bfloat16(turned), Error);
  EXPECT_THROW(gemm_bfloat16(null), Error);
}

}  // namespace
}  // namespace sextant::kernels
