#include "sextant/report/heat_field.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "sextant/base/check.h"

namespace sextant {
namespace {

using Colour = std::array<double, 3>;
// ColorBrewer's "Blues" (Brewer 2003), from little to much, and the grey of what is no number.
constexpr std::array<Colour, 6> kColours{
    {{247, 251, 255}, {208, 225, 242}, {148, 196, 223}, {74, 152, 201}, {23, 100, 171}, {8, 48, 107}}};
constexpr Colour kNoNumber{128, 128, 128};

Colour colour_at(double share) {
  if (!std::isfinite(share)) return kNoNumber;
  const double at = std::clamp(share, 0.0, 1.0) * static_cast<double>(kColours.size() - 1);
  const auto below = std::min(static_cast<size_t>(at), kColours.size() - 2);
  const double part = at - static_cast<double>(below);
  Colour mixed{};
  for (size_t i = 0; i < 3; ++i) mixed[i] = kColours[below][i] * (1 - part) + kColours[below + 1][i] * part;
  return mixed;
}

}  // namespace

void check_field(const HeatField& field) {
  const auto cells = static_cast<int64_t>(field.values.size());
  SEXTANT_CHECK(field.columns >= 1 && cells >= 1 && cells % field.columns == 0,
                "[heat field] expected whole rows of values; got ", cells, " in ", field.columns, " columns");
  SEXTANT_CHECK(field.left < field.right && field.bottom < field.top, "[heat field] expected rising edges; got ",
                field.left, " to ", field.right, " and ", field.bottom, " to ", field.top);
}

std::pair<double, double> colour_range(const HeatField& field) {
  double low = 0, high = 0;
  for (const double value : field.values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  return {low, high};
}

Picture to_picture(const HeatField& field) {
  check_field(field);
  const int64_t rows = static_cast<int64_t>(field.values.size()) / field.columns;
  const auto [low, high] = colour_range(field);
  const double range = high > low ? high - low : 1;
  Picture picture{.width = field.columns, .height = rows, .channels = 3};
  picture.pixels.reserve(3 * field.values.size());
  for (int64_t row = rows; row-- > 0;)
    for (int64_t column = 0; column < field.columns; ++column)
      for (const double part :
           colour_at((field.values[static_cast<size_t>(row * field.columns + column)] - low) / range))
        picture.pixels.push_back(static_cast<uint8_t>(std::lround(part)));
  return picture;
}

}  // namespace sextant
