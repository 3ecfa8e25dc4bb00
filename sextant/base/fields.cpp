#include "sextant/base/fields.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "sextant/base/choice.h"
#include "sextant/base/hash.h"
#include "sextant/base/number_text.h"

namespace sextant {
namespace {

// Changing what a config means without changing its fields must change every fingerprint: raise this number then.
constexpr int kFingerprintVersion = 1;

// Levenshtein distance, to name the key that was probably meant.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substituted});
    }
  }
  return row.back();
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  const auto best = std::ranges::min_element(known, {}, [&](const auto& k) { return edit_distance(word, k); });
  return best == known.end() ? std::string() : *best;
}

}  // namespace

namespace fields_detail {

std::string join(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : concat(path, ".", key);
}

std::string choices(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : " | ") + name;
  return text;
}

void unknown_key(std::string_view path, std::string_view key, const std::vector<std::string>& known) {
  throw UsageError(concat("[config] unknown key '", join(path, key), "'; did you mean '",
                          join(path, nearest(key, known)), "'? Known here: ", choices(known)));
}

void wrong_type(std::string_view path, std::string_view wanted, const Json& got) {
  throw UsageError(concat("[config] ", path.empty() ? "the config" : path, " must be ", wanted, "; got ",
                          got.dump(-1, ' ', false, Json::error_handler_t::replace)));
}

void unknown_choice(std::string_view path, std::string_view got, const std::vector<std::string>& known) {
  refuse_unknown("config", path, got, known);
}

void check_range(std::string_view path, double value, const Range& range) {
  // What is not finite has no place in JSON, so a record that held it could not be read again.
  const bool inside =
      std::isfinite(value) && (range.above_min ? value > range.min : value >= range.min) && value <= range.max;
  if (inside) return;
  const auto number = [](double v) {  // 100000, not 1e+05
    return v == std::floor(v) && std::abs(v) < 1e15 ? fixed(v, 0) : shortest(v);
  };
  std::string bounds = std::isfinite(value) ? "" : "a finite number";
  if (range.min > -std::numeric_limits<double>::infinity())
    bounds += concat(bounds.empty() ? "" : " ", range.above_min ? "above " : "at least ", number(range.min));
  if (range.max < std::numeric_limits<double>::infinity())
    bounds += concat(bounds.empty() ? "" : " and ", "at most ", number(range.max));
  throw UsageError(concat("[config] ", path, " must be ", bounds, "; got ", number(value)));
}

}  // namespace fields_detail

void refuse_unknown(std::string_view where, std::string_view what, std::string_view got,
                    const std::vector<std::string>& known) {
  throw UsageError(concat("[", where, "] ", what, " has no choice '", got, "'; did you mean '", nearest(got, known),
                          "'? Choices: ", fields_detail::choices(known)));
}

Json parse_setting(std::string_view setting) {
  const size_t equals = setting.find('=');
  SEXTANT_USAGE_CHECK(equals != std::string_view::npos && equals > 0, "[config] --set wants path=value, such as ",
                      "train.epochs=3; got '", setting, "'");
  const std::string_view path = setting.substr(0, equals), text = setting.substr(equals + 1);
  Json value;
  try {
    value = parse_toml(concat("value = ", text), "--set")["value"];
  } catch (const UsageError&) {
    value = std::string(text);  // a bare word; a wrong number is caught by its type
  }
  try {
    value.dump();  // as records will be
  } catch (const Json::exception&) {
    throw UsageError(concat("[config] the value of ", path, " is no UTF-8; rename what it names, or link to it"));
  }
  for (size_t end = path.size(); end != std::string_view::npos;) {
    const size_t dot = path.rfind('.', end - 1);
    const size_t begin = dot == std::string_view::npos ? 0 : dot + 1;
    SEXTANT_USAGE_CHECK(end > begin, "[config] --set has an empty name in '", setting, "'; write path=value");
    value = Json{{std::string(path.substr(begin, end - begin)), std::move(value)}};
    if (dot == std::string_view::npos) break;
    SEXTANT_USAGE_CHECK(dot > 0, "[config] --set has an empty name in '", setting, "'; write path=value");
    end = dot;
  }
  return value;
}

std::string fingerprint(const Json& config) {
  const nlohmann::json sorted = nlohmann::json::parse(config.dump());  // order of the fields must not matter
  return sha256_hex(concat("sextant-", kFingerprintVersion, "\n", sorted.dump())).substr(0, 16);
}

}  // namespace sextant
