// Numbers over a rectangle of the plane, drawn in colours below the series of a plot: a density. Light blue is little
// and dark blue is much, with even steps of lightness, so that the order can be read without colours.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sextant/report/picture.h"

namespace sextant {

struct HeatField {
  std::string label = {};                           // beside the scale of colours: "p(x), learned"
  double left = 0, right = 1, bottom = 0, top = 1;  // edges of the rectangle
  int64_t columns = 0;                              // of cells; rows follow
  std::vector<double> values = {};                  // [rows, columns], the lowest row first; not finite: left grey
};

// Throws Error unless the edges rise and `values` fills whole rows.
void check_field(const HeatField& field);

// What the lightest and the darkest colour stand for: 0 or the least value, whichever is less, and the greatest.
std::pair<double, double> colour_range(const HeatField& field);

// One RGB pixel a cell, the highest row first.
Picture to_picture(const HeatField& field);

}  // namespace sextant
