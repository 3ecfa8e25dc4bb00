#include "sextant/data/two_moons.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "sextant/data/toys.h"
#include "sextant/tensor/shape.h"

namespace sextant {
namespace {

using std::numbers::pi;

// Places on the two half circles, in raw units, and their weights by Simpson's rule: an average over them is one over
// the angle, exact to 1e-6 as long as steps are well below the noise.
struct Centre {
  double x, y, weight;
};
std::vector<Centre> centres(double noise) {
  const int64_t steps = 2 * static_cast<int64_t>(std::ceil(std::max(16.0, 3 * pi / noise)));
  std::vector<Centre> all;
  for (int64_t i = 0; i <= steps; ++i) {
    const double a = pi * static_cast<double>(i) / static_cast<double>(steps);
    const double simpson = i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2;
    const double weight = simpson / (6.0 * static_cast<double>(steps));  // each circle has half of the mass
    all.push_back({std::cos(a), std::sin(a), weight});
    all.push_back({1 - std::cos(a), 0.5 - std::sin(a), weight});
  }
  return all;
}

double raw_density(const std::vector<Centre>& all, double noise, double x, double y) {
  const double precision = 1 / (noise * noise);
  double sum = 0;
  for (const Centre& c : all) {
    const double exponent = 0.5 * precision * ((x - c.x) * (x - c.x) + (y - c.y) * (y - c.y));
    if (exponent < 700) sum += c.weight * std::exp(-exponent);
  }
  return sum * precision / (2 * pi);
}

double log_scales(double noise) {
  const ToyMoments moments = toy_moments("two_moons", noise);
  return std::log(moments.scale[0]) + std::log(moments.scale[1]);
}

void check_noise(double noise) {
  SEXTANT_USAGE_CHECK(noise > 0, "[two_moons] without noise the points fill no area and have no density; got noise ",
                      noise, ". Set data.noise above 0");
}

}  // namespace

Tensor two_moons_log_density(const Tensor& points, double noise) {
  check_noise(noise);
  SEXTANT_CHECK(points.dim() == 2 && points.size(1) == 2, "[two_moons] expected points [N,2]; got ",
                shape_text(points));
  const ToyMoments moments = toy_moments("two_moons", noise);
  const std::vector<Centre> all = centres(noise);
  const Tensor in = points.to(at::kDouble).contiguous(), out = at::empty({points.size(0)}, in.options());
  const double* from = in.const_data_ptr<double>();
  double* to = out.data_ptr<double>();
  const double shift = log_scales(noise);
  at::parallel_for(0, points.size(0), 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      to[i] = shift + std::log(raw_density(all, noise, from[2 * i] * moments.scale[0] + moments.mean[0],
                                           from[2 * i + 1] * moments.scale[1] + moments.mean[1]));
  });
  return out;
}

// The integrand is smooth at the size of the noise and falls to nothing at the edge: equal steps of half the noise are
// as good as any rule (its spectrum ends there).
double two_moons_entropy(double noise) {
  check_noise(noise);
  const std::vector<Centre> all = centres(noise);
  const double step = noise / 2.5, margin = 7 * noise;
  const double left = -1 - margin, bottom = -0.5 - margin;
  const int64_t columns = static_cast<int64_t>(std::ceil((3 + 2 * margin) / step));
  const int64_t rows = static_cast<int64_t>(std::ceil((2 + 2 * margin) / step));
  std::vector<double> sums(static_cast<size_t>(rows));
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < columns; ++c) {
        const double p =
            raw_density(all, noise, left + step * static_cast<double>(c), bottom + step * static_cast<double>(r));
        if (p > 0) sums[static_cast<size_t>(r)] -= p * std::log(p);
      }
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total * step * step - log_scales(noise);
}

}  // namespace sextant
