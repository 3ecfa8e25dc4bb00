// Numbers as text, the same on every page, line and in every error.
#pragma once

#include <string>

namespace sextant {

// The shortest decimal text that reads back as the same double; "nan", "inf", "-inf".
std::string shortest(double value);

// `value` with `decimals` digits after the point; of 128 at most.
std::string fixed(double value, int decimals);

// "850 ms", "12.3 s", "2 min 13 s", "3 h 05 min".
std::string duration_text(double seconds);

}  // namespace sextant
