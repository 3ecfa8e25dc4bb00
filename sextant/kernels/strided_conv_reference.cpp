// The direct sums of strided_conv.h in double.
#include <cstddef>
#include <vector>

#include "sextant/kernels/strided_conv.h"

namespace sextant::kernels {
namespace {

// body(index of y's pixel, index of x's pixel, tap) for every pair that a tap joins.
template <class Body>
void for_taps(const StridedShape& s, const Body& body) {
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t i = 0; i < s.height / 2; ++i)
      for (int64_t j = 0; j < s.width / 2; ++j)
        for (int64_t tap = 0; tap < 16; ++tap) {
          const int64_t row = 2 * i + tap / 4 - 1, column = 2 * j + tap % 4 - 1;
          if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
          body((n * (s.height / 2) + i) * (s.width / 2) + j, (n * s.height + row) * s.width + column, tap);
        }
}

double product(float a, float b) { return static_cast<double>(a) * static_cast<double>(b); }

void store(const std::vector<double>& sums, float* to) {
  for (size_t i = 0; i < sums.size(); ++i) to[i] = static_cast<float>(sums[i]);
}

std::vector<double> from_bias(int64_t pixels, int64_t channels, const float* bias) {
  std::vector<double> sums(static_cast<size_t>(pixels * channels));
  for (size_t i = 0; bias && i < sums.size(); ++i)
    sums[i] = static_cast<double>(bias[static_cast<int64_t>(i) % channels]);
  return sums;
}

}  // namespace

void strided_convolve_reference(const StridedShape& s, const float* x, const float* weight, const float* bias,
                                float slope, float* y) {
  std::vector<double> sums = from_bias(s.batch * s.height * s.width / 4, s.out, bias);
  for_taps(s, [&](int64_t at_y, int64_t at_x, int64_t tap) {
    for (int64_t o = 0; o < s.out; ++o)
      for (int64_t c = 0; c < s.in; ++c)
        sums[static_cast<size_t>(at_y * s.out + o)] += product(x[at_x * s.in + c], weight[(o * s.in + c) * 16 + tap]);
  });
  for (double& sum : sums) sum = sum < 0 ? sum * static_cast<double>(slope) : sum;
  store(sums, y);
}

void strided_transpose_reference(const StridedShape& s, const float* y, const float* weight, const float* bias,
                                 float* x) {
  std::vector<double> sums = from_bias(s.batch * s.height * s.width, s.in, bias);
  for_taps(s, [&](int64_t at_y, int64_t at_x, int64_t tap) {
    for (int64_t o = 0; o < s.out; ++o)
      for (int64_t c = 0; c < s.in; ++c)
        sums[static_cast<size_t>(at_x * s.in + c)] += product(y[at_y * s.out + o], weight[(o * s.in + c) * 16 + tap]);
  });
  store(sums, x);
}

void strided_weight_gradient_reference(const StridedShape& s, const float* x, const float* dy, float* dw) {
  std::vector<double> sums(static_cast<size_t>(s.out * s.in * 16));
  for_taps(s, [&](int64_t at_y, int64_t at_x, int64_t tap) {
    for (int64_t o = 0; o < s.out; ++o)
      for (int64_t c = 0; c < s.in; ++c)
        sums[static_cast<size_t>((o * s.in + c) * 16 + tap)] += product(x[at_x * s.in + c], dy[at_y * s.out + o]);
  });
  store(sums, dw);
}

}  // namespace sextant::kernels
