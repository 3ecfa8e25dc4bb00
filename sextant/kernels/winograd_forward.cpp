// Winograd convolution, forward and backward-data: the input of a block of tiles is transformed to U (36 x tiles x
// channels), multiplied point by point with the transformed weights to M (36 x tiles x 64 outputs), transformed back.
// Blocking: U and M of one block must stay in L2 while they are worked on; the weights of one point and panel (at most
// 128 x 64 floats, 32 KiB) pass through L1. Channels come in slices of at most 128, so that U does not outgrow L2. In
// bfloat16, U and the weights hold pairs of channels: half the depth, half the memory, and 256 channels to a slice.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sextant/kernels/winograd_forward.cpp"
#include "sextant/kernels/simd.h"
// Keep this order: the targets must be known before the loop over them.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <unistd.h>

#include <algorithm>

#include "sextant/base/check.h"
#include "sextant/kernels/bfloat16_pairs-inl.h"
#include "sextant/kernels/point_product-inl.h"
#include "sextant/kernels/scratch_buffer.h"
#include "sextant/kernels/threads.h"
#include "sextant/kernels/winograd.h"
#include "sextant/kernels/winograd_tiles.h"
#include "sextant/kernels/winograd_transforms-inl.h"

#ifndef SEXTANT_KERNELS_WINOGRAD_FORWARD_ONCE
#define SEXTANT_KERNELS_WINOGRAD_FORWARD_ONCE
namespace sextant::kernels {

constexpr int64_t kSliceDepth = 128;  // numbers or pairs
alignas(64) inline constexpr float kZeroPixel[2 * kSliceDepth] = {};  // beyond the edge of the picture, a slice of channels

// How many numbers deep a product over `channels` is.
inline int64_t depth_of(Precision precision, int64_t channels) {
  return precision == Precision::kFloat32 ? channels : pairs_of(channels);
}

// Where the matrix of product p and the panel of outputs from `first` on begins in the transformed weights.
struct WeightLayout {
  WeightLayout(Precision precision, int64_t channels, int64_t outputs)
      : precision(precision), channels(channels), depth(depth_of(precision, channels)), outputs(outputs) {}
  int64_t product_stride(int64_t first) const { return depth * panel_width(outputs, first) + kPad; }
  int64_t offset(int64_t first, int p) const {
    return first / kPanel * kProducts * (depth * kPanel + kPad) + p * product_stride(first);
  }
  int64_t size() const {
    const int64_t last = (outputs - 1) / kPanel * kPanel;
    return offset(last, 0) + kProducts * product_stride(last);
  }
  Precision precision;
  int64_t channels, depth, outputs;  // depth: channels, or pairs of them
};

struct Convolution {
  ConvShape shape;
  TileGrid grid;
  WeightLayout weights;
  int64_t slice;       // input channels at a time
  int64_t block;       // tiles at a time
  bool keeps_outputs;  // several slices: M of all panels is kept between them
  const float *x, *transformed, *bias, *add;
  float* y;

  // A product may begin at any tile and run to whole tiles of the matrix unit.
  int64_t rows() const { return weights.precision == Precision::kFloat32 ? block : block + amx::kTile - 1; }
  int64_t u_row() const { return ceil_to(depth_of(weights.precision, slice), kPad); }  // of one tile
  int64_t u_point() const { return rows() * u_row() + kPad; }
  int64_t m_point() const { return rows() * kPanel + kPad; }
  int64_t m_panels() const { return keeps_outputs ? (shape.out + kPanel - 1) / kPanel : 1; }
  int64_t scratch_size() const { return kProducts * (u_point() + m_panels() * m_point()); }
};
}  // namespace sextant::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {

// G g G^T for the outputs from `first` on, one panel, and the inner channels of row k, one or a pair; out_stride etc.
// of w already exchanged.
void transform_weights(const FilterView& w, const WeightLayout& layout, bool flip, int64_t first, int64_t k,
                       float* transformed) {
  const Floats d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), width = panel_width(layout.outputs, first);
  // store(p, vector) for all products of the outputs from `first` + n on and one channel.
  const auto transform = [&](int64_t n, int64_t channel, const auto& store) {
    const int64_t valid = std::clamp<int64_t>(layout.outputs - first - n, 0, lanes);
    const float* from = w.data + (first + n) * w.out_stride + channel * w.in_stride;
    V taps[9], half[3 * kPoints], u[kPoints];
    for (int tap = 0; tap < 9; ++tap) {
      HWY_ALIGN float lane[hn::MaxLanes(d)] = {};
      const int64_t at = (flip ? 8 - tap : tap) * w.tap_stride;
      for (int64_t l = 0; l < valid; ++l) lane[l] = from[at + l * w.out_stride];
      taps[tap] = hn::Load(d, lane);
    }
    for (int j = 0; j < 3; ++j) weight_points(taps[j], taps[3 + j], taps[6 + j], half + j, 3);
    for (int i = 0; i < kPoints; ++i) {
      weight_points(half[3 * i], half[3 * i + 1], half[3 * i + 2], u, 1);
      for (int j = 0; j < kPoints; ++j) store(i * kPoints + j, u[j]);
    }
  };
  for (int64_t n = 0; n < width; n += lanes) {
    const int64_t group = n / group_width() * group_width(), columns = HWY_MIN(group_width(), width - group);
    const int64_t place = group * layout.depth + k * columns + n - group;
    const auto at = [&](int p) { return transformed + layout.offset(first, p) + place; };
    if (layout.precision == Precision::kFloat32) {
      transform(n, k, [&](int p, V u) { hn::StoreU(u, d, at(p)); });
      continue;
    }
    const int64_t channel = pair_channel(k);
    transform(n, channel, [&](int p, V u) { store_first_halves(u, at(p)); });
    if (channel + kPad < layout.channels)
      transform(n, channel + kPad, [&](int p, V u) { store_second_halves(u, at(p)); });
  }
}

// Tiles [begin, end): all slices, all panels.
template <class Products, class Sink>
void convolve_tiles(const Convolution& c, int64_t begin, int64_t end, float* scratch) {
  const ConvShape& s = c.shape;
  const TileBlock tiles(c.grid, begin, end);
  float *u = scratch, *all_m = scratch + kProducts * c.u_point();
  for (int64_t in = 0; in < s.in; in += c.slice) {
    const int64_t channels = std::min(c.slice, s.in - in), u_row = c.u_row();
    const int64_t depth = depth_of(c.weights.precision, channels), above = depth_of(c.weights.precision, in);
    for (int64_t t = 0; t < tiles.size(); ++t)
      transform_input(s, c.x, tiles[t], in, channels, kZeroPixel, Sink{u + t * u_row, c.u_point()});
    for (int64_t out = 0; out < s.out; out += kPanel) {
      const int64_t width = panel_width(s.out, out);
      float* m = all_m + (c.keeps_outputs ? out / kPanel : 0) * kProducts * c.m_point();
      for (int p = 0; p < kProducts; ++p) {
        const int64_t first = tiles.first(p), rows = tiles.last(p) - first;
        if (rows <= 0) continue;
        const Grouped weights{c.transformed + c.weights.offset(out, p), c.weights.depth, above};
        point_product<Products>(u + p * c.u_point() + first * u_row, u_row, 1, weights, depth,
                                m + p * c.m_point() + first * kPanel, kPanel, rows, width, in > 0);
      }
      if (in + channels < s.in) continue;
      for (int64_t t = 0; t < tiles.size(); ++t) {
        const WinogradTile& tile = tiles[t];
        const int64_t at = ((tile.image * s.height + tile.y) * s.width + tile.x) * s.out + out;
        transform_for<OutputTile>(tile)(m + t * kPanel, c.m_point(), c.bias ? c.bias + out : nullptr,
                                        c.add ? c.add + at : nullptr, c.y + at, s.width * s.out, s.out,
                                        std::min(kPanel, s.out - out));
      }
    }
  }
}

void convolve_float(const Convolution& c, int64_t begin, int64_t end, float* scratch) {
  convolve_tiles<FloatProducts, FloatSink>(c, begin, end, scratch);
}
void convolve_pairs(const Convolution& c, int64_t begin, int64_t end, float* scratch) {
  convolve_tiles<PairProducts, ChannelPairSink>(c, begin, end, scratch);
}
void convolve_native_pairs(const Convolution& c, int64_t begin, int64_t end, float* scratch) {
  convolve_tiles<NativePairProducts, ChannelPairSink>(c, begin, end, scratch);
}
void convolve_matrix_pairs(const Convolution& c, int64_t begin, int64_t end, float* scratch) {
  const amx::Session session;
  convolve_tiles<MatrixPairProducts, ChannelPairSink>(c, begin, end, scratch);
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(transform_weights);
HWY_EXPORT(convolve_float);
HWY_EXPORT(convolve_pairs);
HWY_EXPORT(convolve_native_pairs);
HWY_EXPORT(convolve_matrix_pairs);

namespace {

void check_channels(int64_t in, int64_t out, bool pointers) {
  SEXTANT_CHECK(in >= 1 && out >= 1, "[winograd] needs at least one input and one output channel; got ", in, " and ",
                out, "; check the layer");
  SEXTANT_CHECK(pointers, "[winograd] got a null pointer for data that the call needs; allocate it");
}

WeightLayout layout_of(int64_t in, int64_t out, ConvPass pass, Precision precision) {
  return pass == ConvPass::kForward ? WeightLayout(precision, in, out) : WeightLayout(precision, out, in);
}

int64_t l2_cache_bytes() {
  static const int64_t bytes = [] {
    const long found = sysconf(_SC_LEVEL2_CACHE_SIZE);  // 0 or -1 where the system does not say
    return found > 0 ? int64_t{found} : int64_t{1} << 20;
  }();
  return bytes;
}

// Blocks are as large as L2 allows, of equal size, and as many for each thread. Results do not depend on them. Below
// four register tiles the way of the weights from L3 costs more than that of U (measured with 512 KiB of L2). Products
// in bfloat16 can be so fast that the way of the weights matters: those of one panel stay in L2 from block to block,
// those of several pass through it once a block.
Convolution plan(const ConvShape& s, Precision precision) {
  Convolution c{.shape = s, .grid = TileGrid(s), .weights = WeightLayout(precision, s.in, s.out)};
  const int64_t slices = (c.weights.depth + kSliceDepth - 1) / kSliceDepth;
  c.slice = ceil_to((s.in + slices - 1) / slices, 2 * kPad);  // whole pairs
  c.keeps_outputs = slices > 1;
  const auto bytes = [](int64_t numbers) { return kProducts * static_cast<int64_t>(sizeof(float)) * numbers; };
  int64_t room = l2_cache_bytes() * 3 / 4, step = 6, least = 24;
  if (precision == Precision::kBFloat16) {
    room = s.out <= kPanel ? l2_cache_bytes() / 2 - bytes(c.u_row() * kPanel) : l2_cache_bytes() * 7 / 8;
    step = amx::kTile, least = 2 * amx::kTile;
  }
  const int64_t tile = bytes(c.u_row() + c.m_panels() * kPanel);
  const int64_t most = std::clamp<int64_t>(room / tile / step * step, least, 64);
  const int64_t blocks = ceil_to((c.grid.count + most - 1) / most, omp_get_max_threads());
  c.block = std::max<int64_t>(1, (c.grid.count + blocks - 1) / blocks);
  return c;
}

}  // namespace

int64_t winograd_weights_size(int64_t in, int64_t out, ConvPass pass, Precision precision) {
  check_channels(in, out, true);
  return layout_of(in, out, pass, precision).size();
}

void winograd_weights(const FilterView& w, int64_t in, int64_t out, ConvPass pass, float* transformed,
                      Precision precision) {
  check_channels(in, out, w.data && transformed);
  const WeightLayout layout = layout_of(in, out, pass, precision);
  const bool flip = pass == ConvPass::kBackwardData;
  const FilterView view = flip ? FilterView{w.data, w.in_stride, w.out_stride, w.tap_stride} : w;
  const int64_t panels = (layout.outputs + kPanel - 1) / kPanel;
  parallel_jobs(
      panels * layout.depth,
      [&](int64_t job) {
        HWY_DYNAMIC_DISPATCH(transform_weights)
        (view, layout, flip, job / layout.depth * kPanel, job % layout.depth, transformed);
      },
      16);
}

void winograd_convolve(const ConvShape& s, const float* x, const float* transformed, const float* bias,
                       const float* add, float* y, Precision precision) {
  SEXTANT_CHECK(s.batch >= 0 && s.height >= 1 && s.width >= 1,
                "[winograd] needs batch >= 0, height and width >= 1; got ", s.batch, ", ", s.height, ", ", s.width,
                "; check the shapes");
  check_channels(s.in, s.out, s.batch == 0 || (x && transformed && y));
  if (s.batch == 0) return;
  Convolution c = plan(s, precision);
  c.x = x, c.transformed = transformed, c.bias = bias, c.add = add, c.y = y;
  const auto run = by_precision(precision, c.weights.depth % amx::kTile == 0, HWY_DYNAMIC_DISPATCH(convolve_float),
                                HWY_DYNAMIC_DISPATCH(convolve_matrix_pairs),
                                HWY_DYNAMIC_DISPATCH(convolve_native_pairs), HWY_DYNAMIC_DISPATCH(convolve_pairs));
  parallel_jobs((c.grid.count + c.block - 1) / c.block, [&](int64_t job) {
    static thread_local ScratchBuffer scratch;
    run(c, job * c.block, std::min(c.grid.count, (job + 1) * c.block), scratch.get(c.scratch_size()));
  });
}

}  // namespace sextant::kernels
#endif
