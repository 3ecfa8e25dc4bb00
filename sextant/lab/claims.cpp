#include "sextant/lab/claims.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sextant {

// `not below` rather than `at or above`: a value that is no number is neither.
bool strictly_falling(Values v) {
  return std::ranges::adjacent_find(v, [](double a, double b) { return !(b < a); }) == v.end();
}

bool strictly_rising(Values v) {
  return std::ranges::adjacent_find(v, [](double a, double b) { return !(a < b); }) == v.end();
}

std::function<bool(Values v)> each(std::function<bool(double value)> holds) {
  return [holds = std::move(holds)](Values v) { return std::ranges::all_of(v, holds); };
}

std::function<bool(double value)> within(double expected, double tolerance) {
  return [=](double value) { return std::abs(value - expected) <= tolerance; };
}

}  // namespace sextant
