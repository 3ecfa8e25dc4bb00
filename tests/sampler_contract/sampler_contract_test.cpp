// What every sampler owes, whatever it is: one row in `cases` and it is tested. The data is Gaussian, so the exact
// denoiser is a formula and every answer is known; all in double, so that only the sampler's own error is left.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "sextant/diffusion/samplers.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

constexpr double kMean = 0.3, kSd = 0.5;

// E[eps | x_t] where x_0 ~ N(kMean, kSd^2): x_t ~ N(alpha m, alpha^2 s^2 + sigma^2), jointly Gaussian with eps.
class GaussianDenoiser : public Denoiser {
 public:
  explicit GaussianDenoiser(const NoiseSchedule& schedule) : Denoiser(schedule) {}
  Tensor eps(const Tensor& x_t, double t) const override {
    ++evaluations;
    const double alpha = schedule().alpha(t), sigma = schedule().sigma(t);
    return sigma * (x_t - alpha * kMean) / (alpha * alpha * kSd * kSd + sigma * sigma);
  }
  mutable int64_t evaluations = 0;
};

double marginal_mean(const NoiseSchedule& s, double t) { return s.alpha(t) * kMean; }
double marginal_sd(const NoiseSchedule& s, double t) { return std::hypot(s.alpha(t) * kSd, s.sigma(t)); }

struct Case {
  const char* name;
  SamplerConfig config;
  double order;  // of the error in 1/S
};
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"ddim", Ddim{.clip = false}, 1},
      {"ddim_half_noise", Ddim{.eta = 0.5, .clip = false}, 1},
      {"ddim_full_noise", Ddim{.eta = 1, .clip = false}, 1},
      {"ancestral_beta_tilde", Ancestral{.clip = false}, 1},
      {"ancestral_beta", Ancestral{.variance = PosteriorVariance::kBeta, .clip = false}, 1},
      {"dpm_solver", DpmSolver{.clip = false}, 2},
  };
  return all;
}

class SamplerContract : public testing::TestWithParam<Case> {
 protected:
  Tensor run(const Tensor& x, const Grid& grid, uint64_t seed = 1, const StepObserver& observer = {}) const {
    Rng rng(seed);
    return run_sampler(GetParam().config, denoiser_, x, grid, noise_of(rng), observer);
  }
  // Mean and standard deviation of what comes out when the marginal at grid.front() goes in. A deterministic sampler is
  // affine here, so two points tell exactly; a random one is measured on n points.
  struct Moments {
    double mean, sd, standard_error;
  };
  Moments moments(const Grid& grid, int64_t n = 400000) const {
    const double m = marginal_mean(schedule_, grid.front()), s = marginal_sd(schedule_, grid.front());
    if (is_deterministic(GetParam().config)) {
      const Tensor out = run(torch::tensor({m, m + s}, at::kDouble), grid);
      return {out[0].item<double>(), std::abs((out[1] - out[0]).item<double>()), 0};
    }
    Rng rng(7);
    const Tensor out = run(m + s * rng.normal({n}).to(at::kDouble), grid);
    const double sd = out.std().item<double>();
    return {out.mean().item<double>(), sd, sd / std::sqrt(static_cast<double>(n))};
  }
  NoiseSchedule schedule_{ScheduleConfig{.kind = ScheduleKind::kVp}};
  GaussianDenoiser denoiser_{schedule_};
};
class SamplerContractSlow : public SamplerContract {};  // laws that need many steps of many points

TEST_P(SamplerContract, ReachesTheKnownMeanAndVarianceOnEveryGrid) {
  for (const auto& [spacing, name] : enum_names(Spacing{})) {
    const Moments m = moments(make_grid(spacing, 200, 1000), 100000);
    // Beta on a strided chain adds too much noise (DDPM's own remark): only the full chain is held to the variance.
    const auto* ancestral = std::get_if<Ancestral>(&GetParam().config);
    const bool sound = !ancestral || ancestral->variance == PosteriorVariance::kBetaTilde;
    EXPECT_NEAR(m.mean, kMean, 0.01 + 5 * m.standard_error) << name;
    if (sound) {
      EXPECT_NEAR(m.sd, kSd, 0.02 + 5 * m.standard_error) << name;
    }
  }
}

TEST_P(SamplerContractSlow, TheFullChainIsExactToAPercent) {
  const Moments m = moments(make_grid(Spacing::kTrailing, 1000, 1000), 100000);
  EXPECT_NEAR(m.mean, kMean, 0.003 + 5 * m.standard_error);
  EXPECT_NEAR(m.sd, kSd, 0.005 + 5 * m.standard_error);
}

// Steps that grow steadily in log(alpha/sigma), in which these samplers are analysed, down to where the last one no
// longer matters. They grow, because equal ones would hide a mistake in how a multistep method weighs them.
Grid growing_in_log_snr(const NoiseSchedule& schedule, int64_t steps) {
  const auto lambda = [&](double t) { return std::log(schedule.alpha(t) / schedule.sigma(t)); };
  const double first = lambda(1), last = lambda(1e-6);
  Grid grid;
  for (int64_t i = 0; i < steps; ++i) {
    const double want = first + (last - first) * std::pow(static_cast<double>(i) / static_cast<double>(steps - 1), 1.5);
    double low = 1e-6, high = 1;
    for (int k = 0; k < 100; ++k) (lambda((low + high) / 2) > want ? low : high) = (low + high) / 2;
    grid.push_back(high);
  }
  grid.push_back(0);
  return grid;
}

// The slope of log error over log S, fitted. A random sampler's error must stay above its noise: fewer steps.
TEST_P(SamplerContractSlow, ConvergesAtItsKnownOrder) {
  const bool deterministic = is_deterministic(GetParam().config);
  const std::vector<int64_t> counts =
      deterministic ? std::vector<int64_t>{40, 80, 160, 320} : std::vector<int64_t>{20, 40, 80};
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (const int64_t steps : counts) {
    const double x = std::log(static_cast<double>(steps));
    const double y = std::log(std::abs(moments(growing_in_log_snr(schedule_, steps)).sd - kSd));
    sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  const double n = static_cast<double>(counts.size());
  const double slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  EXPECT_NEAR(-slope, GetParam().order, deterministic ? 0.1 : 0.25);
}

TEST_P(SamplerContract, IsDeterministicWhereItSaysSo) {
  const Grid grid = make_grid(Spacing::kTrailing, 20, 1000);
  const Tensor x = Rng(3).normal({5}).to(at::kDouble);
  EXPECT_TRUE(run(x, grid, 1).equal(run(x, grid, 1)));
  EXPECT_EQ(run(x, grid, 1).equal(run(x, grid, 2)), is_deterministic(GetParam().config));
}

TEST_P(SamplerContract, EvaluatesAsOftenAsItSaysAndTellsTheObserver) {
  const Grid grid = make_grid(Spacing::kLinspace, 17, 1000);
  denoiser_.evaluations = 0;
  std::vector<double> times;
  run(torch::zeros({3}, at::kDouble), grid, 1, [&](const SamplerStep& step) {
    times.push_back(step.t);
    EXPECT_EQ(step.step, static_cast<int64_t>(times.size()));
  });
  EXPECT_EQ(denoiser_.evaluations, evaluations(GetParam().config, 17));
  EXPECT_EQ(times, Grid(grid.begin() + 1, grid.end()));
}

// alpha_bar = 1 at the end: what comes out is the last prediction of x_0, with no noise added.
TEST_P(SamplerContract, EndsOnThePredictionWithoutNoise) {
  for (const int64_t steps : {1, 2, 10}) {
    Tensor last_x0;
    const Tensor x = Rng(3).normal({50}).to(at::kDouble);
    const Tensor out =
        run(x, make_grid(Spacing::kTrailing, steps, 1000), 1, [&](const SamplerStep& step) { last_x0 = step.x0; });
    EXPECT_LT((out - last_x0).abs().max().item<double>(), 1e-12);
  }
}

TEST_P(SamplerContract, KeepsTheTypeAndRefusesWhatIsNotFinite) {
  const Grid grid = make_grid(Spacing::kTrailing, 3, 1000);
  EXPECT_EQ(run(torch::zeros({2}), grid).scalar_type(), at::kFloat);
  EXPECT_THROW(run(torch::full({2}, std::nan(""), at::kDouble), grid), Error);
  EXPECT_THROW(run(torch::zeros({2}), {1.0, 0.5}), Error);
  EXPECT_THROW(run(torch::zeros({2}), {0.5, 0.7, 0.0}), Error);
}

std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(All, SamplerContract, testing::ValuesIn(cases()), name_of);
INSTANTIATE_TEST_SUITE_P(All, SamplerContractSlow, testing::ValuesIn(cases()), name_of);

TEST(Samplers, EveryOneHasARow) {
  std::set<size_t> rows;
  for (const Case& each : cases()) rows.insert(each.config.index());
  EXPECT_EQ(rows.size(), std::variant_size_v<SamplerConfig>) << "a sampler without a row in cases() is not tested";
}

// Song et al. 2021, section 4.1; with clipping only because eps is made to fit the clipped x_0.
TEST(Samplers, DdimWithFullNoiseEqualsTheAncestralSampler) {
  const NoiseSchedule schedule{ScheduleConfig{}};
  const GaussianDenoiser denoiser(schedule);
  for (const bool clip : {false, true})
    for (const int64_t steps : {1000, 50, 7}) {
      const Grid grid = make_grid(Spacing::kTrailing, steps, 1000);
      const Tensor x = 2 * Rng(3).normal({64}).to(at::kDouble);
      Rng a(5), b(5);
      const Tensor ddim = run_sampler(Ddim{.eta = 1, .clip = clip}, denoiser, x, grid, noise_of(a));
      const Tensor ddpm = run_sampler(Ancestral{.clip = clip}, denoiser, x, grid, noise_of(b));
      EXPECT_LT((ddim - ddpm).abs().max().item<double>(), 1e-9) << steps;
    }
}

// An independent slow path: the variance of the respaced chain by its recursion, from the textbook's formulas.
TEST(Samplers, TheStridedChainHasTheVarianceOfItsRecursion) {
  const NoiseSchedule schedule{ScheduleConfig{}};
  const GaussianDenoiser denoiser(schedule);
  for (const auto kind : {PosteriorVariance::kBeta, PosteriorVariance::kBetaTilde}) {
    const Grid grid = make_grid(Spacing::kTrailing, 10, 1000);
    double variance = 1;
    for (size_t i = 0; i + 1 < grid.size(); ++i) {
      const double at = schedule.alpha_bar(grid[i]), as = schedule.alpha_bar(grid[i + 1]), beta = 1 - at / as;
      const double gain = kSd * kSd * std::sqrt(at) / (at * kSd * kSd + 1 - at);  // d x0^ / d x_t
      const double slope = std::sqrt(as) * beta / (1 - at) * gain + std::sqrt(1 - beta) * (1 - as) / (1 - at);
      const double added = kind == PosteriorVariance::kBeta ? beta : beta * (1 - as) / (1 - at);
      variance = slope * slope * variance + (grid[i + 1] > 0 ? added : 0);
    }
    Rng rng(4);
    const int64_t n = 400000;
    const Tensor out = run_sampler(Ancestral{.variance = kind, .clip = false}, denoiser,
                                   rng.normal({n}).to(at::kDouble), grid, noise_of(rng));
    EXPECT_NEAR(out.var().item<double>(), variance, 5 * variance * std::sqrt(2.0 / static_cast<double>(n)));
  }
}

}  // namespace
}  // namespace sextant
