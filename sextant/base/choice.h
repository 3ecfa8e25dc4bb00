// The error for a name that is none of those that are known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sextant {

// Throws UsageError that gives the nearest of `known` and lists them all: "[eval] --metrics has no choice 'fdc'; …".
[[noreturn]] void refuse_unknown(std::string_view where, std::string_view what, std::string_view got,
                                 const std::vector<std::string>& known);

}  // namespace sextant
