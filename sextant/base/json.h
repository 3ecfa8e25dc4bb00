// The one JSON type of the project (nlohmann, insertion order kept), and TOML read into it.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

namespace sextant {

using Json = nlohmann::ordered_json;

// Parses TOML text; `source` names it in errors. Dates and times are refused. Throws UsageError with line and column.
Json parse_toml(std::string_view text, std::string_view source);

// Parses JSON text; throws Error naming `source`, byte and cause. Nesting deeper than 64 is refused.
Json parse_json(std::string_view text, std::string_view source);

}  // namespace sextant
