// Axes: from the values of a plot to a range with nice ticks. Ticks are 1, 2 or 5 times a power of ten (or decades, on
// a logarithmic axis), at most `max_ticks` of them, and enclose the values unless the range is prescribed.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sextant {

struct Axis {
  std::string label = {};                    // with its unit: "test −ELBO (nats)"
  bool log = false;                          // logarithmic; values that are not positive are left out
  std::optional<double> min = {}, max = {};  // ends of the range; otherwise the values decide
};

struct Tick {
  double value = 0;
  std::string label = {};
};

// An axis that is ready to draw.
struct AxisScale {
  double min = 0, max = 1;  // min < max, both finite; both positive where log
  bool log = false;
  std::vector<Tick> ticks = {};  // ascending, in [min, max]

  // Whether a point there can be drawn at all: finite, of a magnitude below 1e300, positive where log.
  bool draws(double value) const;
  // Position of `value`: 0 at min, 1 at max, linear or logarithmic between and beyond.
  double position(double value) const;
};

// `values` may hold anything; those that the axis can't draw are skipped, and without any the range is [0, 1] ([1, 10]
// where log). A constant gets some room on both sides. Throws Error when a prescribed range is empty or, where log, not
// positive.
AxisScale make_scale(const Axis& axis, std::span<const double> values, int max_ticks = 7);

}  // namespace sextant
