#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "sextant/base/check.h"
#include "sextant/diffusion/bound.h"
#include "sextant/diffusion/denoiser.h"
#include "sextant/diffusion/grid.h"
#include "sextant/diffusion/prediction.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

double at_step(int64_t i, int64_t T) { return static_cast<double>(i) / static_cast<double>(T); }

TEST(Schedule, TheLinearChainHasTheBetasOfThePaper) {
  const NoiseSchedule schedule{ScheduleConfig{}};
  double product = 1;
  for (int64_t i = 1; i <= 1000; ++i) {
    const double beta = 1e-4 + (0.02 - 1e-4) * static_cast<double>(i - 1) / 999;
    EXPECT_NEAR(1 - schedule.alpha_bar(at_step(i, 1000)) / schedule.alpha_bar(at_step(i - 1, 1000)), beta, 1e-12);
    EXPECT_NEAR(schedule.rate(at_step(i, 1000)), -1000 * std::log1p(-beta), 1e-9);
    product *= 1 - beta;
    EXPECT_NEAR(schedule.alpha_bar(at_step(i, 1000)) / product, 1, 1e-10);
  }
  EXPECT_NEAR(product, 4.036e-5, 1e-8);  // the figure that goes with Ho et al.'s settings
  EXPECT_EQ(schedule.alpha_bar(0), 1);
  EXPECT_EQ(schedule.network_time(at_step(1, 1000)), 0);
  EXPECT_EQ(schedule.network_time(1), 999);
}

TEST(Schedule, EveryKindKeepsTheVarianceAndFallsToNoise) {
  for (const auto& [kind, name] : enum_names(ScheduleKind{}))
    for (const int64_t steps : {50, 1000}) {
      const NoiseSchedule schedule{ScheduleConfig{.kind = kind, .steps = steps}};
      double before = 1;
      for (int64_t k = 1; k <= 400; ++k) {
        const double t = static_cast<double>(k) / 400;
        EXPECT_NEAR(std::pow(schedule.alpha(t), 2) + std::pow(schedule.sigma(t), 2), 1, 1e-14);
        EXPECT_LT(schedule.alpha_bar(t), before) << name << " " << t;
        before = schedule.alpha_bar(t);
      }
      EXPECT_LT(before, 1e-3) << name << " " << steps;
    }
}

TEST(Schedule, NoTwoKindsCoincide) {
  std::set<double> middles;
  for (const auto& [kind, name] : enum_names(ScheduleKind{}))
    EXPECT_TRUE(middles.insert(NoiseSchedule(ScheduleConfig{.kind = kind}).alpha_bar(0.5)).second) << name;
}

// The chain of T steps tends to the continuous one as 1/T (exercise 14.31).
TEST(Schedule, TheChainTendsToTheContinuousSchedule) {
  const NoiseSchedule vp{ScheduleConfig{.kind = ScheduleKind::kVp}};
  double before = 1;
  for (const int64_t steps : {100, 1000, 10000}) {
    const NoiseSchedule chain{ScheduleConfig{.steps = steps}};
    const double gap = std::abs(chain.log_alpha_bar(0.5) - vp.log_alpha_bar(0.5));
    EXPECT_LT(gap, before / 5);
    before = gap;
  }
}

TEST(Schedule, ImpossibleOnesAreRefusedWithTheRemedy) {
  EXPECT_THROW(NoiseSchedule(ScheduleConfig{.steps = 10}), UsageError);
  EXPECT_THROW(NoiseSchedule(ScheduleConfig{.beta_last = 1e-4}), UsageError);
  EXPECT_THROW(NoiseSchedule(ScheduleConfig{}).alpha_bar(1.5), Error);
}

std::vector<int64_t> steps_of(Spacing spacing, int64_t S, int64_t T) {
  std::vector<int64_t> steps;
  for (const double t : make_grid(spacing, S, T)) steps.push_back(std::llround(t * static_cast<double>(T)));
  return steps;
}

TEST(Grid, EachRuleVisitsTheStepsOfItsSource) {
  EXPECT_EQ(steps_of(Spacing::kTrailing, 5, 1000), (std::vector<int64_t>{1000, 800, 600, 400, 200, 0}));
  EXPECT_EQ(steps_of(Spacing::kLinspace, 4, 1000), (std::vector<int64_t>{1000, 667, 334, 1, 0}));
  EXPECT_EQ(steps_of(Spacing::kLeading, 5, 1000), (std::vector<int64_t>{801, 601, 401, 201, 1, 0}));
  // floor(k 1000 / 600): from 1 + 998 down, not from 1 + 599
  EXPECT_EQ(steps_of(Spacing::kLeading, 600, 1000).front(), 999);
  EXPECT_EQ(steps_of(Spacing::kLeading, 3, 1000), (std::vector<int64_t>{667, 334, 1, 0}));
  // (linspace(0, sqrt(800), 5))^2 = 0, 50, 200, 450, 800, counted from 0
  EXPECT_EQ(steps_of(Spacing::kQuadratic, 5, 1000), (std::vector<int64_t>{801, 451, 201, 51, 1, 0}));
  for (const auto& [spacing, name] : enum_names(Spacing{})) {
    EXPECT_EQ(steps_of(spacing, 1, 1000).size(), 2) << name;
    if (spacing == Spacing::kQuadratic) continue;
    EXPECT_EQ(steps_of(spacing, 1000, 1000).size(), 1001) << name;
  }
}

TEST(Grid, StepsThatDoNotFitAreRefused) {
  EXPECT_THROW(make_grid(Spacing::kTrailing, 0, 1000), UsageError);
  EXPECT_THROW(make_grid(Spacing::kTrailing, 1001, 1000), UsageError);
  for (const auto& [spacing, name] : enum_names(Spacing{}))
    for (const int64_t steps : {1, 2, 3, 7, 333, 999, 1000}) check_grid(make_grid(spacing, steps, 1000));
}

TEST(Prediction, EpsX0AndVSayTheSame) {
  Rng rng(1);
  const Tensor x0 = rng.normal({4, 3}).to(at::kDouble), eps = rng.normal({4, 3}).to(at::kDouble);
  const NoiseSchedule schedule{ScheduleConfig{}};
  for (const double t : {0.01, 0.5, 1.0}) {
    const double alpha = schedule.alpha(t), sigma = schedule.sigma(t);
    const Tensor x_t = alpha * x0 + sigma * eps;
    for (const auto& [kind, name] : enum_names(Prediction{})) {
      const Tensor target =
          target_of(kind, x0, eps, torch::tensor(alpha, at::kDouble), torch::tensor(sigma, at::kDouble));
      EXPECT_LT((eps_of(kind, target, x_t, alpha, sigma) - eps).abs().max().item<double>(), 1e-11) << name;
      EXPECT_LT((x0_of(kind, target, x_t, alpha, sigma) - x0).abs().max().item<double>(), 1e-11 / alpha) << name;
    }
  }
}

// Whatever the net predicts, min-snr weighs the squared error of x_0 by min(SNR, 5).
TEST(Prediction, MinSnrWeighsTheSameErrorAlike) {
  const NoiseSchedule schedule{ScheduleConfig{}};
  for (const double t : {0.01, 0.1, 0.5, 0.9}) {
    const double alpha = schedule.alpha(t), sigma = schedule.sigma(t), snr = std::pow(alpha / sigma, 2);
    const double error = 0.1;  // of x_0; x_t is fixed, so eps is off by -alpha/sigma of it, v by -1/sigma
    const auto weighted = [&](Prediction p, double e) {
      return loss_weight(LossWeight::kMinSnr, p, schedule, t) * e * e;
    };
    const double want = std::min(snr, 5.0) * error * error;
    EXPECT_NEAR(weighted(Prediction::kX0, error), want, 1e-12);
    EXPECT_NEAR(weighted(Prediction::kEps, error * alpha / sigma), want, 1e-12);
    EXPECT_NEAR(weighted(Prediction::kV, error / sigma), want, 1e-12);
    EXPECT_EQ(loss_weight(LossWeight::kSimple, Prediction::kV, schedule, t), 1);
  }
}

// A predictor that tells its labels apart and counts its calls.
struct Probe {
  int64_t calls = 0;
  NoisePredictor predictor() {
    return [this](const Tensor& x, double, const Tensor& labels) {
      ++calls;
      return x * (labels.to(at::kFloat) + 1).view({-1, 1}).cos();
    };
  }
};

TEST(Guidance, FollowsConventionAAndRunsBothHalvesInOneBatch) {
  const NoiseSchedule schedule{ScheduleConfig{}};
  Probe probe;
  const Tensor x = Rng(1).normal({3, 4}), labels = torch::tensor({2, 0, 1});
  const Tensor none = probe.predictor()(x, 0.5, torch::full_like(labels, 10)), with = probe.predictor()(x, 0.5, labels);
  const auto guided = [&](double s) { return GuidedDenoiser(schedule, probe.predictor(), labels, 10, s).eps(x, 0.5); };
  EXPECT_TRUE(guided(0).equal(none));
  EXPECT_TRUE(guided(1).equal(with));
  for (const double s : {0.5, 3.0, 7.0}) {
    probe.calls = 0;
    const Tensor a = guided(s);
    EXPECT_EQ(probe.calls, 1);
    EXPECT_LT((a - (none + s * (with - none))).abs().max().item<double>(), 1e-6);
    const double w = guidance_w_of_scale(s);  // convention B
    EXPECT_LT((a - ((1 + w) * with - w * none)).abs().max().item<double>(), 1e-5);
    EXPECT_EQ(guidance_scale_of_w(w), s);
  }
  EXPECT_THROW(guided(-1), UsageError);
  EXPECT_THROW(guided(std::nan("")), UsageError);
}

TEST(Denoiser, AClippedEstimateStillBelongsToItsPoint) {
  const NoiseSchedule schedule{ScheduleConfig{}};
  const ModelDenoiser denoiser(schedule, [](const Tensor& x, double, const Tensor&) { return torch::zeros_like(x); });
  const Tensor x = 3 * Rng(1).normal({100}).to(at::kDouble);
  for (const bool clip : {false, true}) {
    const Estimate e = estimate(denoiser, x, 0.3, clip);
    EXPECT_LT((schedule.alpha(0.3) * e.x0 + schedule.sigma(0.3) * e.eps - x).abs().max().item<double>(), 1e-12);
    EXPECT_EQ(e.x0.abs().max().item<double>() <= 1, clip);
  }
}

// A denoiser that always answers x_0 = 0 has a chain term in closed form: the KLs telescope to half the difference of
// the signal-to-noise ratios (Kingma et al. 2021, eq. 14).
TEST(Bound, ABlindDenoiserHasTheTelescopingChainTerm) {
  const NoiseSchedule schedule{ScheduleConfig{.steps = 200}};
  const ModelDenoiser blind(schedule, [&](const Tensor& x, double t, const Tensor&) { return x / schedule.sigma(t); });
  const Tensor x = (Rng(2).integers(0, 256, {5, 1, 2, 2}).to(at::kDouble) * 2 / 255 - 1);
  const auto snr = [&](double t) { return schedule.alpha_bar(t) / std::pow(schedule.sigma(t), 2); };
  const Tensor want = 0.5 * (snr(1.0 / 200) - snr(1)) * x.square().flatten(1).sum(1);
  Rng rng(3);
  const BoundTerms all = variational_bound(blind, x, 0, rng);
  EXPECT_LT(((all.chain - want) / want).abs().max().item<double>(), 1e-9);
  // Few draws: unbiased. 3000 estimates of 4 draws each; 5 standard errors.
  const Tensor same = x.slice(0, 0, 1).expand({1, 1, 2, 2});
  std::vector<double> estimates;
  for (int i = 0; i < 3000; ++i) estimates.push_back(variational_bound(blind, same, 4, rng).chain[0].item<double>());
  const Tensor e = torch::tensor(estimates, at::kDouble);
  EXPECT_NEAR(e.mean().item<double>(), want[0].item<double>(),
              5 * e.std().item<double>() / std::sqrt(static_cast<double>(e.numel())));
}

TEST(Bound, APerfectDenoiserOfOneKnownPointLosesNothing) {
  const NoiseSchedule schedule{ScheduleConfig{}};
  const Tensor x = torch::full({1, 1, 2, 2}, 2.0 * 100 / 255 - 1, at::kDouble);
  const ModelDenoiser knows(schedule, [&](const Tensor& x_t, double t, const Tensor&) {
    return (x_t - schedule.alpha(t) * x) / schedule.sigma(t);
  });
  Rng rng(1);
  const BoundTerms terms = variational_bound(knows, x, 0, rng);
  EXPECT_LT(terms.chain.item<double>(), 1e-8);
  EXPECT_NEAR(terms.prior.item<double>(), 0.5 * schedule.alpha_bar(1) * x.square().sum().item<double>(), 1e-8);
  // sigma_1 = 0.01 against a half bin of 1/255: erf(1/(255 * 0.01 * sqrt 2)) of the mass lies in the bin, 4 pixels.
  EXPECT_NEAR(terms.decoder.item<double>(), -4 * std::log(std::erf(1 / (255 * 0.01 * std::sqrt(2.0)))), 1e-6);
}

TEST(Bound, TheDecoderIsADistributionOverTheGreyValues) {
  const NoiseSchedule schedule{ScheduleConfig{}};
  const ModelDenoiser fixed(schedule, [&](const Tensor& x_t, double t, const Tensor&) {
    return (x_t - schedule.alpha(t) * 0.9975) / schedule.sigma(t);  // near the edge, so that the open bins matter
  });
  const Tensor values = (torch::arange(256, at::kDouble) * 2 / 255 - 1).view({256, 1, 1, 1});
  Rng rng(1);
  EXPECT_NEAR((-variational_bound(fixed, values, 1, rng).decoder).exp().sum().item<double>(), 1, 1e-6);
}

}  // namespace
}  // namespace sextant
