// The three directions of strided_conv.h share four steps: tiles of a map go through a transform into 25 matrices, one
// a point, of a row a tile; each is multiplied by its own matrix of weights (or, for the weight gradient, by that of
// the other map); what comes out is transformed back into pixels. Tiles pass in chunks whose matrices stay in the
// cache.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sextant/kernels/strided_conv.cpp"
#include "sextant/kernels/simd.h"
// Keep this order: the targets must be known before the loop over them.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/gemm.h"
#include "sextant/kernels/point_product-inl.h"
#include "sextant/kernels/scratch_buffer.h"
#include "sextant/kernels/strided_conv.h"
#include "sextant/kernels/strided_transforms-inl.h"
#include "sextant/kernels/threads.h"

#ifndef SEXTANT_KERNELS_STRIDED_CONV_ONCE
#define SEXTANT_KERNELS_STRIDED_CONV_ONCE
namespace sextant::kernels {
inline constexpr int64_t kPoints = 25;
inline constexpr int64_t kTapsOfPhase[4] = {0, 2, 8, 10};  // of a filter 4 x 4: those of one parity, less the parity

// C [rows,width] (+)= A B of one point; A(i,k) at a[i * a_row + k * a_step], B row by row.
struct PointJob {
  const float* a;
  int64_t a_row, a_step;
  const float* b;
  int64_t depth;
  float* c;
  int64_t rows, width;
  bool add;
};
}  // namespace sextant::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The pixels of a square (null: outside the map, zero) through T, each result to its point's matrix.
template <class T>
HWY_INLINE void square_in(const float* const* pixels, int64_t channels, float* to, int64_t point_stride) {
  for_channels(channels, [&](int64_t c, const auto& access) {
    FloatVec from[T::kFrom * T::kFrom], result[T::kTo * T::kTo];
    for (int k = 0; k < T::kFrom * T::kFrom; ++k) from[k] = pixels[k] ? access.load(pixels[k] + c) : hn::Zero(Floats());
    transform_square<T>(from, result);
    for (int k = 0; k < T::kTo * T::kTo; ++k) access.store(result[k], to + k * point_stride + c);
  });
}
void inputs_in(const float* const* pixels, int64_t channels, float* to, int64_t point_stride) {
  square_in<InputTransform>(pixels, channels, to, point_stride);
}
void gradients_in(const float* const* pixels, int64_t channels, float* to, int64_t point_stride) {
  square_in<GradientTransform>(pixels, channels, to, point_stride);
}

// The 25 products of a tile to its 16 pixels (null: outside), plus bias, and what is below zero times slope.
void outputs_out(const float* from, int64_t point_stride, int64_t channels, const float* bias, float slope,
                 float* const* pixels) {
  const Floats d;
  for_channels(channels, [&](int64_t c, const auto& access) {
    FloatVec points[kPoints], result[16];
    for (int k = 0; k < kPoints; ++k) points[k] = access.load(from + k * point_stride + c);
    transform_square<OutputTransform>(points, result);
    const FloatVec add = bias ? access.load(bias + c) : hn::Zero(d);
    for (int k = 0; k < 16; ++k) {
      if (!pixels[k]) continue;
      FloatVec value = hn::Add(result[k], add);
      if (slope != 1) value = hn::IfThenElse(hn::Lt(value, hn::Zero(d)), hn::Mul(value, hn::Set(d, slope)), value);
      access.store(value, pixels[k] + c);
    }
  });
}

// Filters of `count` neighbours, `stride` floats apart, of one phase into column 0 … of the 25 matrices.
void weights_in(const float* taps, int64_t count, int64_t stride, float* to, int64_t point_stride) {
  const Floats d;
  HWY_ALIGN float lane[4][hn::MaxLanes(Floats())] = {};
  for_channels(count, [&](int64_t c, const auto& access) {
    const int64_t valid = HWY_MIN(static_cast<int64_t>(hn::Lanes(d)), count - c);
    for (int64_t i = 0; i < valid; ++i)
      for (int t = 0; t < 4; ++t) lane[t][i] = taps[(c + i) * stride + kTapsOfPhase[t]];
    FloatVec square[4], result[kPoints];
    for (int t = 0; t < 4; ++t) square[t] = hn::Load(d, lane[t]);
    transform_square<WeightTransform>(square, result);
    for (int k = 0; k < kPoints; ++k) access.store(result[k], to + k * point_stride + c);
  });
}
// The other way: sums over tiles to the taps of `count` filters.
void taps_out(const float* from, int64_t point_stride, int64_t count, int64_t stride, float* taps) {
  const Floats d;
  HWY_ALIGN float lane[4][hn::MaxLanes(Floats())];
  for_channels(count, [&](int64_t c, const auto& access) {
    FloatVec points[kPoints], square[4];
    for (int k = 0; k < kPoints; ++k) points[k] = access.load(from + k * point_stride + c);
    transform_square<TapTransform>(points, square);
    for (int t = 0; t < 4; ++t) hn::Store(square[t], d, lane[t]);
    const int64_t valid = HWY_MIN(static_cast<int64_t>(hn::Lanes(d)), count - c);
    for (int64_t i = 0; i < valid; ++i)
      for (int t = 0; t < 4; ++t) taps[(c + i) * stride + kTapsOfPhase[t]] = lane[t][i];
  });
}

void multiply_point(const PointJob& j) {
  point_product(j.a, j.a_row, j.a_step, RowMajor{j.b, j.width}, j.depth, j.c, j.width, j.rows, j.width, j.add);
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(inputs_in);
HWY_EXPORT(gradients_in);
HWY_EXPORT(outputs_out);
HWY_EXPORT(weights_in);
HWY_EXPORT(taps_out);
HWY_EXPORT(multiply_point);

namespace {

constexpr int64_t kFewChannels = 4;        // of the large map: up to so many, direct sums
constexpr int64_t kChunkFloats = 1 << 19;  // of the matrices of a chunk of tiles: 2 MB
constexpr int64_t kRowsOfJob = 66;         // eleven register tiles
constexpr int64_t kLane = 16;              // the widest vector: rows of matrices are padded to it

int64_t padded(int64_t n) { return (n + kLane - 1) / kLane * kLane; }

void check(const StridedShape& s, bool pointers) {
  SEXTANT_CHECK(
      s.batch >= 0 && s.height >= 2 && s.width >= 2 && s.height % 2 == 0 && s.width % 2 == 0 && s.in >= 1 && s.out >= 1,
      "[strided_conv] needs even sides and channels from 1; got ", s.height, " x ", s.width, ", ", s.in, " -> ", s.out,
      "; check the shapes");
  SEXTANT_CHECK(s.batch == 0 || pointers, "[strided_conv] got a null pointer; allocate inputs and outputs");
}

// Tiles of 4 x 4 over maps of `rows` x `columns`, image after image, in chunks.
struct Tiles {
  Tiles(int64_t batch, int64_t rows, int64_t columns, int64_t floats_a_tile)
      : down((rows + 3) / 4), across((columns + 3) / 4), count(batch * down * across) {
    chunk = std::clamp<int64_t>(kChunkFloats / floats_a_tile, 16, std::max<int64_t>(count, 16));
  }
  struct Place {
    int64_t image, row, column;  // of its first pixel
  };
  Place place(int64_t t) const { return {t / (down * across), t / across % down * 4, t % across * 4}; }
  int64_t down, across, count, chunk;
};

// Pointers to a square of pixels of one image [H,W,C], `step` apart from (row, column) on; null outside.
template <int kSide, class Float>
std::array<Float*, kSide * kSide> square(Float* image, int64_t height, int64_t width, int64_t channels, int64_t row,
                                         int64_t column, int64_t step) {
  std::array<Float*, kSide * kSide> pixels;
  for (int i = 0; i < kSide; ++i)
    for (int j = 0; j < kSide; ++j) {
      const int64_t r = row + i * step, c = column + j * step;
      pixels[static_cast<size_t>(i * kSide + j)] =
          r >= 0 && r < height && c >= 0 && c < width ? image + (r * width + c) * channels : nullptr;
    }
  return pixels;
}

// The four phases of x around one tile of y: to `to`, [25][chunk][4 C].
void phases_in(const StridedShape& s, const float* x, const Tiles::Place& at, float* to, int64_t point_stride) {
  const float* image = x + at.image * s.height * s.width * s.in;
  for (int64_t phase = 0; phase < 4; ++phase) {
    const auto pixels =
        square<5>(image, s.height, s.width, s.in, 2 * at.row + phase / 2 - 1, 2 * at.column + phase % 2 - 1, 2);
    HWY_DYNAMIC_DISPATCH(inputs_in)(pixels.data(), s.in, to + phase * s.in, point_stride);
  }
}

// c [25][rows of chunk][width] = a [25][…][depth] times b [25][depth][width].
void multiply(const float* a, const float* b, float* c, int64_t rows, int64_t chunk, int64_t depth, int64_t width) {
  const int64_t parts = (rows + kRowsOfJob - 1) / kRowsOfJob;
  parallel_jobs(kPoints * parts, [&](int64_t job) {
    const int64_t point = job / parts, from = rows * (job % parts) / parts, to = rows * (job % parts + 1) / parts;
    HWY_DYNAMIC_DISPATCH(multiply_point)
    ({a + (point * chunk + from) * depth, depth, 1, b + point * depth * width, depth,
      c + (point * chunk + from) * width, to - from, width, false});
  });
}

struct Buffers {
  ScratchBuffer weights, left, right;
};
Buffers& buffers() {
  static thread_local Buffers mine;
  return mine;
}

// Every output pixel's 16 neighbours of every channel in a row: [N h w][C 16].
void gather_patches(const StridedShape& s, const float* x, float* patches) {
  const int64_t h = s.height / 2, w = s.width / 2;
  parallel_jobs(s.batch * h, [&](int64_t job) {
    const float* image = x + job / h * s.height * s.width * s.in;
    float* to = patches + job * w * 16 * s.in;
    for (int64_t j = 0; j < w; ++j, to += 16 * s.in) {
      const auto pixels = square<4>(image, s.height, s.width, s.in, 2 * (job % h) - 1, 2 * j - 1, 1);
      for (int64_t c = 0; c < s.in; ++c)
        for (size_t tap = 0; tap < 16; ++tap)
          to[c * 16 + static_cast<int64_t>(tap)] = pixels[tap] ? pixels[tap][c] : 0.0f;
    }
  });
}

// The other way: x = bias + the sum of what the patches hold for each pixel.
void scatter_patches(const StridedShape& s, const float* patches, const float* bias, float* x) {
  const int64_t h = s.height / 2, w = s.width / 2;
  parallel_jobs(s.batch, [&](int64_t n) {
    float* image = x + n * s.height * s.width * s.in;
    for (int64_t i = 0; i < s.height * s.width * s.in; ++i) image[i] = bias ? bias[i % s.in] : 0.0f;
    const float* from = patches + n * h * w * 16 * s.in;
    for (int64_t i = 0; i < h * w; ++i, from += 16 * s.in) {
      const auto pixels = square<4>(image, s.height, s.width, s.in, 2 * (i / w) - 1, 2 * (i % w) - 1, 1);
      for (int64_t c = 0; c < s.in; ++c)
        for (size_t tap = 0; tap < 16; ++tap)
          if (pixels[tap]) pixels[tap][c] += from[c * 16 + static_cast<int64_t>(tap)];
    }
  });
}

}  // namespace

void strided_convolve(const StridedShape& s, const float* x, const float* weight, const float* bias, float slope,
                      float* y) {
  check(s, x && weight && y);
  const int64_t h = s.height / 2, w = s.width / 2;
  if (s.in <= kFewChannels) {
    const int64_t pixels = s.batch * h * w, depth = 16 * s.in;
    float* patches = buffers().left.get(pixels * depth);
    gather_patches(s, x, patches);
    return gemm({.rows = pixels,
                 .columns = s.out,
                 .depth = depth,
                 .a = {patches, depth, 1},
                 .b = {weight, 1, depth},
                 .bias = bias,
                 .slope = slope,
                 .c = y});
  }
  const int64_t depth = 4 * s.in, width = padded(s.out);
  const Tiles tiles(s.batch, h, w, kPoints * (depth + width));
  float* b = buffers().weights.get(kPoints * depth * width);
  if (width != s.out) std::fill_n(b, kPoints * depth * width, 0.0f);
  parallel_jobs(depth, [&](int64_t row) {  // row = phase C + c
    const int64_t phase = row / s.in, c = row % s.in;
    HWY_DYNAMIC_DISPATCH(weights_in)
    (weight + c * 16 + phase / 2 * 4 + phase % 2, s.out, 16 * s.in, b + row * width, depth * width);
  });
  float *a = buffers().left.get(kPoints * tiles.chunk * depth), *m = buffers().right.get(kPoints * tiles.chunk * width);
  for (int64_t first = 0; first < tiles.count; first += tiles.chunk) {
    const int64_t rows = std::min(tiles.chunk, tiles.count - first);
    parallel_jobs(rows,
                  [&](int64_t t) { phases_in(s, x, tiles.place(first + t), a + t * depth, tiles.chunk * depth); });
    multiply(a, b, m, rows, tiles.chunk, depth, width);
    parallel_jobs(rows, [&](int64_t t) {
      const Tiles::Place at = tiles.place(first + t);
      const auto pixels = square<4>(y + at.image * h * w * s.out, h, w, s.out, at.row, at.column, 1);
      HWY_DYNAMIC_DISPATCH(outputs_out)
      (m + t * width, tiles.chunk * width, s.out, bias, slope, pixels.data());
    });
  }
}

void strided_transpose(const StridedShape& s, const float* y, const float* weight, const float* bias, float* x) {
  check(s, x && weight && y);
  const int64_t h = s.height / 2, w = s.width / 2;
  if (s.in <= kFewChannels) {
    const int64_t pixels = s.batch * h * w, columns = 16 * s.in;
    float* patches = buffers().left.get(pixels * columns);
    gemm({.rows = pixels,
          .columns = columns,
          .depth = s.out,
          .a = {y, s.out, 1},
          .b = {weight, columns, 1},
          .c = patches});
    return scatter_patches(s, patches, bias, x);
  }
  // Phase (p, q) of the padded x at (k, l) is the sum over taps (s, t) of W[2s+p, 2t+q] y[k-s, l-t]: a correlation with
  // the taps turned over, from the pixel before on. It has h + 1 rows, of which the padding takes the first or the
  // last.
  const int64_t depth = s.out, width = padded(4 * s.in);
  const Tiles tiles(s.batch, h + 1, w + 1, kPoints * (depth + width));
  float* b = buffers().weights.get(kPoints * depth * width);
  if (width != 4 * s.in) std::fill_n(b, kPoints * depth * width, 0.0f);
  std::vector<float> turned(static_cast<size_t>(16 * s.in * s.out));
  parallel_jobs(s.out, [&](int64_t o) {
    for (int64_t c = 0; c < s.in; ++c)
      for (int64_t tap = 0; tap < 16; ++tap) {  // 2s + p -> 2(1 - s) + p
        const int64_t to = ((tap / 4) ^ 2) * 4 + ((tap % 4) ^ 2);
        turned[static_cast<size_t>((o * s.in + c) * 16 + to)] = weight[(o * s.in + c) * 16 + tap];
      }
    for (int64_t phase = 0; phase < 4; ++phase) HWY_DYNAMIC_DISPATCH(weights_in)
    (turned.data() + o * s.in * 16 + phase / 2 * 4 + phase % 2, s.in, 16, b + o * width + phase * s.in, depth * width);
  });
  float *a = buffers().left.get(kPoints * tiles.chunk * depth), *m = buffers().right.get(kPoints * tiles.chunk * width);
  for (int64_t first = 0; first < tiles.count; first += tiles.chunk) {
    const int64_t rows = std::min(tiles.chunk, tiles.count - first);
    parallel_jobs(rows, [&](int64_t t) {
      const Tiles::Place at = tiles.place(first + t);
      const auto pixels = square<5>(y + at.image * h * w * s.out, h, w, s.out, at.row - 1, at.column - 1, int64_t{1});
      HWY_DYNAMIC_DISPATCH(inputs_in)(pixels.data(), s.out, a + t * depth, tiles.chunk * depth);
    });
    multiply(a, b, m, rows, tiles.chunk, depth, width);
    parallel_jobs(rows, [&](int64_t t) {
      const Tiles::Place at = tiles.place(first + t);
      float* image = x + at.image * s.height * s.width * s.in;
      for (int64_t phase = 0; phase < 4; ++phase) {
        const auto pixels =
            square<4>(image, s.height, s.width, s.in, 2 * at.row + phase / 2 - 1, 2 * at.column + phase % 2 - 1, 2);
        HWY_DYNAMIC_DISPATCH(outputs_out)
        (m + t * width + phase * s.in, tiles.chunk * width, s.in, bias, 1.0f, pixels.data());
      }
    });
  }
}

void strided_weight_gradient(const StridedShape& s, const float* x, const float* dy, float* dw) {
  check(s, x && dy && dw);
  const int64_t h = s.height / 2, w = s.width / 2;
  if (s.in <= kFewChannels) {
    const int64_t pixels = s.batch * h * w, columns = 16 * s.in;
    float* patches = buffers().left.get(pixels * columns);
    gather_patches(s, x, patches);
    return gemm(
        {.rows = s.out, .columns = columns, .depth = pixels, .a = {dy, 1, s.out}, .b = {patches, columns, 1}, .c = dw});
  }
  const int64_t left = 4 * s.in, width = padded(s.out);
  const Tiles tiles(s.batch, h, w, kPoints * (left + width));
  float* sums = buffers().weights.get(kPoints * left * width);
  std::fill_n(sums, kPoints * left * width, 0.0f);
  float *a = buffers().left.get(kPoints * tiles.chunk * left), *u = buffers().right.get(kPoints * tiles.chunk * width);
  std::fill_n(u, kPoints * tiles.chunk * width, 0.0f);  // the padding beyond the last channel stays so
  for (int64_t first = 0; first < tiles.count; first += tiles.chunk) {
    const int64_t rows = std::min(tiles.chunk, tiles.count - first);
    parallel_jobs(rows, [&](int64_t t) {
      const Tiles::Place at = tiles.place(first + t);
      phases_in(s, x, at, a + t * left, tiles.chunk * left);
      const auto pixels = square<4>(dy + at.image * h * w * s.out, h, w, s.out, at.row, at.column, 1);
      HWY_DYNAMIC_DISPATCH(gradients_in)(pixels.data(), s.out, u + t * width, tiles.chunk * width);
    });
    const int64_t parts = (left + kRowsOfJob - 1) / kRowsOfJob;
    parallel_jobs(kPoints * parts, [&](int64_t job) {
      const int64_t point = job / parts, from = left * (job % parts) / parts, to = left * (job % parts + 1) / parts;
      HWY_DYNAMIC_DISPATCH(multiply_point)
      ({a + point * tiles.chunk * left + from, 1, left, u + point * tiles.chunk * width, rows,
        sums + (point * left + from) * width, to - from, width, true});
    });
  }
  parallel_jobs(left, [&](int64_t row) {
    const int64_t phase = row / s.in, c = row % s.in;
    HWY_DYNAMIC_DISPATCH(taps_out)
    (sums + row * width, left * width, s.out, 16 * s.in, dw + c * 16 + phase / 2 * 4 + phase % 2);
  });
}

}  // namespace sextant::kernels
#endif
