// What a claim says of its numbers, in parts that claims share. A predicate sees only the values of the numbers that
// its claim lists, in their order, so that whatever a verdict rests on stands beside the sentence.
#pragma once

#include <functional>
#include <span>

namespace sextant {

using Values = std::span<const double>;

// Each value is below (above) the one before it; false where one is not a number.
bool strictly_falling(Values v);
bool strictly_rising(Values v);

// Every value is such.
std::function<bool(Values v)> each(std::function<bool(double value)> holds);

// At most `tolerance` away from `expected`.
std::function<bool(double value)> within(double expected, double tolerance);

}  // namespace sextant
