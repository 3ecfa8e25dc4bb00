// Winograd's transforms for F(r,3), r = 1..4, at the points 0, 1, -1, 2, -2, infinity. For a signal d of r + 2 inputs
// and three taps g, the r outputs are A^T[(G g) * (B^T d)]. Scale factors by which the smaller r differ are moved into
// B^T, so that G is one for all. Entry i of a transformed vector belongs to point i; entries of unused points are not
// written. Included inside the loop over targets, hence the toggled guard.
#if defined(SEXTANT_KERNELS_WINOGRAD_TRANSFORMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEXTANT_KERNELS_WINOGRAD_TRANSFORMS_INL_H
#undef SEXTANT_KERNELS_WINOGRAD_TRANSFORMS_INL_H
#else
#define SEXTANT_KERNELS_WINOGRAD_TRANSFORMS_INL_H
#endif

#include <hwy/highway.h>

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

// B^T: r + 2 inputs d to the points, at out[i * step].
template <int r>
struct InputPoints {
  static constexpr int kInputs = r + 2;
  static HWY_INLINE void apply(const V* d, V* out, int step) {
    if constexpr (r == 4) {
      const V even = plus_times(d[4], -4, d[2]), odd = plus_times(d[3], -4, d[1]);
      const V wide_even = d[4] - d[2], wide_odd = times(2, d[3] - d[1]);
      out[0] = plus_times(plus_times(d[4], -5, d[2]), 4, d[0]);
      out[step] = even + odd;
      out[2 * step] = even - odd;
      out[3 * step] = wide_even + wide_odd;
      out[4 * step] = wide_even - wide_odd;
      out[5 * step] = plus_times(plus_times(d[5], -5, d[3]), 4, d[1]);
    } else if constexpr (r == 3) {
      const V odd = d[3] - d[1];
      out[0] = plus_times(times(4, d[0] - d[2]), 2, odd);
      out[step] = plus_times(times(3, d[3] - d[2]), -6, d[1]);
      out[2 * step] = plus_times(plus_times(d[3], -3, d[2]), 2, d[1]);
      out[3 * step] = times(4, odd);
      out[5 * step] = plus_times(d[4] - d[2], -2, odd);
    } else if constexpr (r == 2) {
      out[0] = times(4, d[0] - d[2]);
      out[step] = times(-3, d[1] + d[2]);
      out[2 * step] = times(3, d[1] - d[2]);
      out[5 * step] = d[3] - d[1];
    } else {
      out[0] = times(4, d[0] - d[1]);
      out[step] = times(-6, d[1]);
      out[5 * step] = d[2] - d[1];
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
  const V sum = m[1] + m[2], difference = m[1] - m[2];
  if constexpr (r == 4) {
    const V wide_sum = m[3] + m[4], wide_difference = m[3] - m[4];
    out[0] = m[0] + (sum + wide_sum);
    out[step] = plus_times(difference, 2, wide_difference);
    out[2 * step] = plus_times(sum, 4, wide_sum);
    out[3 * step] = m[5] + plus_times(difference, 8, wide_difference);
  } else if constexpr (r == 3) {
    out[0] = m[0] + (sum + m[3]);
    out[step] = plus_times(difference, 2, m[3]);
    out[2 * step] = m[5] + plus_times(sum, 4, m[3]);
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
      const V even = y[0] + y[2], odd = y[1] + y[3];
      const V wide_even = plus_times(y[0], 4, y[2]), wide_odd = plus_times(times(2, y[1]), 8, y[3]);
      out[step] = even + odd;
      out[2 * step] = even - odd;
      out[3 * step] = wide_even + wide_odd;
      out[4 * step] = wide_even - wide_odd;
    } else if constexpr (r == 3) {
      const V even = y[0] + y[2];
      out[step] = even + y[1];
      out[2 * step] = even - y[1];
      out[3 * step] = plus_times(plus_times(y[0], 2, y[1]), 4, y[2]);
    } else if constexpr (r == 2) {
      out[step] = y[0] + y[1];
      out[2 * step] = y[0] - y[1];
    } else {
      out[step] = y[0];
    }
  }
};

// G: three taps to the six points, at out[i * step].
HWY_INLINE void weight_points(V g0, V g1, V g2, V* out, int step) {
  const V even = times(-1.0f / 6, g0 + g2), odd = times(1.0f / 6, g1);
  const V wide_even = plus_times(times(1.0f / 24, g0), 1.0f / 6, g2), wide_odd = times(1.0f / 12, g1);
  out[0] = times(0.25f, g0);
  out[step] = even - odd;
  out[2 * step] = even + odd;
  out[3 * step] = wide_even + wide_odd;
  out[4 * step] = wide_even - wide_odd;
  out[5 * step] = g2;
}

// G^T: sums at the six points, m[i * step], to the gradients of three taps.
HWY_INLINE void tap_gradients(const V* m, int step, V* g) {
  const V even = times(1.0f / 6, m[step] + m[2 * step]), odd = times(1.0f / 6, m[step] - m[2 * step]);
  const V wide_even = m[3 * step] + m[4 * step], wide_odd = m[3 * step] - m[4 * step];
  g[0] = plus_times(plus_times(hn::Neg(even), 1.0f / 24, wide_even), 0.25f, m[0]);
  g[1] = plus_times(hn::Neg(odd), 1.0f / 12, wide_odd);
  g[2] = plus_times(m[5 * step] - even, 1.0f / 6, wide_even);
}

// A 2-D transform is the 1-D one down the columns, then along the rows: of h x w outputs' values, read by load(row,
// column), to the products p of that size, stored at out + p * point_stride.
template <template <int> class Points, int h, int w, class Load>
HWY_INLINE void to_points(const Load& load, float* out, int64_t point_stride) {
  constexpr int kHeight = Points<h>::kInputs, kWidth = Points<w>::kInputs;
  V half[kPoints * kWidth];
  for (int j = 0; j < kWidth; ++j) {
    V column[kHeight];
    for (int i = 0; i < kHeight; ++i) column[i] = load(i, j);
    Points<h>::apply(column, half + j, kWidth);
  }
  for (int i = 0; i < kPoints; ++i) {
    if (!uses_point(h, i)) continue;
    V row[kPoints];
    Points<w>::apply(half + i * kWidth, row, 1);
    for (int j = 0; j < kPoints; ++j)
      if (uses_point(w, j)) hn::StoreU(row[j], Floats(), out + (i * kPoints + j) * point_stride);
  }
}

// B^T d B of one tile: pixel[i * (w + 2) + j] points at its (h + 2) x (w + 2) inputs.
template <int h, int w>
struct InputTile {
  static void run(const float* const* pixel, int64_t channels, float* u, int64_t point_stride) {
    for_channels(channels, [&](int64_t c, auto access) {
      const auto load = [&](int i, int j) { return access.load(pixel[i * (w + 2) + j] + c); };
      to_points<InputPoints, h, w>(load, u + c, point_stride);
    });
  }
};

// A dY A^T of one tile of output gradients; pixels row_stride and pixel_stride apart.
template <int h, int w>
struct GradientTile {
  static void run(const float* dy, int64_t row_stride, int64_t pixel_stride, int64_t channels, float* z,
                  int64_t point_stride) {
    for_channels(channels, [&](int64_t c, auto access) {
      const auto load = [&](int i, int j) { return access.load(dy + i * row_stride + j * pixel_stride + c); };
      to_points<GradientPoints, h, w>(load, z + c, point_stride);
    });
  }
};

// A^T M A + bias + add of one tile of products to y; bias, add may be null.
template <int h, int w>
struct OutputTile {
  static void run(const float* m, int64_t point_stride, const float* bias, const float* add, float* y,
                  int64_t row_stride, int64_t pixel_stride, int64_t channels) {
    for_channels(channels, [&](int64_t c, auto access) {
      V half[4 * kPoints];
      for (int j = 0; j < kPoints; ++j) {
        if (!uses_point(w, j)) continue;
        V column[kPoints];
        for (int i = 0; i < kPoints; ++i)
          if (uses_point(h, i)) column[i] = hn::LoadU(Floats(), m + (i * kPoints + j) * point_stride + c);
        outputs<h>(column, half + j, kPoints);
      }
      const V b = bias ? access.load(bias + c) : hn::Zero(Floats());
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

// The inputs of a tile, channels [first, first + channels), padding included, to u (products point_stride apart).
inline void transform_input(const ConvShape& s, const float* x, const WinogradTile& t, int64_t first, int64_t channels,
                            const float* zeros, float* u, int64_t point_stride) {
  const float* pixel[36];
  const int64_t w = t.width + 2;
  for (int64_t i = 0; i < t.height + 2; ++i)
    for (int64_t j = 0; j < w; ++j) {
      const int64_t row = t.y - 1 + i, column = t.x - 1 + j;
      const bool inside = row >= 0 && row < s.height && column >= 0 && column < s.width;
      pixel[i * w + j] = inside ? x + ((t.image * s.height + row) * s.width + column) * s.in + first : zeros;
    }
  transform_for<InputTile>(t)(pixel, channels, u, point_stride);
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
