#include "sextant/data/shapes.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "sextant/base/check.h"
#include "sextant/tensor/rng.h"

namespace sextant {
namespace {

constexpr int64_t kClasses = static_cast<int64_t>(kShapeNames.size());
constexpr int kSamples = 4;     // a pixel's cover is counted on 4 x 4 places
constexpr int64_t kDraws = 10;  // random numbers a picture takes
constexpr double kLeastContrast = 0.35;

// Whether the place (x, y) lies in the shape of size 1 around the origin.
using Inside = bool (*)(double x, double y);
bool disc(double x, double y) { return x * x + y * y < 1; }
bool square(double x, double y) { return std::max(std::abs(x), std::abs(y)) < 0.85; }
bool triangle(double x, double y) { return y < 0.6 && y > std::numbers::sqrt3 * std::abs(x) - 1.1; }
bool diamond(double x, double y) { return std::abs(x) / 0.6 + std::abs(y) < 1; }
bool ring(double x, double y) { return disc(x, y) && !disc(x / 0.6, y / 0.6); }
bool frame(double x, double y) { return square(x, y) && !square(x / 0.6, y / 0.6); }
bool plus(double x, double y) {
  return std::min(std::abs(x), std::abs(y)) < 0.25 && std::max(std::abs(x), std::abs(y)) < 1;
}
bool cross(double x, double y) { return plus((x + y) / std::numbers::sqrt2, (x - y) / std::numbers::sqrt2); }
bool stripes(double x, double y) { return square(x, y) && std::fmod(std::abs(y + 0.85), 0.68) < 0.34; }
bool crescent(double x, double y) { return disc(x, y) && !disc((x - 0.45) / 0.85, y / 0.85); }
constexpr Inside kInside[] = {disc, square, triangle, diamond, ring, frame, plus, cross, stripes, crescent};
static_assert(std::size(kInside) == kShapeNames.size());

struct Picture {
  double centre_x, centre_y, size, turn;
  std::array<double, 3> colour, ground;
};

// The share of the pixel's area that the shape covers.
double cover(Inside inside, const Picture& p, int64_t column, int64_t row) {
  const double cosine = std::cos(p.turn), sine = std::sin(p.turn);
  int hits = 0;
  for (int i = 0; i < kSamples * kSamples; ++i) {
    const double x = static_cast<double>(column) + (i % kSamples + 0.5) / kSamples - p.centre_x;
    const double y = static_cast<double>(row) + (i / kSamples + 0.5) / kSamples - p.centre_y;
    hits += inside((cosine * x + sine * y) / p.size, (cosine * y - sine * x) / p.size) ? 1 : 0;
  }
  return hits / static_cast<double>(kSamples * kSamples);
}

double distance(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  double most = 0;
  for (size_t c = 0; c < 3; ++c) most = std::max(most, std::abs(a[c] - b[c]));
  return most;
}

// u holds kDraws numbers uniform in [0,1).
Picture choose(const float* u) {
  Picture p{.centre_x = 12 + 8.0 * u[0],
            .centre_y = 12 + 8.0 * u[1],
            .size = 6 + 5.0 * u[2],
            .turn = 0.6 * (u[3] - 0.5),
            .colour = {u[4], u[5], u[6]},
            .ground = {u[7], u[8], u[9]}};
  if (distance(p.colour, p.ground) < kLeastContrast)  // too pale to see: the complement of the ground's channels
    for (size_t c = 0; c < 3; ++c) p.colour[c] = p.ground[c] < 0.5 ? 1 - p.ground[c] / 2 : p.ground[c] / 2;
  return p;
}

void draw(int64_t label, const Picture& p, uint8_t* planes) {
  for (int64_t row = 0; row < kShapesSide; ++row)
    for (int64_t column = 0; column < kShapesSide; ++column) {
      const double share = cover(kInside[label], p, column, row);
      for (int64_t c = 0; c < 3; ++c) {
        const auto channel = static_cast<size_t>(c);
        const double value = share * p.colour[channel] + (1 - share) * p.ground[channel];
        planes[(c * kShapesSide + row) * kShapesSide + column] = static_cast<uint8_t>(std::lround(255 * value));
      }
    }
}

Split make_split(int64_t count, Rng rng) {
  Split split{.x = at::empty({count, 3, kShapesSide, kShapesSide}, at::kByte), .labels = rng.permutation(count)};
  split.labels.remainder_(kClasses);
  const Tensor draws = rng.uniform({count, kDraws});
  const int64_t* labels = split.labels.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < count; ++i)
    draw(labels[i], choose(draws.const_data_ptr<float>() + i * kDraws),
         split.x.data_ptr<uint8_t>() + i * 3 * kShapesSide * kShapesSide);
  return split;
}

}  // namespace

Dataset make_shapes(int64_t train, int64_t test) {
  SEXTANT_USAGE_CHECK(train >= 1 && test >= 1, "[shapes] ", train, " and ", test,
                      " pictures asked for; give 1 or more");
  const Rng rng = Rng(0).split("shapes");
  return {.name = "shapes",
          .train = make_split(train, rng.split("train")),
          .test = make_split(test, rng.split("test")),
          .classes = kClasses,
          .content_hash = {}};
}

}  // namespace sextant
