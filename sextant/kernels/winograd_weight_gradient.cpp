// Winograd weight gradient: dW = G^T [sum over tiles of (B^T d B) (A dY A^T)] G, one product over tiles for each of the
// 36 points. The bias gradient is summed from the tiles' output gradients while they are in cache. Threads share
// the tiles, each with its own sums S [36][in][out]; these are added in the order of threads. A block is 64 tiles deep:
// all of S is read and written once a block, and at that depth the products beside it take longer. In bfloat16 the
// products sum over pairs of tiles. The matrix unit wants A by rows: there U is turned over first, one point at a time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sextant/kernels/winograd_weight_gradient.cpp"
#include "sextant/kernels/simd.h"
// Keep this order: the targets must be known before the loop over them.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/bfloat16_pairs-inl.h"
#include "sextant/kernels/point_product-inl.h"
#include "sextant/kernels/scratch_buffer.h"
#include "sextant/kernels/threads.h"
#include "sextant/kernels/transpose-inl.h"
#include "sextant/kernels/winograd.h"
#include "sextant/kernels/winograd_tiles.h"
#include "sextant/kernels/winograd_transforms-inl.h"

#ifndef SEXTANT_KERNELS_WINOGRAD_WEIGHT_GRADIENT_ONCE
#define SEXTANT_KERNELS_WINOGRAD_WEIGHT_GRADIENT_ONCE
namespace sextant::kernels {
struct WeightGradient {
  WeightGradient(const ConvShape& s, Precision precision)
      : shape(s),
        grid(s),
        in(ceil_to(s.in, kPad)),
        out(ceil_to(s.out, kPad)),
        block(precision == Precision::kFloat32 ? kRows : 2 * kRows) {}
  static constexpr int64_t kRows = 64;  // of a block: tiles, or pairs of them
  // A product over pairs may begin in any row and run to whole tiles of the matrix unit.
  static constexpr int64_t kMostRows = kRows + amx::kTile - 1;
  int64_t u_point() const { return kMostRows * in + kPad; }
  int64_t z_point() const { return kMostRows * out + kPad; }
  int64_t turned_size() const { return kMostRows * in; }
  int64_t scratch_size() const { return kProducts * (u_point() + z_point()) + turned_size() + out; }
  int64_t sums_size() const { return kProducts * in * out; }
  ConvShape shape;
  TileGrid grid;
  int64_t in, out;  // channels in whole vectors
  int64_t block;    // tiles
  const float *x = nullptr, *dy = nullptr, *zeros = nullptr;
};
}  // namespace sextant::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {

// How the tiles of a block lie in the rows of its products, and how these are summed.
struct FloatTiles {
  using Products = FloatProducts;
  static constexpr int64_t kInRow = 1;
  static FloatSink sink(float* at, int64_t point_stride, int64_t row, int64_t t) {
    return {at + t * row, point_stride};
  }
};
template <class P>
struct PairsOfTiles {
  using Products = P;
  static constexpr int64_t kInRow = 2;
  static TilePairSink sink(float* at, int64_t point_stride, int64_t row, int64_t t) {
    return {at + t / 2 * row, point_stride, t % 2 == 1};
  }
};

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
// to [columns,rows] = the transpose of from [rows,columns], both multiples of 16: sixteen by four at a time. A vector
// of quarters of rows r, r + 4, r + 8, r + 12, turned over within its quarters, holds sixteen rows of a column.
HWY_INLINE void turn_over(const float* from, int64_t rows, int64_t columns, float* to) {
  const hn::FixedTag<float, 16> d;
  const hn::Half<decltype(d)> half;
  const hn::Half<decltype(half)> quarter;
  for (int64_t c = 0; c < columns; c += 4)
    for (int64_t r = 0; r < rows; r += 16) {
      const auto spread = [&](int64_t i) {
        const float* at = from + (r + i) * columns + c;
        const auto load = [&](int64_t k) { return hn::LoadU(quarter, at + 4 * k * columns); };
        return hn::Combine(d, hn::Combine(half, load(3), load(2)), hn::Combine(half, load(1), load(0)));
      };
      store_transposed(d, spread(0), spread(1), spread(2), spread(3), to + c * rows + r, rows);
    }
}
#else
HWY_INLINE void turn_over(const float*, int64_t, int64_t, float*) {}  // no matrix unit
#endif

// Zero where the products of a block read and no tile writes: the first half of a pair whose second tile is the first
// to take part, and what is beyond the last pair, where the matrix unit takes whole tiles.
template <bool kWholeTiles>
HWY_INLINE void clear_unfilled(const WeightGradient& g, const TileBlock& tiles, float* u, float* z) {
  for (int p = 0; p < kProducts; ++p) {
    if (tiles.last(p) <= tiles.first(p)) continue;
    const auto clear = [&](int64_t row, int64_t rows) {
      std::fill_n(u + p * g.u_point() + row * g.in, rows * g.in, 0.0f);
      std::fill_n(z + p * g.z_point() + row * g.out, rows * g.out, 0.0f);
    };
    const int64_t first = tiles.first(p) / 2, end = (tiles.last(p) + 1) / 2;
    if (tiles.first(p) % 2 == 1) clear(first, 1);
    if (kWholeTiles) clear(end, ceil_to(end - first, amx::kTile) - (end - first));
  }
}

// Adds tiles [begin, end), one block, to sums [36][shape.in][out] and bias [out].
template <class Tiles>
void add_block(const WeightGradient& g, int64_t begin, int64_t end, float* scratch, float* sums, float* bias) {
  const ConvShape& s = g.shape;
  const TileBlock tiles(g.grid, begin, end);
  using Products = typename Tiles::Products;
  float *u = scratch, *z = u + kProducts * g.u_point(), *turned = z + kProducts * g.z_point();
  float* block_bias = turned + g.turned_size();
  std::fill_n(block_bias, g.out, 0.0f);
  if constexpr (Tiles::kInRow == 2) clear_unfilled<Products::kByMatrixUnit>(g, tiles, u, z);
  for (int64_t t = 0; t < tiles.size(); ++t) {
    const WinogradTile& tile = tiles[t];
    transform_input(s, g.x, tile, 0, s.in, g.zeros, Tiles::sink(u, g.u_point(), g.in, t));
    const float* dy = g.dy + ((tile.image * s.height + tile.y) * s.width + tile.x) * s.out;
    const auto sink = Tiles::sink(z, g.z_point(), g.out, t);
    transform_for<GradientTile<decltype(sink)>::template Of>(tile)(dy, s.width * s.out, s.out, s.out, sink, block_bias);
  }
  for (int64_t o = 0; o < g.out; ++o) bias[o] += block_bias[o];  // sums in two levels, as in point_product
  for (int p = 0; p < kProducts; ++p) {
    if (tiles.last(p) <= tiles.first(p)) continue;
    const int64_t first = tiles.first(p) / Tiles::kInRow;
    int64_t depth = (tiles.last(p) - 1) / Tiles::kInRow + 1 - first;
    const float* a = u + p * g.u_point() + first * g.in;
    int64_t a_row = 1, a_step = g.in;
    if constexpr (Products::kByMatrixUnit) {
      depth = ceil_to(depth, amx::kTile);
      turn_over(a, depth, g.in, turned);
      a = turned, a_row = depth, a_step = 1;
    }
    for (int64_t o = 0; o < g.out; o += kPanel)
      point_product<Products>(a, a_row, a_step, RowMajor{z + p * g.z_point() + first * g.out + o, g.out}, depth,
                              sums + p * g.in * g.out + o, g.out, s.in, std::min(kPanel, g.out - o), true);
  }
}
void add_float(const WeightGradient& g, int64_t begin, int64_t end, float* scratch, float* sums, float* bias) {
  add_block<FloatTiles>(g, begin, end, scratch, sums, bias);
}
void add_pairs(const WeightGradient& g, int64_t begin, int64_t end, float* scratch, float* sums, float* bias) {
  add_block<PairsOfTiles<PairProducts>>(g, begin, end, scratch, sums, bias);
}
void add_native_pairs(const WeightGradient& g, int64_t begin, int64_t end, float* scratch, float* sums, float* bias) {
  add_block<PairsOfTiles<NativePairProducts>>(g, begin, end, scratch, sums, bias);
}
void add_matrix_pairs(const WeightGradient& g, int64_t begin, int64_t end, float* scratch, float* sums, float* bias) {
  const amx::Session session;
  add_block<PairsOfTiles<MatrixPairProducts>>(g, begin, end, scratch, sums, bias);
}

// G^T S G for the outputs [o, o + lanes) and inputs [first, last), S the sum of `copies` partial sums, to dw.
void finish_weights(const WeightGradient& g, const float* sums, int64_t copies, int64_t first, int64_t last,
                    float* dw) {
  const Floats d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), in = g.shape.in;  // of dw
  for (int64_t o = 0; o < g.shape.out; o += lanes) {
    const int64_t valid = std::min(lanes, g.shape.out - o);
    for (int64_t c = first; c < last; ++c) {
      V sum[kProducts], half[3 * kPoints], taps[9];
      for (int p = 0; p < kProducts; ++p) {
        const float* from = sums + (p * g.in + c) * g.out + o;
        sum[p] = hn::LoadU(d, from);
        for (int64_t copy = 1; copy < copies; ++copy) sum[p] = sum[p] + hn::LoadU(d, from + copy * g.sums_size());
      }
      for (int j = 0; j < kPoints; ++j) {
        V column[3];
        tap_gradients(sum + j, kPoints, column);
        for (int i = 0; i < 3; ++i) half[i * kPoints + j] = column[i];
      }
      for (int i = 0; i < 3; ++i) tap_gradients(half + i * kPoints, 1, taps + 3 * i);
      HWY_ALIGN float lane[9][hn::MaxLanes(d)];
      for (int tap = 0; tap < 9; ++tap) hn::Store(taps[tap], d, lane[tap]);
      for (int64_t l = 0; l < valid; ++l)
        for (int tap = 0; tap < 9; ++tap) dw[((o + l) * in + c) * 9 + tap] = lane[tap][l];
    }
  }
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(add_float);
HWY_EXPORT(add_pairs);
HWY_EXPORT(add_native_pairs);
HWY_EXPORT(add_matrix_pairs);
HWY_EXPORT(finish_weights);

void winograd_weight_gradient(const ConvShape& s, const float* x, const float* dy, float* dw, float* db,
                              Precision precision) {
  SEXTANT_CHECK(s.batch >= 0 && s.height >= 1 && s.width >= 1 && s.in >= 1 && s.out >= 1,
                "[winograd] needs batch >= 0 and all other sizes >= 1; got ", s.batch, " x ", s.height, " x ", s.width,
                ", ", s.in, " -> ", s.out, "; check the shapes");
  SEXTANT_CHECK(dw && (s.batch == 0 || (x && dy)), "[winograd] the weight gradient needs x, dy and dw; got a null ",
                "pointer; allocate them");
  static thread_local ScratchBuffer all_sums;
  WeightGradient g(s, precision);
  const std::vector<float> zeros(static_cast<size_t>(s.in), 0.0f);
  g.x = x, g.dy = dy, g.zeros = zeros.data();
  const int64_t blocks = (g.grid.count + g.block - 1) / g.block;
  const int64_t shares = std::clamp<int64_t>(omp_get_max_threads(), 1, std::max<int64_t>(1, blocks));
  const auto add = by_precision(precision, true, HWY_DYNAMIC_DISPATCH(add_float),
                                HWY_DYNAMIC_DISPATCH(add_matrix_pairs), HWY_DYNAMIC_DISPATCH(add_native_pairs),
                                HWY_DYNAMIC_DISPATCH(add_pairs));
  float* sums = all_sums.get(shares * g.sums_size());
  std::vector<float> bias(static_cast<size_t>(shares * g.out), 0.0f);
  parallel_jobs(shares, [&](int64_t share) {
    static thread_local ScratchBuffer scratch;
    float* own = sums + share * g.sums_size();
    std::fill_n(own, g.sums_size(), 0.0f);
    const int64_t begin = g.grid.count * share / shares, count = g.grid.count * (share + 1) / shares - begin;
    const int64_t parts = (count + g.block - 1) / g.block;
    for (int64_t i = 0; i < parts; ++i)
      add(g, begin + count * i / parts, begin + count * (i + 1) / parts, scratch.get(g.scratch_size()), own,
          bias.data() + share * g.out);
  });
  constexpr int64_t kInputs = 16;
  parallel_jobs((s.in + kInputs - 1) / kInputs, [&](int64_t job) {
    HWY_DYNAMIC_DISPATCH(finish_weights)
    (g, sums, shares, job * kInputs, std::min(s.in, (job + 1) * kInputs), dw);
  });
  for (int64_t o = 0; db && o < s.out; ++o) {
    db[o] = 0;
    for (int64_t share = 0; share < shares; ++share) db[o] += bias[static_cast<size_t>(share * g.out + o)];
  }
}

}  // namespace sextant::kernels
#endif
