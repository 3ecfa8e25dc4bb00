// The product of gemm.h with both factors rounded to bfloat16. A block of rows of A becomes rows of pairs in scratch
// memory, B panels of pairs, once a call; then the products are those of Winograd's points. The whole depth is summed
// in one go: it is some hundred channels here, and a block of 64 rows and a panel of B stay in L2.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sextant/kernels/gemm_bfloat16.cpp"
#include "sextant/kernels/simd.h"
// Keep this order: the targets must be known before the loop over them.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "sextant/base/check.h"
#include "sextant/kernels/bfloat16_pairs-inl.h"
#include "sextant/kernels/channels-inl.h"
#include "sextant/kernels/gemm.h"
#include "sextant/kernels/point_product-inl.h"
#include "sextant/kernels/scratch_buffer.h"
#include "sextant/kernels/threads.h"
#include "sextant/kernels/winograd_tiles.h"

#ifndef SEXTANT_KERNELS_GEMM_BFLOAT16_ONCE
#define SEXTANT_KERNELS_GEMM_BFLOAT16_ONCE
namespace sextant::kernels {
struct PairGemm {
  static constexpr int64_t kRows = 64;  // of A at a time
  explicit PairGemm(const Product& p) : product(p), depth(ceil_to(pairs_of(p.depth), kPad)) {}
  int64_t panel_at(int64_t column) const { return column * depth; }  // in b
  int64_t b_size() const { return depth * ceil_to(product.columns, kPad); }
  int64_t scratch_size() const { return kRows * (depth + kPanel); }
  const Product& product;
  int64_t depth;  // in pairs, zeros included
  float* b = nullptr;
};
}  // namespace sextant::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {

// Columns [column, column + width) of B, as groups of pairs.
void pack_pairs(const PairGemm& g, int64_t column) {
  const Floats d;
  const MatrixView& b = g.product.b;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), width = panel_width(g.product.columns, column);
  const auto row = [&](int64_t k, int64_t j) {  // a vector of B's row k, zero beyond its edges
    HWY_ALIGN float lane[hn::MaxLanes(d)] = {};
    const int64_t valid = k < g.product.depth ? std::min(lanes, g.product.columns - j) : 0;
    for (int64_t l = 0; l < valid; ++l) lane[l] = b.data[k * b.row_stride + (j + l) * b.column_stride];
    return hn::Load(d, lane);
  };
  for (int64_t n = 0; n < width; n += lanes) {
    const int64_t group = n / group_width() * group_width(), columns = std::min(group_width(), width - group);
    float* to = g.b + g.panel_at(column) + group * g.depth + n - group;
    for (int64_t k = 0; k < g.depth; ++k, to += columns) {
      store_first_halves(row(pair_channel(k), column + n), to);
      store_second_halves(row(pair_channel(k) + kPad, column + n), to);
    }
  }
}

// Rows [first, first + rows) of A, as pairs.
HWY_INLINE void pair_rows(const PairGemm& g, int64_t first, int64_t rows, float* pairs) {
  const Product& p = g.product;
  if (p.depth % (2 * kPad) != 0) std::fill_n(pairs, rows * g.depth, 0.0f);
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = p.a.data + (first + r) * p.a.row_stride;
    float* to = pairs + r * g.depth;
    for (int64_t k = 0; k < p.depth; k += 2 * kPad)
      for (const bool second : {false, true}) {
        const int64_t from = k + (second ? kPad : 0), count = std::clamp<int64_t>(p.depth - from, 0, kPad);
        for_channels(count, [&](int64_t c, auto access) {
          const auto v = access.load(row + from + c);
          second ? store_second_halves(v, to + k / 2 + c) : store_first_halves(v, to + k / 2 + c);
        });
      }
  }
}

// What remains to be done with a panel of sums [rows, kPanel].
HWY_INLINE void finish_panel(const Product& p, const float* sums, int64_t first, int64_t rows, int64_t column) {
  const Floats d;
  for (int64_t r = 0; r < rows; ++r)
    for_channels(std::min(kPanel, p.columns - column), [&](int64_t c, auto access) {
      const int64_t at = (first + r) * p.columns + column + c;
      FloatVec value = hn::LoadU(d, sums + r * kPanel + c);
      if (p.bias) value = hn::Add(value, access.load(p.bias + column + c));
      if (p.slope != 1) value = hn::IfThenElse(hn::Lt(value, hn::Zero(d)), hn::Mul(value, hn::Set(d, p.slope)), value);
      if (p.gate) value = hn::IfThenZeroElse(hn::Le(access.load(p.gate + at), hn::Zero(d)), value);
      access.store(value, p.c + at);
    });
}

template <class Products>
void multiply_rows(const PairGemm& g, int64_t first, int64_t rows, float* scratch) {
  float *pairs = scratch, *sums = scratch + PairGemm::kRows * g.depth;
  pair_rows(g, first, rows, pairs);
  for (int64_t column = 0; column < g.product.columns; column += kPanel) {
    const Grouped b{g.b + g.panel_at(column), g.depth, 0};
    point_product<Products>(pairs, g.depth, 1, b, g.depth, sums, kPanel, rows, panel_width(g.product.columns, column),
                            false);
    finish_panel(g.product, sums, first, rows, column);
  }
}
void multiply_emulated(const PairGemm& g, int64_t first, int64_t rows, float* scratch) {
  multiply_rows<PairProducts>(g, first, rows, scratch);
}
void multiply_by_instruction(const PairGemm& g, int64_t first, int64_t rows, float* scratch) {
  multiply_rows<NativePairProducts>(g, first, rows, scratch);
}
void multiply_by_matrix_unit(const PairGemm& g, int64_t first, int64_t rows, float* scratch) {
  const amx::Session session;
  multiply_rows<MatrixPairProducts>(g, first, rows, scratch);
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(pack_pairs);
HWY_EXPORT(multiply_emulated);
HWY_EXPORT(multiply_by_instruction);
HWY_EXPORT(multiply_by_matrix_unit);

void gemm_bfloat16(const Product& p) {
  SEXTANT_CHECK(p.rows >= 0 && p.columns >= 0 && p.depth >= 1, "[gemm] sizes must not be negative, depth at least 1; ",
                "got ", p.rows, " x ", p.columns, " by depth ", p.depth, "; check the shapes");
  if (p.rows == 0 || p.columns == 0) return;
  SEXTANT_CHECK(p.c && p.a.data && p.b.data, "[gemm] needs A, B and C; got a null pointer; allocate them");
  SEXTANT_CHECK(p.a.column_stride == 1, "[gemm] in bfloat16 the rows of A must be contiguous; transpose it");
  static thread_local ScratchBuffer packed;
  PairGemm g(p);
  g.b = packed.get(g.b_size());
  const auto run =
      by_pair_unit(true, HWY_DYNAMIC_DISPATCH(multiply_by_matrix_unit), HWY_DYNAMIC_DISPATCH(multiply_by_instruction),
                   HWY_DYNAMIC_DISPATCH(multiply_emulated));
  parallel_jobs((p.columns + kPanel - 1) / kPanel,
                [&](int64_t job) { HWY_DYNAMIC_DISPATCH(pack_pairs)(g, job * kPanel); });
  parallel_jobs((p.rows + PairGemm::kRows - 1) / PairGemm::kRows, [&](int64_t job) {
    static thread_local ScratchBuffer scratch;
    const int64_t first = job * PairGemm::kRows;
    run(g, first, std::min(PairGemm::kRows, p.rows - first), scratch.get(g.scratch_size()));
  });
}

}  // namespace sextant::kernels
#endif
