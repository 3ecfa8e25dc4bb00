// One exponential and one tanh a number, forward and again backward, which costs less than keeping them. The numbers of
// some rows are first brought into four strips (x, h_s, t, and what the mask and the scale are at each), so that the
// vectors are full however few the channels.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sextant/kernels/coupling.cpp"
#include "sextant/kernels/simd.h"
// Keep this order: the targets must be known before the loop over them.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "sextant/base/check.h"
#include "sextant/kernels/channels-inl.h"
#include "sextant/kernels/coupling.h"
#include "sextant/kernels/scratch_buffer.h"
#include "sextant/kernels/threads.h"
#include "sextant/kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// s [count] = scale tanh(h_s), 0 where the scale is: the caller's scale is 0 where the mask is 1. y = x exp(s) + t.
void transform_strip(const float* x, const float* h_s, const float* t, const float* scale, float* y, float* s,
                     int64_t count) {
  for_vectors(count, [&](auto d, int64_t i) {
    const auto each = hn::Mul(hn::LoadU(d, scale + i), tanh_of(d, hn::LoadU(d, h_s + i)));
    hn::StoreU(each, d, s + i);
    hn::StoreU(hn::MulAdd(hn::LoadU(d, x + i), exp_of(d, each), hn::LoadU(d, t + i)), d, y + i);
  });
}

// dx, dh_s and dscale of each number; dl is what arrives at each number's s from the log-determinant.
void gradient_strip(const float* x, const float* h_s, const float* scale, const float* dy, const float* dl, float* dx,
                    float* dh_s, float* dscale, int64_t count) {
  for_vectors(count, [&](auto d, int64_t i) {
    const auto factor = hn::LoadU(d, scale + i), bent = tanh_of(d, hn::LoadU(d, h_s + i));
    const auto g = hn::Mul(hn::LoadU(d, dy + i), exp_of(d, hn::Mul(factor, bent)));
    const auto ds = hn::MulAdd(g, hn::LoadU(d, x + i), hn::LoadU(d, dl + i));
    hn::StoreU(g, d, dx + i);
    hn::StoreU(hn::Mul(hn::Mul(ds, factor), hn::NegMulAdd(bent, bent, hn::Set(d, 1.0f))), d, dh_s + i);
    hn::StoreU(hn::Mul(ds, bent), d, dscale + i);
  });
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(transform_strip);
HWY_EXPORT(gradient_strip);

namespace {

constexpr int64_t kNumbers = 1024;  // of a piece at least, where the batch has them: strips stay in L1
constexpr int64_t kWorthAThread = 4096;

void check(const CouplingShape& s, bool pointers) {
  SEXTANT_CHECK(s.batch >= 0 && s.pixels >= 1 && s.channels >= 1,
                "[coupling] needs batch >= 0, pixels >= 1, channels >= 1; got ", s.batch, ", ", s.pixels, ", ",
                s.channels, "; check the shapes");
  SEXTANT_CHECK(s.batch == 0 || pointers, "[coupling] got a null pointer; allocate all arguments");
}

// Rows in pieces of equal size, which depend on the shape only.
struct Pieces {
  explicit Pieces(const CouplingShape& s)
      : row(s.pixels * s.channels),
        rows(std::max<int64_t>(1, kNumbers / row)),
        count((s.batch + rows - 1) / rows),
        least(std::max<int64_t>(1, kWorthAThread / (rows * row))) {}
  int64_t row, rows, count, least;  // numbers a row, rows a piece, pieces, pieces a thread
};

// Calls use(pixel, first number) for every pixel of a piece.
template <class Use>
void for_pixels(const CouplingShape& s, int64_t numbers, const Use& use) {
  for (int64_t at = 0, p = 0; at < numbers; at += s.channels, p = p + 1 == s.pixels ? 0 : p + 1) use(p, at);
}

// h [.,2C] of a piece into two strips.
void split(const CouplingShape& s, const float* h, int64_t numbers, float* h_s, float* t) {
  if (s.channels == 1) {
    for (int64_t i = 0; i < numbers; ++i) h_s[i] = h[2 * i], t[i] = h[2 * i + 1];
    return;
  }
  for (int64_t at = 0; at < numbers; at += s.channels, h += 2 * s.channels) {
    std::copy_n(h, s.channels, h_s + at);
    std::copy_n(h + s.channels, s.channels, t + at);
  }
}

// The scale of each number of a piece: 0 where the mask lets x pass.
void spread_scale(const CouplingShape& s, const float* scale, const float* mask, int64_t numbers, float* out) {
  for_pixels(s, numbers, [&](int64_t p, int64_t at) {
    for (int64_t c = 0; c < s.channels; ++c) out[at + c] = mask[p * s.channels + c] != 0 ? 0.0f : scale[c];
  });
}

}  // namespace

void coupling_forward(const CouplingShape& s, const float* x, const float* h, const float* scale, const float* mask,
                      float* y, float* log_det) {
  check(s, x && h && scale && mask && y && log_det);
  const Pieces pieces(s);
  const int64_t most = pieces.rows * pieces.row;
  static thread_local ScratchBuffer shared;
  float* each_scale = shared.get(most);
  spread_scale(s, scale, mask, most, each_scale);
  const auto piece = [&](int64_t job) {
    const int64_t first = job * pieces.rows, rows = std::min(pieces.rows, s.batch - first), n = rows * pieces.row;
    static thread_local ScratchBuffer own;
    float *h_s = own.get(3 * most), *t = h_s + most, *each_s = t + most;
    split(s, h + 2 * first * pieces.row, n, h_s, t);
    for_pixels(s, n, [&](int64_t p, int64_t at) {  // no shift where the mask lets x pass
      for (int64_t c = 0; c < s.channels; ++c)
        if (mask[p * s.channels + c] != 0) t[at + c] = 0.0f;
    });
    HWY_DYNAMIC_DISPATCH(transform_strip)
    (x + first * pieces.row, h_s, t, each_scale, y + first * pieces.row, each_s, n);
    for (int64_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (int64_t i = r * pieces.row; i < (r + 1) * pieces.row; ++i) sum += static_cast<double>(each_s[i]);
      log_det[first + r] = static_cast<float>(sum);
    }
  };
  parallel_jobs(pieces.count, piece, pieces.least);
}

void coupling_backward(const CouplingShape& s, const float* x, const float* h, const float* scale, const float* mask,
                       const float* dy, const float* dlog_det, float* dx, float* dh, float* dscale) {
  check(s, x && h && scale && mask && dy && dlog_det && dx && dh && dscale);
  const Pieces pieces(s);
  const int64_t most = pieces.rows * pieces.row, C = s.channels;
  static thread_local ScratchBuffer shared;
  float *each_scale = shared.get(most + pieces.count * C), *sums = each_scale + most;
  spread_scale(s, scale, mask, most, each_scale);
  const auto piece = [&](int64_t job) {
    const int64_t first = job * pieces.rows, rows = std::min(pieces.rows, s.batch - first), n = rows * pieces.row;
    static thread_local ScratchBuffer own;
    float *h_s = own.get(5 * most), *t = h_s + most, *dl = t + most, *dh_s = dl + most, *each = dh_s + most;
    split(s, h + 2 * first * pieces.row, n, h_s, t);
    for (int64_t r = 0; r < rows; ++r) std::fill_n(dl + r * pieces.row, pieces.row, dlog_det[first + r]);
    const float* arriving = dy + first * pieces.row;
    HWY_DYNAMIC_DISPATCH(gradient_strip)
    (x + first * pieces.row, h_s, each_scale, arriving, dl, dx + first * pieces.row, dh_s, each, n);
    float* sum = sums + job * C;
    std::fill_n(sum, C, 0.0f);
    float* to = dh + 2 * first * pieces.row;
    for_pixels(s, n, [&](int64_t p, int64_t at) {
      for (int64_t c = 0; c < C; ++c) {
        const bool passes = mask[p * C + c] != 0;
        to[2 * at + c] = dh_s[at + c];
        to[2 * at + C + c] = passes ? 0.0f : arriving[at + c];
        if (!passes) sum[c] += each[at + c];
      }
    });
  };
  parallel_jobs(pieces.count, piece, pieces.least);
  for (int64_t c = 0; c < C; ++c) {
    double sum = 0;
    for (int64_t job = 0; job < pieces.count; ++job) sum += static_cast<double>(sums[job * C + c]);
    dscale[c] = static_cast<float>(sum);
  }
}

void coupling_forward_reference(const CouplingShape& s, const float* x, const float* h, const float* scale,
                                const float* mask, float* y, float* log_det) {
  check(s, x && h && scale && mask && y && log_det);
  for (int64_t n = 0; n < s.batch; ++n) {
    double sum = 0;
    for (int64_t p = 0; p < s.pixels; ++p)
      for (int64_t c = 0; c < s.channels; ++c) {
        const int64_t at = (n * s.pixels + p) * s.channels + c, pair = (n * s.pixels + p) * 2 * s.channels + c;
        y[at] = x[at];
        if (mask[p * s.channels + c] != 0) continue;
        const double each = static_cast<double>(scale[c]) * std::tanh(static_cast<double>(h[pair]));
        y[at] =
            static_cast<float>(static_cast<double>(x[at]) * std::exp(each) + static_cast<double>(h[pair + s.channels]));
        sum += each;
      }
    log_det[n] = static_cast<float>(sum);
  }
}

void coupling_backward_reference(const CouplingShape& s, const float* x, const float* h, const float* scale,
                                 const float* mask, const float* dy, const float* dlog_det, float* dx, float* dh,
                                 float* dscale) {
  check(s, x && h && scale && mask && dy && dlog_det && dx && dh && dscale);
  for (int64_t c = 0; c < s.channels; ++c) {
    double total = 0;
    for (int64_t n = 0; n < s.batch; ++n)
      for (int64_t p = 0; p < s.pixels; ++p) {
        const int64_t at = (n * s.pixels + p) * s.channels + c, pair = (n * s.pixels + p) * 2 * s.channels + c;
        dx[at] = dy[at];
        dh[pair] = dh[pair + s.channels] = 0.0f;
        if (mask[p * s.channels + c] != 0) continue;
        const double factor = static_cast<double>(scale[c]), bent = std::tanh(static_cast<double>(h[pair]));
        const double g = static_cast<double>(dy[at]) * std::exp(factor * bent);
        const double ds = g * static_cast<double>(x[at]) + static_cast<double>(dlog_det[n]);
        dx[at] = static_cast<float>(g);
        dh[pair] = static_cast<float>(ds * factor * (1 - bent * bent));
        dh[pair + s.channels] = dy[at];
        total += ds * bent;
      }
    dscale[c] = static_cast<float>(total);
  }
}

}  // namespace sextant::kernels
#endif
