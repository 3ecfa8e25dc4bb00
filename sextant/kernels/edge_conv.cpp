// Convolutions from and to few channels F, as products over bands of rows, without a copy of the patches:
//   few -> many: y(pixel) = sum over the three rows of taps of [3 F neighbours in a row] x [3 F, many];
//   many -> few: q = x(pixel) x [many, 9 F], then y = the sum over taps of q at the shifted pixel;
//   weights:     S[tap, few][many] = sum over pixels of few(pixel + tap) many(pixel), one partial sum a band.
// Backward-data is the other direction with the taps turned by 180 degrees.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sextant/kernels/edge_conv.cpp"
#include "sextant/kernels/simd.h"
// Keep this order: the targets must be known before the loop over them.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/edge_conv.h"
#include "sextant/kernels/point_product-inl.h"
#include "sextant/kernels/scratch_buffer.h"
#include "sextant/kernels/threads.h"
#include "sextant/kernels/winograd_tiles.h"

#ifndef SEXTANT_KERNELS_EDGE_CONV_ONCE
#define SEXTANT_KERNELS_EDGE_CONV_ONCE
namespace sextant::kernels {

// Rows [begin, end) of one image, and one more on either side.
struct Band {
  int64_t image, begin, end;
  int64_t halo_rows() const { return end - begin + 2; }
};

// A convolution [N,H,W,in] -> [N,H,W,out] with packed weights and bias.
struct EdgeLayer {
  ConvShape shape;
  const float* x;
  std::vector<float> weights, bias;  // rows and bias in whole vectors
  float* y;
};

// The band and its halo of x [N,H,W,F] with a zero pixel left and right and zero rows beyond the picture.
inline void pad_band(const ConvShape& s, const float* x, int64_t few, const Band& band, float* out) {
  const int64_t row = s.width * few;
  for (int64_t y = band.begin - 1; y <= band.end; ++y, out += row + 2 * few) {
    std::fill_n(out, row + 2 * few, 0.0f);
    if (y >= 0 && y < s.height) std::copy_n(x + (band.image * s.height + y) * row, row, out + few);
  }
}
}  // namespace sextant::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {

// Some pixels of one row by some vectors of outputs: bias plus three rows of taps, 3 F deep each.
template <int kRows, int kVectors>
struct FewToManyTile {
  static void run(const float* padded, int64_t padded_row, int64_t few, const float* weights, int64_t width,
                  const float* bias, float* y, int64_t out, int64_t valid) {
    const Floats d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    FloatVec sum[kRows][kVectors];
    for (auto& row : sum)
      for (int v = 0; v < kVectors; ++v) row[v] = hn::LoadU(d, bias + v * lanes);
    for (int64_t i = 0; i < 3; ++i)
      accumulate_tile(padded + i * padded_row, few, 1, weights + i * 3 * few * width, width, 3 * few, sum);
    HWY_ALIGN float edge[hn::MaxLanes(d)];
    for (int r = 0; r < kRows; ++r)
      for (int v = 0; v < kVectors; ++v) {
        float* to = y + r * out + v * lanes;
        if ((v + 1) * lanes <= valid) {
          hn::StoreU(sum[r][v], d, to);
        } else if (v * lanes < valid) {
          hn::Store(sum[r][v], d, edge);
          std::memcpy(to, edge, static_cast<size_t>(valid - v * lanes) * sizeof(float));
        }
      }
  }
};

void few_to_many(const EdgeLayer& layer, const Band& band, float* scratch) {
  const ConvShape& s = layer.shape;
  const int64_t width = ceil_to(s.out, kPad), padded_row = (s.width + 2) * s.in;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Floats())), groups = (s.width + kTileRows - 1) / kTileRows;
  pad_band(s, layer.x, s.in, band, scratch);
  for (int64_t y = band.begin; y < band.end; ++y)
    for (int64_t g = 0; g < groups; ++g) {
      const int64_t first = s.width * g / groups, pixels = s.width * (g + 1) / groups - first;
      const float* from = scratch + (y - band.begin) * padded_row + first * s.in;
      float* to = layer.y + ((band.image * s.height + y) * s.width + first) * s.out;
      for (int64_t n = 0; n < width; n += kTileVectors * lanes) {
        const int64_t vectors = HWY_MIN(kTileVectors, (width - n) / lanes);
        kernel_for<FewToManyTile>(pixels, vectors)(from, padded_row, s.in, layer.weights.data() + n, width,
                                                   layer.bias.data() + n, to + n, s.out, s.out - n);
      }
    }
}

void many_to_few(const EdgeLayer& layer, const Band& band, float* q) {
  const ConvShape& s = layer.shape;
  const int64_t width = ceil_to(9 * s.out, kPad), row = (s.width + 2) * width;
  for (int64_t y = band.begin - 1; y <= band.end; ++y) {
    float* to = q + (y - band.begin + 1) * row;
    if (y < 0 || y >= s.height) {
      std::fill_n(to, row, 0.0f);
      continue;
    }
    std::fill_n(to, width, 0.0f);
    std::fill_n(to + (s.width + 1) * width, width, 0.0f);
    point_product(layer.x + (band.image * s.height + y) * s.width * s.in, s.in, 1,
                  RowMajor{layer.weights.data(), width}, s.in, to + width, width, s.width, width, false);
  }
  float* y = layer.y + (band.image * s.height + band.begin) * s.width * s.out;
  for (int64_t i = 0; i < band.end - band.begin; ++i)
    for (int64_t j = 0; j < s.width; ++j)
      for (int64_t f = 0; f < s.out; ++f) {
        float sum = layer.bias[static_cast<size_t>(f)];
        for (int64_t tap = 0; tap < 9; ++tap) sum += q[(i + tap / 3) * row + (j + tap % 3) * width + tap * s.out + f];
        *y++ = sum;
      }
}

// sums [9 few + 1][width] of one band, the last row those of `many` alone; many [N,H,W,channels]; `scratch` holds the
// padded band and, where the channels do not fill whole vectors, one row of `many` that does.
void correlate(const ConvShape& s, const float* few_x, int64_t few, const float* many_x, int64_t channels,
               const Band& band, float* scratch, float* sums) {
  const int64_t width = ceil_to(channels, kPad), padded_row = (s.width + 2) * few;
  pad_band(s, few_x, few, band, scratch);
  float* whole = scratch + ceil_to(band.halo_rows() * padded_row, kPad);
  std::fill_n(sums, (9 * few + 1) * width, 0.0f);
  for (int64_t y = band.begin; y < band.end; ++y) {
    const float* row = many_x + (band.image * s.height + y) * s.width * channels;
    if (width != channels) {
      for (int64_t j = 0; j < s.width; ++j) {
        std::copy_n(row + j * channels, channels, whole + j * width);
        std::fill_n(whole + j * width + channels, width - channels, 0.0f);
      }
      row = whole;
    }
    for (int64_t i = 0; i < 3; ++i)
      point_product(scratch + (y - band.begin + i) * padded_row, 1, few, RowMajor{row, width}, s.width,
                    sums + i * 3 * few * width, width, 3 * few, width, true);
    static constexpr float kOne[1] = {1};  // the same for every pixel: steps of 0
    point_product(kOne, 0, 0, RowMajor{row, width}, s.width, sums + 9 * few * width, width, 1, width, true);
  }
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(few_to_many);
HWY_EXPORT(many_to_few);
HWY_EXPORT(correlate);

namespace {

constexpr int64_t kBandRows = 32;  // the halo costs a sixteenth, and a band fits into L2

int64_t bands_of(const ConvShape& s) { return (s.height + kBandRows - 1) / kBandRows; }
Band band_of(const ConvShape& s, int64_t job) {
  const int64_t bands = bands_of(s), i = job % bands;
  return {job / bands, s.height * i / bands, s.height * (i + 1) / bands};
}

void check(const ConvShape& s, bool pointers) {
  SEXTANT_CHECK(s.batch >= 0 && s.height >= 1 && s.width >= 1 && s.in >= 1 && s.out >= 1,
                "[edge_conv] needs batch >= 0 and all other sizes >= 1; got ", s.batch, " x ", s.height, " x ", s.width,
                ", ", s.in, " -> ", s.out, "; check the shapes");
  SEXTANT_CHECK(std::min(s.in, s.out) <= kFewChannels, "[edge_conv] needs at most ", kFewChannels,
                " channels on one side; got ", s.in, " -> ", s.out, "; use winograd_convolve");
  SEXTANT_CHECK(pointers, "[edge_conv] got a null pointer for data that the call needs; allocate it");
}

// The convolution with weights w; `flip` turns the taps by 180 degrees.
void convolve(const ConvShape& s, const float* x, const FilterView& w, bool flip, const float* bias, float* y) {
  const bool expands = s.in <= kFewChannels;
  const int64_t width = ceil_to(expands ? s.out : 9 * s.out, kPad);
  EdgeLayer layer{s, x, std::vector<float>(static_cast<size_t>((expands ? 9 * s.in : s.in) * width)),
                  std::vector<float>(static_cast<size_t>(ceil_to(s.out, kPad))), y};
  for (int64_t o = 0; o < s.out; ++o)
    for (int64_t c = 0; c < s.in; ++c)
      for (int64_t tap = 0; tap < 9; ++tap) {
        const int64_t at = expands ? (tap * s.in + c) * width + o : c * width + tap * s.out + o;
        layer.weights[static_cast<size_t>(at)] =
            w.data[o * w.out_stride + c * w.in_stride + (flip ? 8 - tap : tap) * w.tap_stride];
      }
  if (bias) std::copy_n(bias, s.out, layer.bias.begin());
  const int64_t numbers = (std::min(kBandRows, s.height) + 2) * (s.width + 2) * (expands ? s.in : width);
  parallel_jobs(s.batch * bands_of(s), [&](int64_t job) {
    static thread_local ScratchBuffer scratch;
    float* buffer = scratch.get(numbers);
    if (expands)
      HWY_DYNAMIC_DISPATCH(few_to_many)(layer, band_of(s, job), buffer);
    else
      HWY_DYNAMIC_DISPATCH(many_to_few)(layer, band_of(s, job), buffer);
  });
}

}  // namespace

void edge_convolve(const ConvShape& s, const float* x, const FilterView& w, const float* bias, float* y) {
  check(s, w.data && (s.batch == 0 || (x && y)));
  convolve(s, x, w, false, bias, y);
}

void edge_data_gradient(const ConvShape& s, const float* dy, const FilterView& w, float* dx) {
  check(s, w.data && (s.batch == 0 || (dy && dx)));
  convolve({s.batch, s.height, s.width, s.out, s.in}, dy, {w.data, w.in_stride, w.out_stride, w.tap_stride}, true,
           nullptr, dx);
}

void edge_weight_gradient(const ConvShape& s, const float* x, const float* dy, float* dw, float* db) {
  check(s, dw && (s.batch == 0 || (x && dy)));
  const bool few_in = s.in <= kFewChannels;
  const float *few_x = few_in ? x : dy, *many_x = few_in ? dy : x;
  const int64_t few = few_in ? s.in : s.out, many = few_in ? s.out : s.in, width = ceil_to(many, kPad);
  const int64_t jobs = s.batch * bands_of(s), size = (9 * few + 1) * width;
  const int64_t numbers = ceil_to((std::min(kBandRows, s.height) + 2) * (s.width + 2) * few, kPad) + s.width * width;
  std::vector<float> sums(static_cast<size_t>(jobs * size));
  parallel_jobs(jobs, [&](int64_t job) {
    static thread_local ScratchBuffer scratch;
    HWY_DYNAMIC_DISPATCH(correlate)
    (s, few_x, few, many_x, many, band_of(s, job), scratch.get(numbers), sums.data() + job * size);
  });
  std::vector<double> total(static_cast<size_t>(size));
  for (int64_t job = 0; job < jobs; ++job)
    for (int64_t i = 0; i < size; ++i)
      total[static_cast<size_t>(i)] += static_cast<double>(sums[static_cast<size_t>(job * size + i)]);
  for (int64_t tap = 0; tap < 9; ++tap)
    for (int64_t f = 0; f < few; ++f)
      for (int64_t m = 0; m < many; ++m) {
        // x(pixel + tap) dy(pixel), or, where x is the tensor of many channels, dy(pixel - tap) x(pixel).
        const int64_t at = few_in ? (m * s.in + f) * 9 + tap : (f * s.in + m) * 9 + 8 - tap;
        dw[at] = static_cast<float>(total[static_cast<size_t>((tap * few + f) * width + m)]);
      }
  for (int64_t o = 0; db && o < s.out; ++o) {
    double sum = few_in ? total[static_cast<size_t>(9 * few * width + o)] : 0.0;
    for (int64_t i = o; !few_in && i < s.batch * s.height * s.width * s.out; i += s.out)
      sum += static_cast<double>(dy[i]);
    db[o] = static_cast<float>(sum);
  }
}

}  // namespace sextant::kernels
#endif
