#include "sextant/diffusion/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "sextant/base/check.h"

namespace sextant {
namespace {

constexpr double kMostAlphaBarAtTheEnd = 0.01;
constexpr double kCosineOffset = 0.008, kCosineMostBeta = 0.999;  // Nichol & Dhariwal 2021, section 3.2

double cosine(double t) {
  const double c = std::cos((t + kCosineOffset) / (1 + kCosineOffset) * std::numbers::pi / 2);
  return c * c;
}

// beta(t) of the continuous schedule, which rises evenly from 0 to 1.
double vp_rate(const ScheduleConfig& config, double t) {
  return 1000 * (config.beta_first + t * (config.beta_last - config.beta_first));
}

}  // namespace

NoiseSchedule::NoiseSchedule(const ScheduleConfig& config) : config_(config) {
  const double T = static_cast<double>(config.steps), scale = 1000 / T;
  switch (config.kind) {
    case ScheduleKind::kLinear:
      SEXTANT_USAGE_CHECK(std::max(config.beta_first, config.beta_last) * scale < 1, "[schedule] with ", config.steps,
                          " steps a beta of the linear schedule would reach 1; use at least ",
                          static_cast<int64_t>(1000 * std::max(config.beta_first, config.beta_last)) + 1,
                          " steps, or kind = \"cosine\"");
      make_chain([&](double i) {
        const double along = config.steps == 1 ? 1 : (i - 1) / (T - 1);
        return scale * (config.beta_first + along * (config.beta_last - config.beta_first));
      });
      break;
    case ScheduleKind::kCosine:
      make_chain([T](double i) { return std::min(kCosineMostBeta, 1 - cosine(i / T) / cosine((i - 1) / T)); });
      break;
    case ScheduleKind::kVp:
      break;  // a formula
  }
  SEXTANT_USAGE_CHECK(alpha_bar(1) <= kMostAlphaBarAtTheEnd, "[schedule] at the end alpha_bar is ", alpha_bar(1),
                      ": x_T would still show the data, and sampling from pure noise would be wrong; raise beta_last");
}

void NoiseSchedule::make_chain(const std::function<double(double i)>& beta) {
  log_alpha_bar_.push_back(0);
  for (int64_t i = 1; i <= config_.steps; ++i)
    log_alpha_bar_.push_back(log_alpha_bar_.back() + std::log1p(-beta(static_cast<double>(i))));
}

double NoiseSchedule::log_alpha_bar(double t) const {
  SEXTANT_CHECK(t >= 0 && t <= 1, "[schedule] the time must be in [0,1]; got ", t);
  switch (config_.kind) {
    case ScheduleKind::kVp:
      return -t * (vp_rate(config_, 0) + vp_rate(config_, t)) / 2;
    case ScheduleKind::kLinear:
    case ScheduleKind::kCosine:
      break;  // between the steps of the chain
  }
  const double T = static_cast<double>(config_.steps), at = t * T;
  const double below = std::min(std::floor(at + 1e-9), T - 1);  // i/T times T may fall short of i by a rounding
  const double part = std::max(0.0, at - below);
  const auto i = static_cast<size_t>(below);
  if (part < 1e-9) return log_alpha_bar_[i];
  return std::lerp(log_alpha_bar_[i], log_alpha_bar_[i + 1], std::min(part, 1.0));
}

double NoiseSchedule::alpha_bar(double t) const { return std::exp(log_alpha_bar(t)); }
double NoiseSchedule::alpha(double t) const { return std::exp(0.5 * log_alpha_bar(t)); }
double NoiseSchedule::sigma(double t) const { return std::sqrt(-std::expm1(log_alpha_bar(t))); }

double NoiseSchedule::rate(double t) const {
  if (config_.kind == ScheduleKind::kVp) return vp_rate(config_, t);
  const double T = static_cast<double>(config_.steps);
  const auto i = static_cast<size_t>(std::clamp(std::ceil(t * T - 1e-9), 1.0, T));
  return T * (log_alpha_bar_[i - 1] - log_alpha_bar_[i]);
}

}  // namespace sextant
