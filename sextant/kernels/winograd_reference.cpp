// The 3x3 convolution and its gradients as direct sums in double.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sextant/kernels/winograd.h"

namespace sextant::kernels {
namespace {

// term(output pixel, input pixel, tap) for every tap that falls inside the picture.
template <class Term>
void for_taps(const ConvShape& s, const Term& term) {
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t y = 0; y < s.height; ++y)
      for (int64_t x = 0; x < s.width; ++x)
        for (int64_t tap = 0; tap < 9; ++tap) {
          const int64_t row = y + tap / 3 - 1, column = x + tap % 3 - 1;
          if (row >= 0 && row < s.height && column >= 0 && column < s.width)
            term((n * s.height + y) * s.width + x, (n * s.height + row) * s.width + column, tap);
        }
}

double weight(const FilterView& w, int64_t o, int64_t c, int64_t tap) {
  return static_cast<double>(w.data[o * w.out_stride + c * w.in_stride + tap * w.tap_stride]);
}

void store(const std::vector<double>& from, float* to) {
  for (size_t i = 0; i < from.size(); ++i) to[i] = static_cast<float>(from[i]);
}

}  // namespace

void convolve_reference(const ConvShape& s, const float* x, const FilterView& w, const float* bias, const float* add,
                        float* y) {
  std::vector<double> sum(static_cast<size_t>(s.batch * s.height * s.width * s.out));
  for (size_t i = 0; i < sum.size(); ++i)
    sum[i] =
        static_cast<double>(bias ? bias[i % static_cast<size_t>(s.out)] : 0) + static_cast<double>(add ? add[i] : 0);
  for_taps(s, [&](int64_t to, int64_t from, int64_t tap) {
    for (int64_t o = 0; o < s.out; ++o)
      for (int64_t c = 0; c < s.in; ++c)
        sum[static_cast<size_t>(to * s.out + o)] += static_cast<double>(x[from * s.in + c]) * weight(w, o, c, tap);
  });
  store(sum, y);
}

void convolve_data_gradient_reference(const ConvShape& s, const float* dy, const FilterView& w, const float* add,
                                      float* dx) {
  std::vector<double> sum(static_cast<size_t>(s.batch * s.height * s.width * s.in));
  for (size_t i = 0; i < sum.size(); ++i) sum[i] = static_cast<double>(add ? add[i] : 0);
  for_taps(s, [&](int64_t to, int64_t from, int64_t tap) {
    for (int64_t o = 0; o < s.out; ++o)
      for (int64_t c = 0; c < s.in; ++c)
        sum[static_cast<size_t>(from * s.in + c)] += static_cast<double>(dy[to * s.out + o]) * weight(w, o, c, tap);
  });
  store(sum, dx);
}

void convolve_weight_gradient_reference(const ConvShape& s, const float* x, const float* dy, float* dw, float* db) {
  std::vector<double> sum(static_cast<size_t>(s.out * s.in * 9)), bias(static_cast<size_t>(s.out));
  for_taps(s, [&](int64_t to, int64_t from, int64_t tap) {
    for (int64_t o = 0; o < s.out; ++o) {
      const double gradient = static_cast<double>(dy[to * s.out + o]);
      if (tap == 4) bias[static_cast<size_t>(o)] += gradient;  // the middle tap is always inside
      for (int64_t c = 0; c < s.in; ++c)
        sum[static_cast<size_t>((o * s.in + c) * 9 + tap)] += gradient * static_cast<double>(x[from * s.in + c]);
    }
  });
  store(sum, dw);
  if (db) store(bias, db);
}

}  // namespace sextant::kernels
