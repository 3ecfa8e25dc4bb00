// GroupNorm + SiLU on channels_last activations, one image after the other: its numbers stay in L2 between the pass
// that sums and the pass that writes. Variance from sums of differences to the first pixel: no cancellation where the
// mean is large. The backward pass keeps d(loss)/dz in dx between its two passes.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sextant/kernels/group_norm.cpp"
#include "sextant/kernels/simd.h"
// Keep this order: the targets must be known before the loop over them.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/channels-inl.h"
#include "sextant/kernels/group_norm.h"
#include "sextant/kernels/scratch_buffer.h"
#include "sextant/kernels/threads.h"
#include "sextant/kernels/vector_math-inl.h"

#ifndef SEXTANT_KERNELS_GROUP_NORM_ONCE
#define SEXTANT_KERNELS_GROUP_NORM_ONCE
namespace sextant::kernels {
// What each channel of one image needs in the backward pass, [C] each: xhat = x * rstd - mean * rstd.
struct Channels {
  const float *rstd, *offset, *gamma, *beta;
};
}  // namespace sextant::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using V = FloatVec;

HWY_INLINE V load(const float* from) { return hn::LoadU(Floats(), from); }
HWY_INLINE int64_t lane_count() { return static_cast<int64_t>(hn::Lanes(Floats())); }

// Sums and sums of squares over pixels of x - (first pixel), for each channel.
void channel_sums(const GroupNormShape& s, const float* x, float* sum, float* square) {
  for_channel_blocks(s.channels, [&](int64_t c, auto vectors, auto access) {
    constexpr int kVectors = vectors;
    const int64_t lanes = lane_count();
    V origin[kVectors], a[kVectors], q[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      origin[v] = access.load(x + c + v * lanes);
      a[v] = q[v] = hn::Zero(Floats());
    }
    for (int64_t p = 1; p < s.pixels; ++p)
      for (int v = 0; v < kVectors; ++v) {
        const V d = access.load(x + p * s.channels + c + v * lanes) - origin[v];
        a[v] = a[v] + d;
        q[v] = hn::MulAdd(d, d, q[v]);
      }
    for (int v = 0; v < kVectors; ++v) {
      access.store(a[v], sum + c + v * lanes);
      access.store(q[v], square + c + v * lanes);
    }
  });
}

// y = act(x * scale + offset) + shift + residual, for one image; shift, residual may be null.
void normalise(const GroupNormShape& s, const float* x, const float* scale, const float* offset, const float* shift,
               const float* residual, float* y) {
  const Floats d;
  for (int64_t p = 0; p < s.pixels; ++p)
    for_channels(s.channels, [&](int64_t c, auto access) {
      const int64_t at = p * s.channels + c;
      V z = hn::MulAdd(access.load(x + at), access.load(scale + c), access.load(offset + c));
      if (s.silu) z = hn::Mul(z, sigmoid_of(d, z));
      if (shift) z = z + access.load(shift + c);
      if (residual) z = z + access.load(residual + at);
      access.store(z, y + at);
    });
}

// dz = dy * act'(z) to `dz`; sums over pixels of dz, dz * xhat, dy and xhat to sums[0..3][C].
void activation_gradient(const GroupNormShape& s, const float* x, const float* dy, const Channels& channel, float* dz,
                         float* const* sums) {
  for_channel_blocks(s.channels, [&](int64_t c, auto vectors, auto access) {
    constexpr int kVectors = vectors;
    const Floats d;
    const int64_t lanes = lane_count();
    const V one = hn::Set(d, 1.0f);
    V rstd[kVectors], offset[kVectors], gamma[kVectors], beta[kVectors], sum[4][kVectors];
    for (int v = 0; v < kVectors; ++v) {
      const int64_t at = c + v * lanes;
      rstd[v] = access.load(channel.rstd + at), offset[v] = access.load(channel.offset + at);
      gamma[v] = access.load(channel.gamma + at), beta[v] = access.load(channel.beta + at);
      for (auto& total : sum) total[v] = hn::Zero(d);
    }
    for (int64_t p = 0; p < s.pixels; ++p)
      for (int v = 0; v < kVectors; ++v) {
        const int64_t at = p * s.channels + c + v * lanes;
        const V xhat = hn::MulAdd(access.load(x + at), rstd[v], offset[v]), gradient = access.load(dy + at);
        V g = gradient;
        if (s.silu) {  // silu'(z) = sigma (1 + z (1 - sigma))
          const V z = hn::MulAdd(xhat, gamma[v], beta[v]), sigma = sigmoid_of(d, z);
          g = hn::Mul(hn::Mul(g, sigma), hn::MulAdd(z, one - sigma, one));
        }
        access.store(g, dz + at);
        sum[0][v] = sum[0][v] + g;
        sum[1][v] = hn::MulAdd(g, xhat, sum[1][v]);
        sum[2][v] = sum[2][v] + gradient;
        sum[3][v] = sum[3][v] + xhat;
      }
    for (int k = 0; k < 4; ++k)
      for (int v = 0; v < kVectors; ++v) access.store(sum[k][v], sums[k] + c + v * lanes);
  });
}

// dx = gamma rstd dz + slope xhat + level, dz being in dx; `slope` and `level` [C].
void input_gradient(const GroupNormShape& s, const float* x, const Channels& channel, const float* slope,
                    const float* level, float* dx) {
  for (int64_t p = 0; p < s.pixels; ++p)
    for_channels(s.channels, [&](int64_t c, auto access) {
      const int64_t at = p * s.channels + c;
      const V rstd = access.load(channel.rstd + c);
      const V xhat = hn::MulAdd(access.load(x + at), rstd, access.load(channel.offset + c));
      const V rest = hn::MulAdd(xhat, access.load(slope + c), access.load(level + c));
      access.store(hn::MulAdd(access.load(dx + at), hn::Mul(rstd, access.load(channel.gamma + c)), rest), dx + at);
    });
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(channel_sums);
HWY_EXPORT(normalise);
HWY_EXPORT(activation_gradient);
HWY_EXPORT(input_gradient);

namespace {

void check_shape(const GroupNormShape& s) {
  SEXTANT_CHECK(s.batch >= 0 && s.pixels >= 1 && s.channels >= 1 && s.groups >= 1 && s.channels % s.groups == 0,
                "[group_norm] needs pixels, channels and groups >= 1, channels a multiple of groups; got [", s.batch,
                ",", s.pixels, ",", s.channels, "] in ", s.groups, " groups; choose a divisor of the channels");
  SEXTANT_CHECK(s.eps > 0, "[group_norm] eps must be above 0; got ", s.eps, "; try 1e-5");
}

template <class... Pointers>
void check_pointers(int64_t batch, Pointers... pointers) {
  SEXTANT_CHECK(batch == 0 || (... && (pointers != nullptr)), "[group_norm] got a null pointer for data that the call ",
                "needs; allocate it");
}

// Mean and 1 / sqrt(variance + eps) of group k: from each channel's sums about its own origin; `before` [C] or null.
void moments(const GroupNormShape& s, int64_t k, const float* origin, const float* before, const float* sum,
             const float* square, float* mean, float* rstd) {
  const int64_t width = s.channels / s.groups;
  const double pixels = static_cast<double>(s.pixels);
  double total = 0, spread = 0;
  const auto channel_mean = [&](int64_t c) {
    return static_cast<double>(origin[c]) + static_cast<double>(before ? before[c] : 0.0f) +
           static_cast<double>(sum[c]) / pixels;
  };
  for (int64_t c = k * width; c < (k + 1) * width; ++c) total += channel_mean(c);
  const double centre = total / static_cast<double>(width);
  for (int64_t c = k * width; c < (k + 1) * width; ++c) {
    const double about_origin = static_cast<double>(sum[c]) / pixels, away = channel_mean(c) - centre;
    spread += static_cast<double>(square[c]) / pixels - about_origin * about_origin + away * away;
  }
  *mean = static_cast<float>(centre);
  *rstd = static_cast<float>(1 / std::sqrt(std::max(spread / static_cast<double>(width), 0.0) + s.eps));
}

}  // namespace

void group_norm_silu(const GroupNormShape& s, const GroupNormInputs& in, const GroupNormOutputs& out) {
  const float *x = in.x, *before = in.before, *gamma = in.gamma, *beta = in.beta, *shift = in.shift;
  const float* residual = in.residual;
  float *y = out.y, *mean = out.mean, *rstd = out.rstd;
  check_shape(s);
  check_pointers(s.batch, x, gamma, beta, y, mean, rstd);
  parallel_jobs(s.batch, [&](int64_t n) {
    static thread_local ScratchBuffer scratch;
    float *sum = scratch.get(4 * s.channels), *square = sum + s.channels;
    float *scale = square + s.channels, *offset = scale + s.channels;
    const int64_t image = n * s.pixels * s.channels, width = s.channels / s.groups;
    const float* own = before ? before + n * s.channels : nullptr;
    HWY_DYNAMIC_DISPATCH(channel_sums)(s, x + image, sum, square);
    for (int64_t k = 0; k < s.groups; ++k) {
      const int64_t at = n * s.groups + k;
      moments(s, k, x + image, own, sum, square, mean + at, rstd + at);
      for (int64_t c = k * width; c < (k + 1) * width; ++c) {
        scale[c] = gamma[c] * rstd[at];
        offset[c] = beta[c] + ((own ? own[c] : 0.0f) - mean[at]) * scale[c];
      }
    }
    HWY_DYNAMIC_DISPATCH(normalise)
    (s, x + image, scale, offset, shift ? shift + n * s.channels : nullptr, residual ? residual + image : nullptr,
     y + image);
  });
}

void group_norm_silu_backward(const GroupNormShape& s, const GroupNormInputs& in, const float* mean, const float* rstd,
                              const float* dy, const GroupNormGradients& to) {
  const float *x = in.x, *before = in.before, *gamma = in.gamma, *beta = in.beta;
  float *dx = to.x, *dbefore = to.before, *dgamma = to.gamma, *dbeta = to.beta, *dshift = to.shift;
  check_shape(s);
  check_pointers(s.batch, x, gamma, beta, mean, rstd, dy, dx);
  check_pointers(1, dgamma, dbeta);
  std::vector<float> sums(static_cast<size_t>(2 * s.batch * s.channels));  // of dz and dz xhat, [N,C] each
  parallel_jobs(s.batch, [&](int64_t n) {
    static thread_local ScratchBuffer scratch;
    float *channel_rstd = scratch.get(6 * s.channels), *offset = channel_rstd + s.channels;
    float *slope = offset + s.channels, *level = slope + s.channels, *spare = level + s.channels,
          *of_xhat = spare + s.channels;
    const int64_t image = n * s.pixels * s.channels, row = n * s.channels, width = s.channels / s.groups;
    const float *group_mean = mean + n * s.groups, *group_rstd = rstd + n * s.groups;
    for (int64_t c = 0; c < s.channels; ++c) {
      channel_rstd[c] = group_rstd[c / width];
      offset[c] = ((before ? before[row + c] : 0.0f) - group_mean[c / width]) * channel_rstd[c];
    }
    const Channels channel{channel_rstd, offset, gamma, beta};
    float *of_dz = sums.data() + row, *of_product = of_dz + s.batch * s.channels;
    float* const all[4] = {of_dz, of_product, dshift ? dshift + row : spare, of_xhat};
    HWY_DYNAMIC_DISPATCH(activation_gradient)(s, x + image, dy + image, channel, dx + image, all);
    for (int64_t k = 0; k < s.groups; ++k) {
      double constant = 0, linear = 0;
      for (int64_t c = k * width; c < (k + 1) * width; ++c) {
        constant += static_cast<double>(of_dz[c]) * static_cast<double>(gamma[c]);
        linear += static_cast<double>(of_product[c]) * static_cast<double>(gamma[c]);
      }
      const double factor = -static_cast<double>(group_rstd[k]) / static_cast<double>(s.pixels * width);
      std::fill_n(level + k * width, width, static_cast<float>(constant * factor));
      std::fill_n(slope + k * width, width, static_cast<float>(linear * factor));
    }
    HWY_DYNAMIC_DISPATCH(input_gradient)(s, x + image, channel, slope, level, dx + image);
    for (int64_t c = 0; dbefore && c < s.channels; ++c)  // the sum of dx over pixels
      dbefore[row + c] =
          channel_rstd[c] * gamma[c] * of_dz[c] + slope[c] * of_xhat[c] + static_cast<float>(s.pixels) * level[c];
  });
  for (int64_t c = 0; c < s.channels; ++c) {
    double of_dz = 0, of_product = 0;
    for (int64_t n = 0; n < s.batch; ++n) {
      of_dz += static_cast<double>(sums[static_cast<size_t>(n * s.channels + c)]);
      of_product += static_cast<double>(sums[static_cast<size_t>((s.batch + n) * s.channels + c)]);
    }
    dbeta[c] = static_cast<float>(of_dz);
    dgamma[c] = static_cast<float>(of_product);
  }
}

}  // namespace sextant::kernels
#endif
