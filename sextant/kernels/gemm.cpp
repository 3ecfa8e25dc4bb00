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

// How the columns of B are cut into panels: `vectors` columns of L floats, spread evenly over `panels`.
struct Panels {
  Panels(int64_t columns, int64_t lanes, int64_t widest)
      : lanes(lanes), vectors(ceil_div(columns, lanes)), count(ceil_div(vectors, widest)) {}
  int64_t first_column(int64_t panel) const { return cut(vectors, count, panel) * lanes; }
  int64_t width(int64_t panel) const { return first_column(panel + 1) - first_column(panel); }
  int64_t lanes, vectors, count;
};
}  // namespace sextant::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
Panels panels_of(int64_t columns) { return {columns, static_cast<int64_t>(hn::Lanes(Floats())), kTileVectors}; }

// B's rows k0.. of one panel to out[depth][width], zero beyond the last column.
void copy_panel(const MatrixView& b, int64_t k0, int64_t depth, int64_t column, int64_t columns, int64_t width,
                float* out) {
  const int64_t valid = std::min(width, columns - column);
  for (int64_t k = 0; k < depth; ++k, out += width) {
    const float* row = b.data + (k0 + k) * b.row_stride + column * b.column_stride;
    if (b.column_stride == 1) {
      std::memcpy(out, row, static_cast<size_t>(valid) * sizeof(float));
    } else {
      for (int64_t j = 0; j < valid; ++j) out[j] = row[j * b.column_stride];
    }
    std::fill(out + valid, out + width, 0.0f);
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

template <int kRows, int kVectors>
HWY_INLINE void finish_tile(const FloatVec (&sum)[kRows][kVectors], const Finish& f) {
  const Floats d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN float edge[hn::MaxLanes(d)];
  for (int v = 0; v < kVectors; ++v) {
    const int64_t column = v * lanes, valid = std::min(lanes, f.columns - column);
    if (valid <= 0) break;
    const size_t bytes = static_cast<size_t>(valid) * sizeof(float);
    const auto load = [&](const float* from) {
      if (valid == lanes) return hn::LoadU(d, from);
      std::memcpy(edge, from, bytes);
      return hn::Load(d, edge);
    };
    const FloatVec bias = f.bias && f.first ? load(f.bias + column) : hn::Zero(d);
    for (int r = 0; r < kRows; ++r) {
      float* to = f.c + r * f.row_stride + column;
      FloatVec value = hn::Add(sum[r][v], f.first ? bias : load(to));
      if (f.slope != 1) {  // NaN stays NaN
        const FloatVec below = f.slope == 0 ? hn::Zero(d) : hn::Mul(value, hn::Set(d, f.slope));
        value = hn::IfThenElse(hn::Lt(value, hn::Zero(d)), below, value);
      }
      if (f.gate) value = hn::IfThenZeroElse(hn::Le(load(f.gate + r * f.row_stride + column), hn::Zero(d)), value);
      if (valid == lanes) {
        hn::StoreU(value, d, to);
      } else {
        hn::Store(value, d, edge);
        std::memcpy(to, edge, bytes);
      }
    }
  }
}

template <int kRows, int kVectors>
struct Tile {
  static void run(const float* a, int64_t row, int64_t step, const float* b, int64_t width, int64_t depth,
                  const Finish& finish) {
    FloatVec sum[kRows][kVectors];
    multiply_tile(a, row, step, b, width, depth, sum);
    finish_tile<kRows, kVectors>(sum, finish);
  }
};

// One register tile: rows [row, row_end) by one panel by the block of the depth that begins at k0. `packed` null: B is
// read in place.
void run_tile(const Product& p, const Panels& panels, const float* packed, int64_t k0, int64_t depth, int64_t panel,
              int64_t row, int64_t row_end) {
  const int64_t column = panels.first_column(panel), width = panels.width(panel), at = row * p.columns + column;
  const bool last = k0 + depth == p.depth;
  const Finish finish{.bias = p.bias ? p.bias + column : nullptr,
                      .first = k0 == 0,
                      .slope = last ? p.slope : 1.0f,
                      .gate = p.gate && last ? p.gate + at : nullptr,
                      .c = p.c + at,
                      .row_stride = p.columns,
                      .columns = p.columns - column};
  const auto run = kernel_for<Tile>(row_end - row, width / panels.lanes);
  run(p.a.data + row * p.a.row_stride + k0 * p.a.column_stride, p.a.row_stride, p.a.column_stride,
      packed ? packed + column * depth : p.b.data + k0 * p.b.row_stride + column, packed ? width : p.b.row_stride,
      depth, finish);
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(panels_of);
HWY_EXPORT(pack_panel);
HWY_EXPORT(run_tile);

constexpr int64_t kRowsOfTile = 6;
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
  const Panels panels = HWY_DYNAMIC_DISPATCH(panels_of)(p.columns);
  const int64_t row_tiles = ceil_div(p.rows, kRowsOfTile);
  const int64_t blocks = std::max<int64_t>(1, ceil_div(p.depth, kDepth));  // at depth 0 one: C becomes the bias
  const bool in_place = p.b.column_stride == 1 && p.columns % panels.lanes == 0 && p.rows <= kRowsInPlace &&
                        p.b.row_stride <= kColumnsInPlace;
  float* packed = in_place ? nullptr : scratch.get(panels.vectors * panels.lanes * ceil_div(p.depth, blocks) + 1);
  const auto pack = [&](int64_t k0, int64_t depth, int64_t panel) {
    const int64_t column = panels.first_column(panel);
    HWY_DYNAMIC_DISPATCH(pack_panel)
    (p.b, k0, depth, column, p.columns, panels.width(panel), packed + column * depth);
  };
  const auto multiply = [&](int64_t k0, int64_t depth, int64_t job) {
    const int64_t panel = job / row_tiles, t = job % row_tiles;
    HWY_DYNAMIC_DISPATCH(run_tile)
    (p, panels, packed, k0, depth, panel, cut(p.rows, row_tiles, t), cut(p.rows, row_tiles, t + 1));
  };
  // One team for all blocks: its barriers cost a fraction of waking it again.
  const int64_t worth = p.rows * p.columns * p.depth / kLeastMultiplied;
  const int threads = omp_in_parallel() ? 1 : static_cast<int>(std::clamp<int64_t>(worth, 1, omp_get_max_threads()));
#pragma omp parallel num_threads(threads) if (threads > 1)
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t k0 = cut(p.depth, blocks, block), depth = cut(p.depth, blocks, block + 1) - k0;
    if (packed) {
#pragma omp for schedule(static)
      for (int64_t panel = 0; panel < panels.count; ++panel) pack(k0, depth, panel);
    }
#pragma omp for schedule(static)
    for (int64_t job = 0; job < panels.count * row_tiles; ++job) multiply(k0, depth, job);
  }
}

}  // namespace sextant::kernels
#endif
