// Line and scatter plots as SVG, with the numbers behind them as CSV. A plot is data; drawing it is a pure function, so
// the same plot gives the same bytes. Points that are NaN or infinite (or not positive on a logarithmic axis) leave
// gaps.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sextant/report/axis.h"
#include "sextant/report/heat_field.h"

namespace sextant {

enum class Mark {
  kLine,  // points joined in their order, with some markers on the way
  kDots,  // a scatter of points
};

struct Series {
  std::string label = {};              // in the legend and the CSV; empty: not in the legend
  std::vector<double> x = {}, y = {};  // of one length
  Mark mark = Mark::kLine;
  int colour = -1;      // 0 to 9 of the palette; -1: the position among the series
  bool dashed = false;  // say, test beside train in the same colour
};

// A horizontal line with its name: a published value, an entropy, a bound.
struct ReferenceLine {
  double y = 0;
  std::string label = {};
};

struct Plot {
  std::string title = {}, description = {};  // description: read out where the plot can't be seen
  Axis x = {}, y = {};
  std::vector<Series> series = {};
  std::vector<ReferenceLine> reference_lines = {};
  bool equal_scale = false;             // one range on both axes and a square area: latent maps, two-dimensional data
  std::optional<HeatField> field = {};  // below the series
};

// One SVG document, 560 units wide. Throws Error for series that contradict themselves (lengths, colour).
std::string to_svg(const Plot& plot);

// "series,x,y" and one line a point, with "value" last where there is a field, whose cells come first, at their
// centres; every number in the shortest text that reads back as the same double.
std::string to_csv(const Plot& plot);

}  // namespace sextant
