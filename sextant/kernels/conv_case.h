// For the convolutions' tests: one shape with random inputs, outputs that are guarded at their end, and what the direct
// sums in double make of them.
#pragma once

#include <vector>

#include "sextant/kernels/random_floats.h"
#include "sextant/kernels/winograd.h"

namespace sextant::kernels {

constexpr float kGuard = -12345.0f;  // behind each output: nobody may write there

inline std::vector<float> guarded(int64_t count) { return std::vector<float>(static_cast<size_t>(count) + 1, kGuard); }

struct ConvCase {
  explicit ConvCase(const ConvShape& s)
      : s(s),
        pixels(s.batch * s.height * s.width),
        x(random_normals(pixels * s.in, 1)),
        dy(random_normals(pixels * s.out, 2)),
        w(random_normals(s.out * s.in * 9, 3)),
        b(random_normals(s.out, 4)),
        add_y(random_normals(pixels * s.out, 5)),
        add_x(random_normals(pixels * s.in, 6)),
        y(guarded(pixels * s.out)),
        dx(guarded(pixels * s.in)),
        dw(guarded(s.out * s.in * 9)),
        db(guarded(s.out)) {}

  FilterView filter() const { return contiguous_filter(w.data(), s.in); }

  // add_y and add_x join only where `add`, the bias and its gradient only where `bias`.
  void run_reference(bool bias, bool add) {
    convolve_reference(s, x.data(), filter(), bias ? b.data() : nullptr, add ? add_y.data() : nullptr, y.data());
    convolve_data_gradient_reference(s, dy.data(), filter(), add ? add_x.data() : nullptr, dx.data());
    convolve_weight_gradient_reference(s, x.data(), dy.data(), dw.data(), bias ? db.data() : nullptr);
  }

  ConvShape s;
  int64_t pixels;
  std::vector<float> x, dy, w, b, add_y, add_x, y, dx, dw, db;
};

}  // namespace sextant::kernels
