// How noise comes in. Glossary, for all of diffusion/:
//   x_t = alpha(t) x_0 + sigma(t) eps,   alpha_bar(t) = alpha(t)^2,   sigma(t)^2 = 1 - alpha_bar(t)
// t runs from 0 (data) to 1 (noise); step i = 1 … T of a chain of T steps is t = i/T, so alpha_bar(0) = 1 and the
// chain's beta_i = 1 - alpha_bar(i/T) / alpha_bar((i-1)/T). A net sees the time T t - 1, which is 0 … T-1 on the chain,
// as in Ho et al. (2020). All in double.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "sextant/base/fields.h"

namespace sextant {

enum class ScheduleKind { kLinear, kCosine, kVp };
constexpr auto enum_names(ScheduleKind) {
  return std::array{std::pair{ScheduleKind::kLinear, "linear"}, std::pair{ScheduleKind::kCosine, "cosine"},
                    std::pair{ScheduleKind::kVp, "vp"}};
}

// beta_first and beta_last are those of a chain of 1000 steps; another T scales them by 1000/T, or a short chain would
// never reach noise.
struct ScheduleConfig {
  ScheduleKind kind = ScheduleKind::kLinear;
  int64_t steps = 1000;
  double beta_first = 1e-4, beta_last = 0.02;
  static constexpr auto fields() {
    return std::tuple{
        Field{"kind", &ScheduleConfig::kind,
              "linear: beta rises evenly (Ho et al.); cosine (Nichol & Dhariwal); vp: linear in continuous time"},
        Field{"steps", &ScheduleConfig::steps, "T, the length of the chain", between(1, 100000)},
        Field{"beta_first", &ScheduleConfig::beta_first, "linear, vp: first beta, for T = 1000", between(1e-12, 1)},
        Field{"beta_last", &ScheduleConfig::beta_last, "linear, vp: last beta, for T = 1000", between(1e-12, 1)},
    };
  }
};

class NoiseSchedule {
 public:
  // Throws UsageError when a beta would reach 1, or x_T would keep more than a hundredth of the data's variance.
  explicit NoiseSchedule(const ScheduleConfig& config);

  int64_t steps() const { return config_.steps; }
  double log_alpha_bar(double t) const;  // between steps of a chain: linear in t
  double alpha_bar(double t) const;
  double alpha(double t) const;
  double sigma(double t) const;
  // -d log alpha_bar / dt: the beta(t) of the variance-preserving SDE (Song et al. 2021, eq. 32).
  double rate(double t) const;
  double network_time(double t) const { return static_cast<double>(config_.steps) * t - 1; }

 private:
  // From the betas of the steps i = 1 … T.
  void make_chain(const std::function<double(double i)>& beta);

  ScheduleConfig config_;
  std::vector<double> log_alpha_bar_;  // of the steps 0 … T; empty for vp, which is a formula
};

}  // namespace sextant
