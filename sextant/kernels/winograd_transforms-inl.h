// Winograd's transforms for F(r,3), r = 1..4, at the points 0, a, -a, b, -b, infinity with a = 3/4, b = 3/2: their powers
// stay near one, which halves the rounding error of the usual 1 and 2 (measured, in float and in bfloat16). For a signal
// d of r + 2 inputs and three taps g, the r outputs are A^T[(G g) * (B^T d)]. Row i of B^T holds the coefficients of the
// product of (x - p) over the other finite points p in use. Factors by which the smaller r differ are moved into B^T, so
// that G is one for all. Entry i of a transformed vector belongs to point i; entries of unused points are not written.
// Included inside the loop over targets, hence the toggled guard.
#if defined(SEXTANT_KERNELS_WINOGRAD_TRANSFORMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEXTANT_KERNELS_WINOGRAD_TRANSFORMS_INL_H
#undef SEXTANT_KERNELS_WINOGRAD_TRANSFORMS_INL_H
#else
#define SEXTANT_KERNELS_WINOGRAD_TRANSFORMS_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "sextant/kernels/bfloat16_pairs-inl.h"
#include "sextant/kernels/channels-inl.h"
#include "sextant/kernels/winograd_tiles.h"

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using FloatVec = hn::Vec<Floats>;
using V = FloatVec;

HWY_INLINE V times(float factor, V x) { return hn::Mul(hn::Set(Floats(), factor), x); }
HWY_INLINE V plus_times(V sum, float factor, V x) { return hn::MulAdd(hn::Set(Floats(), factor), x, sum); }

constexpr float kA = 0.75f, kB = 1.5f, kA2 = kA * kA, kB2 = kB * kB;
// The weights' factors: one over the product of the distances of 0, of +-a and of +-b to the other finite points.
constexpr float kG0 = 1 / (kA2 * kB2), kGA = 1 / (2 * kA2 * (kA2 - kB2)), kGB = 1 / (2 * kB2 * (kB2 - kA2));

// B^T: r + 2 inputs d to the points, at out[i * step].
template <int r>
struct InputPoints {
  static constexpr int kInputs = r + 2;
  static HWY_INLINE void apply(const V* d, V* out, int step) {
    if constexpr (r == 4) {
      const V even = plus_times(d[4], -kB2, d[2]), odd = times(kA, plus_times(d[3], -kB2, d[1]));
      const V wide_even = plus_times(d[4], -kA2, d[2]), wide_odd = times(kB, plus_times(d[3], -kA2, d[1]));
      out[0] = plus_times(plus_times(d[4], -kA2 - kB2, d[2]), kA2 * kB2, d[0]);
      out[step] = even + odd;
      out[2 * step] = even - odd;
      out[3 * step] = wide_even + wide_odd;
      out[4 * step] = wide_even - wide_odd;
      out[5 * step] = plus_times(plus_times(d[5], -kA2 - kB2, d[3]), kA2 * kB2, d[1]);
    } else if constexpr (r == 3) {
      const V even = plus_times(d[2], -kA2, d[0]), odd = plus_times(d[3], -kA2, d[1]);
      out[0] = plus_times(times(kB, odd), -kB2, even);
      out[step] = times(kA + kB, plus_times(plus_times(d[3], kA - kB, d[2]), -kA * kB, d[1]));
      out[2 * step] = times(kB - kA, plus_times(plus_times(d[3], -kA - kB, d[2]), kA * kB, d[1]));
      out[3 * step] = times(2 * kB, odd);
      out[5 * step] = plus_times(plus_times(d[4], -kA2, d[2]), -kB, odd);
    } else if constexpr (r == 2) {
      const V even = times(kA2 - kB2, d[2]), odd = times(kA * (kA2 - kB2), d[1]);
      out[0] = plus_times(times(kA2 * kB2, d[0]), -kB2, d[2]);
      out[step] = even + odd;
      out[2 * step] = even - odd;
      out[5 * step] = plus_times(d[3], -kA2, d[1]);
    } else {
      out[0] = plus_times(times(kA2 * kB2, d[0]), -kA * kB2, d[1]);
      out[step] = times(2 * kA * (kA2 - kB2), d[1]);
      out[5 * step] = plus_times(d[2], -kA, d[1]);
    }
  }
};

// A^T: products m at the points to r outputs, at out[k * step].
template <int r>
HWY_INLINE void outputs(const V* m, V* out, int step) {
  if constexpr (r == 1) {
    out[0] = m[0] + m[1] + m[5];
    return;
  }
  const V sum = m[1] + m[2], difference = times(kA, m[1] - m[2]);
  if constexpr (r == 4) {
    const V wide_sum = m[3] + m[4], wide_difference = times(kB, m[3] - m[4]);
    out[0] = m[0] + (sum + wide_sum);
    out[step] = difference + wide_difference;
    out[2 * step] = plus_times(times(kA2, sum), kB2, wide_sum);
    out[3 * step] = plus_times(plus_times(m[5], kA2, difference), kB2, wide_difference);
  } else if constexpr (r == 3) {
    out[0] = m[0] + (sum + m[3]);
    out[step] = plus_times(difference, kB, m[3]);
    out[2 * step] = plus_times(plus_times(m[5], kA2, sum), kB2, m[3]);
  } else if constexpr (r == 2) {
    out[0] = m[0] + sum;
    out[step] = m[5] + difference;
  }
}

// A: the gradients of r outputs to the points, at out[i * step] (the transpose of `outputs`).
template <int r>
struct GradientPoints {
  static constexpr int kInputs = r;
  static HWY_INLINE void apply(const V* y, V* out, int step) {
    out[0] = y[0];
    out[5 * step] = y[r - 1];
    if constexpr (r == 4) {
      const V even = plus_times(y[0], kA2, y[2]), odd = times(kA, plus_times(y[1], kA2, y[3]));
      const V wide_even = plus_times(y[0], kB2, y[2]), wide_odd = times(kB, plus_times(y[1], kB2, y[3]));
      out[step] = even + odd;
      out[2 * step] = even - odd;
      out[3 * step] = wide_even + wide_odd;
      out[4 * step] = wide_even - wide_odd;
    } else if constexpr (r == 3) {
      const V even = plus_times(y[0], kA2, y[2]), odd = times(kA, y[1]);
      out[step] = even + odd;
      out[2 * step] = even - odd;
      out[3 * step] = plus_times(plus_times(y[0], kB, y[1]), kB2, y[2]);
    } else if constexpr (r == 2) {
      const V odd = times(kA, y[1]);
      out[step] = y[0] + odd;
      out[2 * step] = y[0] - odd;
    } else {
      out[step] = y[0];
    }
  }
};

// G: three taps to the six points, at out[i * step].
HWY_INLINE void weight_points(V g0, V g1, V g2, V* out, int step) {
  const V even = plus_times(times(kGA, g0), kGA * kA2, g2), odd = times(kGA * kA, g1);
  const V wide_even = plus_times(times(kGB, g0), kGB * kB2, g2), wide_odd = times(kGB * kB, g1);
  out[0] = times(kG0, g0);
  out[step] = even + odd;
  out[2 * step] = even - odd;
  out[3 * step] = wide_even + wide_odd;
  out[4 * step] = wide_even - wide_odd;
  out[5 * step] = g2;
}

// G^T: sums at the six points, m[i * step], to the gradients of three taps.
HWY_INLINE void tap_gradients(const V* m, int step, V* g) {
  const V even = times(kGA, m[step] + m[2 * step]), odd = times(kGA * kA, m[step] - m[2 * step]);
  const V wide_even = times(kGB, m[3 * step] + m[4 * step]), wide_odd = m[3 * step] - m[4 * step];
  g[0] = plus_times(even + wide_even, kG0, m[0]);
  g[1] = plus_times(odd, kGB * kB, wide_odd);
  g[2] = plus_times(plus_times(m[5 * step], kA2, even), kB2, wide_even);
}

// A 2-D transform is the 1-D one down the columns, then along the rows: of h x w outputs' values, read by load(row,
// column), to the products p of that size, each handed to store(p, value). The outer loops here and in OutputTile are
// unrolled by force: GCC finds their bodies too long, and forward is 5 to 9 % slower.
template <template <int> class Points, int h, int w, class Load, class Store>
HWY_INLINE void to_points(const Load& load, const Store& store) {
  constexpr int kHeight = Points<h>::kInputs, kWidth = Points<w>::kInputs;
  V half[kPoints * kWidth];
#pragma GCC unroll 6
  for (int j = 0; j < kWidth; ++j) {
    V column[kHeight];
    for (int i = 0; i < kHeight; ++i) column[i] = load(i, j);
    Points<h>::apply(column, half + j, kWidth);
  }
#pragma GCC unroll 6
  for (int i = 0; i < kPoints; ++i) {
    if (!uses_point(h, i)) continue;
    V row[kPoints];
    Points<w>::apply(half + i * kWidth, row, 1);
    for (int j = 0; j < kPoints; ++j)
      if (uses_point(w, j)) store(i * kPoints + j, row[j]);
  }
}

// Where the products of one tile go, point_stride floats apart: with_store(c, body) calls body(store) for the vector of
// channels that starts at c.
struct FloatSink {
  float* to;
  int64_t point_stride;
  template <class Body>
  HWY_INLINE void with_store(int64_t c, const Body& body) const {
    body([at = to + c, this](int p, V v) { hn::StoreU(v, Floats(), at + p * point_stride); });
  }
};
template <class Body>
HWY_INLINE void with_half(bool second, float* at, int64_t point_stride, const Body& body) {
  if (second) {
    body([=](int p, V v) { store_second_halves(v, at + p * point_stride); });
  } else {
    body([=](int p, V v) { store_first_halves(v, at + p * point_stride); });
  }
}
// Pairs of channels, for a product that sums over channels: c with c + 16, in every 32.
struct ChannelPairSink {
  float* to;
  int64_t point_stride;
  template <class Body>
  HWY_INLINE void with_store(int64_t c, const Body& body) const {
    with_half(c % (2 * kPad) >= kPad, to + pair_place(c), point_stride, body);
  }
};
// Pairs of tiles, for a product that sums over tiles.
struct TilePairSink {
  float* to;
  int64_t point_stride;
  bool second;
  template <class Body>
  HWY_INLINE void with_store(int64_t c, const Body& body) const {
    with_half(second, to + c, point_stride, body);
  }
};

// B^T d B of one tile: pixel[i * (w + 2) + j] points at its (h + 2) x (w + 2) inputs. What the tile on its right adds to
// them lies `ahead` floats on and is asked for here: that many streams are too many for the processor to foresee.
template <class Sink>
struct InputTile {
  template <int h, int w>
  struct Of {
    static void run(const float* const* pixel, int64_t channels, int64_t ahead, const Sink& sink) {
      for_channels(channels, [&](int64_t c, auto access) {
        if (c % kPad == 0)  // once a cache line
          for (int i = 0; i < h + 2; ++i)
            for (int j = 2; j < w + 2; ++j) hwy::Prefetch(pixel[i * (w + 2) + j] + c + ahead);
        const auto load = [&](int i, int j) { return access.load(pixel[i * (w + 2) + j] + c); };
        sink.with_store(c, [&](const auto& store) { to_points<InputPoints, h, w>(load, store); });
      });
    }
  };
};

// A dY A^T of one tile of output gradients; pixels row_stride and pixel_stride apart. Their sum is added to bias.
template <class Sink>
struct GradientTile {
  template <int h, int w>
  struct Of {
    static void run(const float* dy, int64_t row_stride, int64_t pixel_stride, int64_t channels, const Sink& sink,
                    float* bias) {
      for_channels(channels, [&](int64_t c, auto access) {
        V sum = access.load(bias + c);
        const auto load = [&](int i, int j) {  // called once a pixel
          const V value = access.load(dy + i * row_stride + j * pixel_stride + c);
          sum = sum + value;
          return value;
        };
        sink.with_store(c, [&](const auto& store) { to_points<GradientPoints, h, w>(load, store); });
        access.store(sum, bias + c);
      });
    }
  };
};

// A^T M A + bias + add of one tile of products to y; bias, add may be null.
template <int h, int w>
struct OutputTile {
  static void run(const float* m, int64_t point_stride, const float* bias, const float* add, float* y,
                  int64_t row_stride, int64_t pixel_stride, int64_t channels) {
    for_channels(channels, [&](int64_t c, auto access) {
      V half[4 * kPoints];
#pragma GCC unroll 6
      for (int j = 0; j < kPoints; ++j) {
        if (!uses_point(w, j)) continue;
        V column[kPoints];
        for (int i = 0; i < kPoints; ++i)
          if (uses_point(h, i)) column[i] = hn::LoadU(Floats(), m + (i * kPoints + j) * point_stride + c);
        outputs<h>(column, half + j, kPoints);
      }
      const V b = bias ? access.load(bias + c) : hn::Zero(Floats());
#pragma GCC unroll 4
      for (int i = 0; i < h; ++i) {
        V row[4];
        outputs<w>(half + i * kPoints, row, 1);
        for (int j = 0; j < w; ++j) {
          const int64_t at = i * row_stride + j * pixel_stride + c;
          V value = row[j] + b;
          if (add) value = value + access.load(add + at);
          access.store(value, y + at);
        }
      }
    });
  }
};

// Transform<height, width>::run for a tile's size at run time.
template <template <int, int> class Transform>
auto transform_for(const WinogradTile& t) {
  using F = decltype(&Transform<1, 1>::run);
#define SEXTANT_ROW(h) \
  { &Transform<h, 1>::run, &Transform<h, 2>::run, &Transform<h, 3>::run, &Transform<h, 4>::run }
  static constexpr F kTable[4][4] = {SEXTANT_ROW(1), SEXTANT_ROW(2), SEXTANT_ROW(3), SEXTANT_ROW(4)};
#undef SEXTANT_ROW
  return kTable[t.height - 1][t.width - 1];
}

// The inputs of a tile, channels [first, first + channels), padding included.
template <class Sink>
void transform_input(const ConvShape& s, const float* x, const WinogradTile& t, int64_t first, int64_t channels,
                     const float* zeros, const Sink& sink) {
  const float* pixel[36];
  const int64_t w = t.width + 2;
  for (int64_t i = 0; i < t.height + 2; ++i)
    for (int64_t j = 0; j < w; ++j) {
      const int64_t row = t.y - 1 + i, column = t.x - 1 + j;
      const bool inside = row >= 0 && row < s.height && column >= 0 && column < s.width;
      pixel[i * w + j] = inside ? x + ((t.image * s.height + row) * s.width + column) * s.in + first : zeros;
    }
  transform_for<InputTile<Sink>::template Of>(t)(pixel, channels, 4 * s.in, sink);
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
