// Pooling, enlargement and concatenation of channels_last activations: bound by memory, one job a row of the smaller
// side.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sextant/kernels/resample.cpp"
#include "sextant/kernels/simd.h"
// Keep this order: the targets must be known before the loop over them.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "sextant/base/check.h"
#include "sextant/kernels/channels-inl.h"
#include "sextant/kernels/resample.h"
#include "sextant/kernels/threads.h"

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One row of y from the rows x and x + row; `pixels` of y.
void pool_row(const float* x, int64_t row, int64_t pixels, int64_t channels, float* y, uint8_t* place) {
  for (int64_t j = 0; j < pixels; ++j) {
    const float* square = x + 2 * j * channels;
    for_vectors(channels, [&](auto d, int64_t c) {
      const hn::RebindToSigned<decltype(d)> di;
      const float* at[4] = {square + c, square + channels + c, square + row + c, square + row + channels + c};
      auto largest = hn::LoadU(d, at[0]);
      auto which = hn::Zero(di);
      for (int k = 1; k < 4; ++k) {
        const auto value = hn::LoadU(d, at[k]);
        const auto wins = hn::Or(hn::Gt(value, largest), hn::IsNaN(value));
        largest = hn::IfThenElse(wins, value, largest);
        which = hn::IfThenElse(hn::RebindMask(di, wins), hn::Set(di, k), which);
      }
      hn::StoreU(largest, d, y + j * channels + c);
      const hn::Rebind<uint8_t, decltype(d)> bytes;
      hn::StoreU(hn::DemoteTo(bytes, which), bytes, place + j * channels + c);
    });
  }
}

// The two rows of dx under one row of dy.
void pool_row_backward(const float* dy, const uint8_t* place, int64_t row, int64_t pixels, int64_t channels,
                       float* dx) {
  for (int64_t j = 0; j < pixels; ++j) {
    float* square = dx + 2 * j * channels;
    for_vectors(channels, [&](auto d, int64_t c) {
      const hn::RebindToSigned<decltype(d)> di;
      const hn::Rebind<uint8_t, decltype(d)> bytes;
      const auto gradient = hn::LoadU(d, dy + j * channels + c);
      const auto which = hn::PromoteTo(di, hn::LoadU(bytes, place + j * channels + c));
      float* at[4] = {square + c, square + channels + c, square + row + c, square + row + channels + c};
      for (int k = 0; k < 4; ++k)
        hn::StoreU(hn::IfThenElseZero(hn::RebindMask(d, hn::Eq(which, hn::Set(di, k))), gradient), d, at[k]);
    });
  }
}

// out[c] = the sum of a factor x factor square of pixels.
void sum_square(const float* square, int64_t row, int64_t pixel, int64_t factor, int64_t channels, float* out) {
  for_vectors(channels, [&](auto d, int64_t c) {
    auto sum = hn::Zero(d);
    for (int64_t i = 0; i < factor; ++i)
      for (int64_t j = 0; j < factor; ++j) sum = hn::Add(sum, hn::LoadU(d, square + i * row + j * pixel + c));
    hn::StoreU(sum, d, out + c);
  });
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(pool_row);
HWY_EXPORT(pool_row_backward);
HWY_EXPORT(sum_square);

namespace {

constexpr int64_t kLeast = 1 << 13;  // numbers that are worth a thread
int64_t least_rows(int64_t numbers) { return 1 + kLeast / (numbers + 1); }

void check(const PoolShape& s, bool pointers) {
  SEXTANT_CHECK(s.batch >= 0 && s.height >= 2 && s.width >= 2 && s.channels >= 1,
                "[max_pool] needs pictures of at least 2x2 with a channel; got [", s.batch, ",", s.height, ",", s.width,
                ",", s.channels, "]; use fewer levels");
  SEXTANT_CHECK(pointers || s.batch == 0, "[max_pool] got a null pointer for data that the call needs; allocate it");
}

void check(const ConcatShape& s, bool pointers) {
  SEXTANT_CHECK(s.batch >= 0 && s.factor >= 1 && s.height >= s.factor && s.width >= s.factor &&
                    s.height % s.factor == 0 && s.width % s.factor == 0,
                "[upsample_concat] needs a height and width that are multiples of the factor; got ", s.height, " x ",
                s.width, " by ", s.factor, "; pad the picture or choose fewer levels");
  SEXTANT_CHECK(s.low_channels >= 1 && s.skip_channels >= 0, "[upsample_concat] needs low_channels >= 1 and ",
                "skip_channels >= 0; got ", s.low_channels, " and ", s.skip_channels, "; check the layer");
  SEXTANT_CHECK(pointers || s.batch == 0, "[upsample_concat] got a null pointer for data that the call needs; ",
                "allocate it");
}

}  // namespace

void max_pool(const PoolShape& s, const float* x, float* y, uint8_t* place) {
  check(s, x && y && place);
  const int64_t h = s.height / 2, w = s.width / 2, row = s.width * s.channels;
  const auto job = [&](int64_t r) {
    const int64_t from = (r / h * s.height + 2 * (r % h)) * row, to = r * w * s.channels;
    HWY_DYNAMIC_DISPATCH(pool_row)(x + from, row, w, s.channels, y + to, place + to);
  };
  parallel_jobs(s.batch * h, job, least_rows(2 * row));
}

void max_pool_backward(const PoolShape& s, const float* dy, const uint8_t* place, float* dx) {
  check(s, dy && place && dx);
  const int64_t h = s.height / 2, w = s.width / 2, row = s.width * s.channels;
  const auto job = [&](int64_t r) {
    const int64_t from = r * w * s.channels;
    float* to = dx + (r / h * s.height + 2 * (r % h)) * row;
    HWY_DYNAMIC_DISPATCH(pool_row_backward)(dy + from, place + from, row, w, s.channels, to);
    for (int64_t i = 0; s.width % 2 == 1 && i < 2; ++i) std::fill_n(to + (i + 1) * row - s.channels, s.channels, 0.0f);
    if (s.height % 2 == 1 && r % h == h - 1) std::fill_n(to + 2 * row, row, 0.0f);
  };
  parallel_jobs(s.batch * h, job, least_rows(2 * row));
}

void upsample_concat(const ConcatShape& s, const float* low, const float* skip, float* y) {
  check(s, low && y && (skip || s.skip_channels == 0));
  const int64_t low_width = s.width / s.factor, channels = s.low_channels + s.skip_channels;
  const auto job = [&](int64_t r) {  // one row of y
    const float* low_row =
        low + (r / s.height * (s.height / s.factor) + r % s.height / s.factor) * low_width * s.low_channels;
    for (int64_t j = 0; j < s.width; ++j) {
      float* to = y + (r * s.width + j) * channels;
      std::copy_n(low_row + j / s.factor * s.low_channels, s.low_channels, to);
      if (skip) std::copy_n(skip + (r * s.width + j) * s.skip_channels, s.skip_channels, to + s.low_channels);
    }
  };
  parallel_jobs(s.batch * s.height, job, least_rows(s.width * channels));
}

void upsample_concat_backward(const ConcatShape& s, const float* dy, float* dlow, float* dskip) {
  check(s, dy);
  const int64_t low_width = s.width / s.factor, channels = s.low_channels + s.skip_channels, row = s.width * channels;
  const auto job = [&](int64_t r) {  // one row of dlow and the rows of dy above it
    const float* rows = dy + r * s.factor * row;
    for (int64_t j = 0; dlow && j < low_width; ++j) HWY_DYNAMIC_DISPATCH(sum_square)
    (rows + j * s.factor * channels, row, channels, s.factor, s.low_channels,
     dlow + (r * low_width + j) * s.low_channels);
    for (int64_t i = 0; dskip && i < s.factor * s.width; ++i)
      std::copy_n(rows + i * channels + s.low_channels, s.skip_channels,
                  dskip + (r * s.factor * s.width + i) * s.skip_channels);
  };
  parallel_jobs(s.batch * (s.height / s.factor), job, least_rows(s.factor * row));
}

void max_pool_reference(const PoolShape& s, const float* x, float* y, uint8_t* place) {
  check(s, x && y && place);
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t i = 0; i < s.height / 2; ++i)
      for (int64_t j = 0; j < s.width / 2; ++j)
        for (int64_t c = 0; c < s.channels; ++c, ++y, ++place) {
          *place = 0;
          for (int64_t k = 0; k < 4; ++k) {
            const float value = x[((n * s.height + 2 * i + k / 2) * s.width + 2 * j + k % 2) * s.channels + c];
            if (k == 0 || value > *y || std::isnan(value)) *y = value, *place = static_cast<uint8_t>(k);
          }
        }
}

void max_pool_backward_reference(const PoolShape& s, const float* dy, const uint8_t* place, float* dx) {
  check(s, dy && place && dx);
  std::fill_n(dx, s.batch * s.height * s.width * s.channels, 0.0f);
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t i = 0; i < s.height / 2; ++i)
      for (int64_t j = 0; j < s.width / 2; ++j)
        for (int64_t c = 0; c < s.channels; ++c, ++dy, ++place)
          dx[((n * s.height + 2 * i + *place / 2) * s.width + 2 * j + *place % 2) * s.channels + c] = *dy;
}

void upsample_concat_reference(const ConcatShape& s, const float* low, const float* skip, float* y) {
  check(s, low && y && (skip || s.skip_channels == 0));
  const int64_t h = s.height / s.factor, w = s.width / s.factor;
  for (int64_t p = 0; p < s.batch * s.height * s.width; ++p) {
    const int64_t n = p / (s.height * s.width), i = p / s.width % s.height / s.factor, j = p % s.width / s.factor;
    for (int64_t c = 0; c < s.low_channels; ++c) *y++ = low[((n * h + i) * w + j) * s.low_channels + c];
    for (int64_t c = 0; c < s.skip_channels; ++c) *y++ = skip[p * s.skip_channels + c];
  }
}

void upsample_concat_backward_reference(const ConcatShape& s, const float* dy, float* dlow, float* dskip) {
  check(s, dy);
  const int64_t h = s.height / s.factor, w = s.width / s.factor;
  if (dlow) std::fill_n(dlow, s.batch * h * w * s.low_channels, 0.0f);
  for (int64_t p = 0; p < s.batch * s.height * s.width; ++p) {
    const int64_t n = p / (s.height * s.width), i = p / s.width % s.height / s.factor, j = p % s.width / s.factor;
    for (int64_t c = 0; c < s.low_channels; ++c, ++dy)
      if (dlow) dlow[((n * h + i) * w + j) * s.low_channels + c] += *dy;
    for (int64_t c = 0; c < s.skip_channels; ++c, ++dy)
      if (dskip) dskip[p * s.skip_channels + c] = *dy;
  }
}

}  // namespace sextant::kernels
#endif
