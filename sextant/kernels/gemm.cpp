// The packed product of gemm.h. Blocking, for the caches of today's cores (L1 32 KiB or more, L2 512 KiB or more):
// a panel of B, at most 4 vectors wide, is taken kDepth deep: 512 * 256 bytes = 128 KiB, which stays in L2 while all
// the row tiles of a thread pass over it; a tile's 6 rows of A, 12 KiB, stay in L1. The inner loop reads B from L2 at
// 256 bytes per 24 multiply-adds, a third of what the cache delivers.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sextant/kernels/gemm.cpp"
#include "sextant/kernels/simd.h"
// Keep this order: the targets must be known before the loop over them.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "sextant/base/check.h"
#include "sextant/kernels/gemm.h"
#include "sextant/kernels/register_tile-inl.h"
#include "sextant/kernels/scratch_buffer.h"
#include "sextant/kernels/threads.h"
#include "sextant/kernels/transpose-inl.h"

#ifndef SEXTANT_KERNELS_GEMM_ONCE
#define SEXTANT_KERNELS_GEMM_ONCE
namespace sextant::kernels {
inline constexpr int64_t kDepth = 512;  // the most of a block of B

// `total` cut into `parts` of nearly equal size: part i begins here.
inline int64_t cut(int64_t total, int64_t parts, int64_t i) { return total * i / parts; }
inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// How C is cut: its columns into panels, `vectors` of L floats spread evenly over them; its rows into tiles.
struct Tiling {
  Tiling(int64_t rows, int64_t columns, int64_t lanes, int64_t highest, int64_t widest)
      : lanes(lanes),
        vectors(ceil_div(columns, lanes)),
        panels(ceil_div(vectors, widest)),
        row_tiles(ceil_div(rows, highest)) {}
  int64_t first_column(int64_t panel) const { return cut(vectors, panels, panel) * lanes; }
  int64_t width(int64_t panel) const { return first_column(panel + 1) - first_column(panel); }
  int64_t lanes, vectors, panels, row_tiles;
};
}  // namespace sextant::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
Tiling tiling_of(int64_t rows, int64_t columns) {
  return {rows, columns, static_cast<int64_t>(hn::Lanes(Floats())), kTileRows, kTileVectors};
}

// B's rows k0.. of one panel to out[depth][width], zero beyond the last column.
void copy_panel(const MatrixView& b, int64_t k0, int64_t depth, int64_t column, int64_t columns, int64_t width,
                float* out) {
  const Floats d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), valid = std::min(width, columns - column);
  const int64_t vectors_end = b.column_stride == 1 ? valid / lanes * lanes : 0;
  for (int64_t k = 0; k < depth; ++k, out += width) {
    const float* row = b.data + (k0 + k) * b.row_stride + column * b.column_stride;
    int64_t j = 0;
    for (; j < vectors_end; j += lanes) hn::StoreU(hn::LoadU(d, row + j), d, out + j);
    for (; j < valid; ++j) out[j] = row[j * b.column_stride];
    for (; j < width; ++j) out[j] = 0;
  }
}

// The same where B is the transpose of a row-major matrix (row_stride 1): squares of 4 x 4 turned over in registers.
void transpose_panel(const MatrixView& b, int64_t k0, int64_t depth, int64_t column, int64_t columns, int64_t width,
                     float* out) {
  const hn::FixedTag<float, 4> d;
  const int64_t square_columns = std::min(width, columns - column) / 4 * 4, square_depth = depth / 4 * 4;
  for (int64_t j = 0; j < square_columns; j += 4) {
    const float* row = b.data + k0 + (column + j) * b.column_stride;
    const int64_t s = b.column_stride;
    for (int64_t k = 0; k < square_depth; k += 4) {
      const auto load = [&](int64_t r) { return hn::LoadU(d, row + k + r * s); };
      store_transposed(d, load(0), load(1), load(2), load(3), out + k * width + j, width);
    }
  }
  const auto one_by_one = [&](int64_t k, int64_t j) {
    out[k * width + j] = column + j < columns ? b.data[k0 + k + (column + j) * b.column_stride] : 0.0f;
  };
  for (int64_t k = 0; k < square_depth; ++k)
    for (int64_t j = square_columns; j < width; ++j) one_by_one(k, j);
  for (int64_t k = square_depth; k < depth; ++k)
    for (int64_t j = 0; j < width; ++j) one_by_one(k, j);
}

void pack_panel(const MatrixView& b, int64_t k0, int64_t depth, int64_t column, int64_t columns, int64_t width,
                float* out) {
  const bool transposed = b.row_stride == 1 && b.column_stride != 1;
  (transposed ? transpose_panel : copy_panel)(b, k0, depth, column, columns, width, out);
}

// What a tile does with its sums.
struct Finish {
  const float* bias;  // of the tile's first column, or null; only with `first`
  bool first;         // block of the depth: C is set, else added to
  float slope;        // 1 before the last block
  const float* gate;  // at C's place, or null; only in the last block
  float* c;
  int64_t row_stride, columns;  // valid columns of the panel
};

// The sums of a tile that lies wholly within C. Loops over registers must be unrolled, or the sums go through memory.
template <int kRows, int kVectors>
HWY_INLINE void finish_whole(const FloatVec (&sum)[kRows][kVectors], const Finish& f) {
  const Floats d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto zero = hn::Zero(d);
  HWY_UNROLL(4)
  for (int v = 0; v < kVectors; ++v) {
    const FloatVec bias = f.bias && f.first ? hn::LoadU(d, f.bias + v * lanes) : zero;
    HWY_UNROLL(6)
    for (int r = 0; r < kRows; ++r) {
      const int64_t at = r * f.row_stride + v * lanes;
      FloatVec value = hn::Add(sum[r][v], f.first ? bias : hn::LoadU(d, f.c + at));
      if (f.slope != 1) {  // NaN stays NaN
        const FloatVec below = f.slope == 0 ? zero : hn::Mul(value, hn::Set(d, f.slope));
        value = hn::IfThenElse(hn::Lt(value, zero), below, value);
      }
      if (f.gate) value = hn::IfThenZeroElse(hn::Le(hn::LoadU(d, f.gate + at), zero), value);
      hn::StoreU(value, d, f.c + at);
    }
  }
}

// The same for a tile with columns beyond C's last: done on a copy.
template <int kRows, int kVectors>
HWY_INLINE void finish_edge(const FloatVec (&sum)[kRows][kVectors], const Finish& f) {
  constexpr int64_t kWidth = kVectors * static_cast<int64_t>(hn::MaxLanes(Floats()));
  float c[kRows * kWidth] = {}, gate[kRows * kWidth] = {}, bias[kWidth] = {};
  const auto valid = [&](float* to, const float* from) {
    std::memcpy(to, from, static_cast<size_t>(f.columns) * sizeof(float));
  };
  Finish copy = f;
  copy.c = c;
  copy.row_stride = kWidth;
  if (f.bias) valid(bias, f.bias), copy.bias = bias;
  for (int r = 0; r < kRows; ++r) {
    if (!f.first) valid(c + r * kWidth, f.c + r * f.row_stride);
    if (f.gate) valid(gate + r * kWidth, f.gate + r * f.row_stride), copy.gate = gate;
  }
  finish_whole<kRows, kVectors>(sum, copy);
  for (int r = 0; r < kRows; ++r) valid(f.c + r * f.row_stride, c + r * kWidth);
}

template <int kRows, int kVectors>
struct Tile {
  static void run(const float* a, int64_t row, int64_t step, const float* b, int64_t width, int64_t depth,
                  const Finish& finish) {
    FloatVec sum[kRows][kVectors];
    multiply_tile(a, row, step, b, width, depth, sum);
    const bool whole = finish.columns >= kVectors * static_cast<int64_t>(hn::Lanes(Floats()));
    if (whole)
      finish_whole(sum, finish);
    else
      finish_edge(sum, finish);
  }
};

// The register tiles [tile, end) of one block of the depth, which begins at k0. They are counted down the rows, panel
// by panel, so that a panel of B stays in cache. `packed` null: B is read in place.
void run_tiles(const Product& p, const Tiling& tiling, const float* packed, int64_t k0, int64_t depth, int64_t tile,
               int64_t end) {
  const bool first = k0 == 0, last = k0 + depth == p.depth;
  const float* a = p.a.data + k0 * p.a.column_stride;
  while (tile < end) {
    const int64_t panel = tile / tiling.row_tiles, panel_end = std::min(end, (panel + 1) * tiling.row_tiles);
    const int64_t column = tiling.first_column(panel), width = tiling.width(panel);
    const float* b = packed ? packed + column * depth : p.b.data + k0 * p.b.row_stride + column;
    Finish finish{.bias = p.bias ? p.bias + column : nullptr,
                  .first = first,
                  .slope = last ? p.slope : 1.0f,
                  .gate = nullptr,
                  .c = nullptr,
                  .row_stride = p.columns,
                  .columns = p.columns - column};
    for (; tile < panel_end; ++tile) {
      const int64_t t = tile - panel * tiling.row_tiles;
      const int64_t row = cut(p.rows, tiling.row_tiles, t), rows = cut(p.rows, tiling.row_tiles, t + 1) - row;
      finish.c = p.c + row * p.columns + column;
      finish.gate = p.gate && last ? p.gate + row * p.columns + column : nullptr;
      kernel_for<Tile>(rows, width / tiling.lanes)(a + row * p.a.row_stride, p.a.row_stride, p.a.column_stride, b,
                                                   packed ? width : p.b.row_stride, depth, finish);
    }
  }
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(tiling_of);
HWY_EXPORT(pack_panel);
HWY_EXPORT(run_tiles);

// Rows of A below which packing a B of at most so many columns costs more than reading it with gaps.
constexpr int64_t kRowsInPlace = 256, kColumnsInPlace = 256;
constexpr int64_t kLeastMultiplied = 1 << 17;  // a thread's share below which waking it costs more than it saves

void gemm(const Product& p) {
  SEXTANT_CHECK(p.rows >= 0 && p.columns >= 0 && p.depth >= 0, "[gemm] sizes must not be negative; got ", p.rows, " x ",
                p.columns, " by depth ", p.depth, "; check the shapes");
  if (p.rows == 0 || p.columns == 0) return;
  SEXTANT_CHECK(p.c && (p.depth == 0 || (p.a.data && p.b.data)), "[gemm] needs A, B and C; got a null pointer; ",
                "allocate them");
  static thread_local ScratchBuffer scratch;
  const Tiling tiling = HWY_DYNAMIC_DISPATCH(tiling_of)(p.rows, p.columns);
  const int64_t blocks = std::max<int64_t>(1, ceil_div(p.depth, kDepth));  // at depth 0 one: C becomes the bias
  const bool in_place = p.b.column_stride == 1 && p.columns % tiling.lanes == 0 && p.rows <= kRowsInPlace &&
                        p.b.row_stride <= kColumnsInPlace;
  float* packed = in_place ? nullptr : scratch.get(tiling.vectors * tiling.lanes * ceil_div(p.depth, blocks) + 1);
  const auto pack = [&](int64_t k0, int64_t depth, int64_t panel) {
    const int64_t column = tiling.first_column(panel);
    HWY_DYNAMIC_DISPATCH(pack_panel)
    (p.b, k0, depth, column, p.columns, tiling.width(panel), packed + column * depth);
  };
  const int64_t tiles = tiling.panels * tiling.row_tiles;
  // One team for all blocks: its barriers cost a fraction of waking it again.
  const int64_t worth = p.rows * p.columns * p.depth / kLeastMultiplied;
  const int threads = omp_in_parallel() ? 1 : static_cast<int>(std::clamp<int64_t>(worth, 1, omp_get_max_threads()));
#pragma omp parallel num_threads(threads) if (threads > 1)
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t k0 = cut(p.depth, blocks, block), depth = cut(p.depth, blocks, block + 1) - k0;
    if (packed) {
#pragma omp for schedule(static)
      for (int64_t panel = 0; panel < tiling.panels; ++panel) pack(k0, depth, panel);
    }
#pragma omp for schedule(static)
    for (int64_t share = 0; share < threads; ++share) HWY_DYNAMIC_DISPATCH(run_tiles)
    (p, tiling, packed, k0, depth, cut(tiles, threads, share), cut(tiles, threads, share + 1));
  }
}

}  // namespace sextant::kernels
#endif
