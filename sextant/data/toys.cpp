#include "sextant/data/toys.h"

#include <ATen/ops/empty.h>

#include <cmath>
#include <numbers>

#include "sextant/base/check.h"
#include "sextant/base/choice.h"

namespace sextant {
namespace {

using std::numbers::pi;

struct Point {
  double x = 0, y = 0;
  int64_t label = 0;
};

// Two numbers u, v uniform in [0,1) become a point without noise.
Point two_moons(double u, double v) {
  const double angle = pi * v;
  if (u < 0.5) return {std::cos(angle), std::sin(angle), 0};
  return {1 - std::cos(angle), 0.5 - std::sin(angle), 1};
}

Point ring_gaussians(double u, double) {
  const double part = std::floor(8 * u), angle = pi / 4 * part;
  return {std::cos(angle), std::sin(angle), static_cast<int64_t>(part)};
}

// Four columns, two squares in each: those whose integer corners have an even sum.
Point checkerboard(double u, double v) {
  const double x = 4 * u - 2, y = 4 * v - 2, column = std::floor(x);
  const double half = std::floor(y / 2);  // -1 or 0: the lower or the upper square
  const double inside = (y - 2 * half) / 2;
  return {x, 2 * half + (std::fmod(std::abs(column), 2) == 0 ? 0 : 1) + inside, 0};
}

Point swiss_roll(double u, double) {
  const double angle = pi * (1.5 + 3 * u);
  return {angle * std::cos(angle) / 5, angle * std::sin(angle) / 5, 0};
}

// A geometry with its mean and variance before noise, by integration.
struct Toy {
  const char* name;
  int64_t classes;
  Point (*draw)(double, double);
  std::array<double, 2> mean, variance;
};
const Toy kToys[] = {
    {"two_moons", 2, two_moons, {0.5, 0.25}, {0.75, 0.625 - 1 / pi - 0.0625}},
    {"ring_gaussians", 8, ring_gaussians, {0, 0}, {0.5, 0.5}},
    {"checkerboard", 0, checkerboard, {0, 0}, {4.0 / 3, 4.0 / 3}},
    {"swiss_roll",
     0,
     swiss_roll,
     {2.0 / 5, 2 / (3 * pi) / 5},
     {(4.875 * pi * pi - 4.25) / 25, (4.875 * pi * pi + 0.25 - 4 / (9 * pi * pi)) / 25}},
};

const Toy& toy_named(const std::string& name) {
  for (const Toy& toy : kToys)
    if (name == toy.name) return toy;
  refuse_unknown("toys", "the set of points", name, toy_names());
}

}  // namespace

std::vector<std::string> toy_names() {
  std::vector<std::string> names;
  for (const Toy& toy : kToys) names.emplace_back(toy.name);
  return names;
}

ToyMoments toy_moments(const std::string& name, double noise) {
  const Toy& toy = toy_named(name);
  ToyMoments moments{.mean = toy.mean, .scale = {}};
  for (size_t axis = 0; axis < 2; ++axis) moments.scale[axis] = std::sqrt(toy.variance[axis] + noise * noise);
  return moments;
}

Split make_toy(const std::string& name, int64_t count, double noise, Rng& rng) {
  SEXTANT_USAGE_CHECK(count >= 1 && noise >= 0, "[toys] ", count, " points with noise ", noise,
                      " can't be made; give at least one point and no negative noise");
  const Toy& toy = toy_named(name);
  const ToyMoments moments = toy_moments(name, noise);
  const Tensor places = rng.uniform({count, 2}), noises = rng.normal({count, 2});
  const float *place = places.const_data_ptr<float>(), *shift = noises.const_data_ptr<float>();
  Split split{.x = at::empty({count, 2}, at::kFloat), .labels = {}};
  if (toy.classes > 0) split.labels = at::empty({count}, at::kLong);
  float* out = split.x.data_ptr<float>();
  for (int64_t i = 0; i < 2 * count; i += 2) {
    const Point point = toy.draw(place[i], place[i + 1]);
    out[i] = static_cast<float>((point.x + noise * shift[i] - moments.mean[0]) / moments.scale[0]);
    out[i + 1] = static_cast<float>((point.y + noise * shift[i + 1] - moments.mean[1]) / moments.scale[1]);
    if (toy.classes > 0) split.labels.data_ptr<int64_t>()[i / 2] = point.label;
  }
  return split;
}

Dataset load_toy(const DatasetConfig& config) {
  const Rng rng = Rng(0).split("toys").split(config.name);
  Rng train = rng.split("train"), test = rng.split("test");
  return {.name = config.name,
          .train = make_toy(config.name, config.toy_size, config.noise, train),
          .test = make_toy(config.name, config.toy_size, config.noise, test),
          .classes = toy_named(config.name).classes,
          .content_hash = {}};
}

}  // namespace sextant
