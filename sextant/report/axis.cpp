#include "sextant/report/axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "sextant/base/check.h"
#include "sextant/base/number_text.h"

namespace sextant {
namespace {

constexpr std::array<int, 3> kNice{1, 2, 5};

// digit · 10^power, correctly rounded for the powers that matter.
double times_ten_to(double digit, int power) {
  return power < 0 ? digit / std::pow(10.0, -power) : digit * std::pow(10.0, power);
}

int decade(double value) {
  int power = static_cast<int>(std::floor(std::log10(value)));
  if (times_ten_to(1, power) > value) --power;  // log10 rounds
  if (times_ten_to(1, power + 1) <= value) ++power;
  return power;
}

std::string superscript(int power) {
  constexpr std::array kDigits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string out = power < 0 ? "⁻" : "";
  for (const char c : std::to_string(std::abs(power))) out += kDigits[static_cast<size_t>(c - '0')];
  return out;
}

// Fixed decimals with a true minus sign and commas between thousands from 10,000 on.
std::string decimal_label(double value, int decimals) {
  std::string digits = fixed(std::abs(value), decimals);
  const size_t whole = std::min(digits.find('.'), digits.size());
  if (whole >= 5)
    for (size_t i = whole - 3; i > 0 && i<whole; i = i> 3 ? i - 3 : 0) digits.insert(i, ",");
  return (value < 0 ? "−" : "") + digits;
}

struct Step {
  int digit = 1, power = 0;  // step = digit · 10^power
  int64_t first = 0, last = 0;
  double value(int64_t index) const { return times_ten_to(static_cast<double>(index * digit), power); }
};

// The smallest nice step whose multiples around [min, max] (inside it, where `inside`) are at most `max_ticks`.
Step nice_step(double min, double max, int max_ticks, bool inside, bool whole_numbers) {
  int power = decade((max - min) / max_ticks);
  if (whole_numbers) power = std::max(power, 0);
  for (;; ++power)
    for (const int digit : kNice) {
      Step step{digit, power, 0, 0};
      const double size = times_ten_to(digit, power), low = min / size, high = max / size;
      const double slack = 1e-9;  // of a step: an end that only rounding moved off a tick
      step.first = static_cast<int64_t>(inside ? std::ceil(low - slack) : std::floor(low + slack));
      step.last = static_cast<int64_t>(inside ? std::floor(high + slack) : std::ceil(high - slack));
      if (step.last - step.first < max_ticks) return step;
    }
}

std::vector<Tick> linear_ticks(const Step& step) {
  const double largest = std::max(std::abs(step.value(step.first)), std::abs(step.value(step.last)));
  const int top = largest > 0 ? decade(largest) : 0;
  const bool plain = top >= -3 && top < 6;
  std::vector<Tick> ticks;
  for (int64_t i = step.first; i <= step.last; ++i) {
    const double value = step.value(i);
    const std::string label = plain || i == 0
                                  ? decimal_label(value, plain ? std::max(0, -step.power) : 0)
                                  : decimal_label(times_ten_to(static_cast<double>(i * step.digit), step.power - top),
                                                  std::max(0, top - step.power)) +
                                        "×10" + superscript(top);
    ticks.push_back({value, label});
  }
  return ticks;
}

Tick log_tick(int digit, int power) {
  const double value = times_ten_to(digit, power);
  if (power >= -3 && power <= 4) return {value, decimal_label(value, std::max(0, -power))};
  return {value, (digit == 1 ? "10" : std::to_string(digit) + "×10") + superscript(power)};
}

// Decades, every second or third of them when they are many; 1-2-5 below two decades.
std::vector<Tick> log_ticks(double min, double max, int max_ticks) {
  const int low = decade(min), high = times_ten_to(1, decade(max)) < max ? decade(max) + 1 : decade(max);
  std::vector<Tick> ticks;
  if (high - low > 2) {
    const int stride = (high - low + max_ticks - 2) / (max_ticks - 1);
    for (int power = low; power < high + stride; power += stride) ticks.push_back(log_tick(1, power));
    return ticks;
  }
  for (int power = low; power <= high; ++power)
    for (const int digit : kNice) ticks.push_back(log_tick(digit, power));
  while (ticks.size() > 2 && ticks[1].value <= min) ticks.erase(ticks.begin());
  while (ticks.size() > 2 && ticks[ticks.size() - 2].value >= max) ticks.pop_back();
  if (static_cast<int>(ticks.size()) > max_ticks)
    std::erase_if(ticks, [&](const Tick& t) {  // ends stay, of the rest only the decades
      return &t != &ticks.front() && &t != &ticks.back() && t.value != times_ten_to(1, decade(t.value));
    });
  return ticks;
}

}  // namespace

bool AxisScale::draws(double value) const { return std::abs(value) < 1e300 && (!log || value > 1e-300); }

double AxisScale::position(double value) const {
  if (log) return std::log(value / min) / std::log(max / min);
  return (value - min) / (max - min);
}

AxisScale make_scale(const Axis& axis, std::span<const double> values, int max_ticks) {
  AxisScale scale{.log = axis.log};
  SEXTANT_CHECK(max_ticks >= 3, "[axis] expected room for at least 3 ticks; got ", max_ticks);
  double low = HUGE_VAL, high = -HUGE_VAL;
  bool whole_numbers = !axis.log;
  for (const double value : values) {
    if (!scale.draws(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
    whole_numbers = whole_numbers && value == std::floor(value);
  }
  if (low > high) {
    low = axis.log ? 1 : 0;
    high = axis.log ? 10 : 1;
    if (axis.min) high = std::max(high, low = *axis.min + high - low);
    whole_numbers = false;
  }
  low = axis.min.value_or(std::min(low, axis.max.value_or(low)));
  high = axis.max.value_or(std::max(high, low));
  SEXTANT_CHECK(scale.draws(low) && scale.draws(high) && (low <= high && (low < high || !axis.min || !axis.max)),
                "[axis] expected a rising range", axis.log ? " of positive numbers" : "", "; got ", low, " to ", high,
                " for '", axis.label, "'");
  if (high - low < 1e-12 * std::max(std::abs(low), std::abs(high)) || high - low < 1e-290) {  // a constant
    const double room = low == 0 || std::abs(low) < 1e-280 ? 1 : std::abs(low) * 0.1;
    if (!axis.min) low = axis.log ? low / 2 : low - room;
    if (!axis.max) high = axis.log ? high * 2 : high + room;
    whole_numbers = false;
  }
  const bool near = axis.log && high / low < 3;  // less than a decade: plain numbers read better
  Step step;
  if (!axis.log || near) step = nice_step(low, high, max_ticks, false, whole_numbers);
  if (!axis.log || (near && step.first > 0))
    scale.ticks = linear_ticks(step);
  else
    scale.ticks = log_ticks(low, high, max_ticks);
  scale.min = axis.min.value_or(std::min(low, scale.ticks.front().value));
  scale.max = axis.max.value_or(std::max(high, scale.ticks.back().value));
  if (axis.min && axis.max && !axis.log)
    scale.ticks = linear_ticks(nice_step(low, high, max_ticks, true, whole_numbers));
  std::erase_if(scale.ticks, [&](const Tick& t) { return t.value < scale.min || t.value > scale.max; });
  return scale;
}

}  // namespace sextant
