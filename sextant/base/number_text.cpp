#include "sextant/base/number_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "sextant/base/check.h"

namespace sextant {

std::string shortest(double value) {
  if (std::isnan(value)) return "nan";  // without its sign
  std::array<char, 32> buffer{};
  return {buffer.data(), std::to_chars(buffer.begin(), buffer.end(), value).ptr};
}

std::string fixed(double value, int decimals) {
  std::array<char, 512> buffer{};
  const auto [end, error] =
      std::to_chars(buffer.begin(), buffer.end(), value, std::chars_format::fixed, std::min(decimals, 128));
  SEXTANT_CHECK(error == std::errc{}, "[text] ", value, " does not fit");
  return {buffer.data(), end};
}

std::string duration_text(double seconds) {
  const auto two_digits = [](int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); };
  if (!(seconds >= 0 && seconds < 1e9)) return "unknown";
  if (seconds < 0.9995) return fixed(seconds * 1e3, 0) + " ms";
  if (seconds < 59.95) return fixed(seconds, 1) + " s";
  const int64_t whole = std::llround(seconds);
  if (whole < 3600) return std::to_string(whole / 60) + " min " + two_digits(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + two_digits(whole / 60 % 60) + " min";
}

}  // namespace sextant
