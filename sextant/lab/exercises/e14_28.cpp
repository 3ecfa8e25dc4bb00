// Exercise 14.28: DDIM on a model trained as DDPM, over the number of steps.
#include <algorithm>

#include "sextant/lab/exercises/ddpm_runs.h"
#include "sextant/lab/exercises/exercises.h"

namespace sextant {
namespace {

// The seconds of every plan, then its evaluations: the time of one is the same, within 25 %.
bool same_time_an_evaluation(Values v) {
  const size_t plans = v.size() / 2;
  std::vector<double> times;
  for (size_t i = 0; i < plans; ++i) times.push_back(v[i] / v[plans + i]);
  return std::ranges::max(times) <= 1.25 * std::ranges::min(times);
}

}  // namespace

Experiment exercise_14_28() {
  const std::string& run = kChapterDdpm;
  const std::vector<int64_t> steps = {1000, 100, 50, 20, 10};
  std::vector<std::string> seconds_and_evaluations;
  for (const char* key : {"seconds", "evaluations"})
    for (const int64_t count : steps) seconds_and_evaluations.push_back(concat(run, ".ddim.", count, ".", key));
  const std::vector<panels::PlanFamily> families = {
      {.key = "ddim", .title = "DDIM, η = 0", .plan = {}},
      {.key = "ddim-eta1",
       .title = "DDIM, η = 1 (respaced DDPM)",
       .plan = {.sampler = Ddim{.eta = 1}},
       .most_steps = 100},
      {.key = "dpm-solver",
       .title = "DPM-Solver++(2M)",
       .plan = {.sampler = DpmSolver{}},
       .most_steps = 50},  // of second order: by then it has arrived
  };
  return {
      .id = "14.28",
      .title = "Fewer steps: DDIM on a trained DDPM",
      .question =
          "Sample a model that was trained as DDPM by DDIM, with no training of its own. How good are the samples in "
          "1000, 100, 50, 20 and 10 steps?",
      .runs = {planned_ddpm(run, {}, false)},
      .panels = {panels::step_sweep(run, families, steps, 12)},
      .claims = {{.says =
                      "The same noise gives the same digit: 50 steps agree with 1000 in at least 90 of 100 samples.",
                  .numbers = {run + ".ddim.50.agreement", run + ".ddim.10.agreement"},
                  .holds = [](Values v) { return v[0] >= 0.9; },
                  .from = RunScale::kFull},
                 {.says = "With 50 steps little is lost: the Fréchet distance at S = 50 is at most 1.1 times that at "
                          "S = 1000.",
                  .numbers = {run + ".ddim.50.fcd", run + ".ddim.1000.fcd", "floor.fcd"},
                  .holds = [](Values v) { return v[0] <= 1.1 * v[1]; },
                  .from = RunScale::kFull},
                 {.says = "Ten steps show it: their distance is above that of 50.",
                  .numbers = {run + ".ddim.10.fcd", run + ".ddim.50.fcd", run + ".ddim.20.fcd"},
                  .holds = [](Values v) { return v[0] > v[1]; },
                  .from = RunScale::kQuick},
                 {.says = "Noise on the way costs quality at S = 20: η = 1 has a larger Fréchet distance than η = 0.",
                  .numbers = {run + ".ddim-eta1.20.fcd", run + ".ddim.20.fcd", run + ".dpm-solver.20.fcd"},
                  .holds = [](Values v) { return v[0] > v[1]; },
                  .from = RunScale::kQuick},
                 {.says = "Fewer steps take less time: 100 less than 1000, and 10 less than 100.",
                  .numbers = {run + ".ddim.1000.seconds", run + ".ddim.100.seconds", run + ".ddim.10.seconds"},
                  .holds = strictly_falling},
                 {.says = "The cost is the number of evaluations: the time of one is the same at every S, within 25 %.",
                  .numbers = seconds_and_evaluations,
                  .holds = same_time_an_evaluation,
                  .from = RunScale::kFull}},
      .reading =
          R"(DDIM keeps the marginals that the model was trained on and drops the chain's noise (η = 0), so steps can be
skipped and the same x_T gives the same picture. η = 1 puts all of the noise back and is the respaced ancestral chain
with variance β̃; with all 1000 steps the two samplers are equal to rounding, which the tests prove. DPM-Solver++ is of
second order where DDIM is of first.

Noise on the way is said to cost quality where steps are few, and does so for published nets that were trained some 85
times as many steps. Where the net itself errs it can heal: an error made early drowns in fresh noise and is denoised again, while a path
without noise carries it to the end, however many steps it takes (Karras et al. 2022, section 4).

Steps are spaced by the trailing rule, T, T − T/S, …, so sampling starts at x_T; the published uniform rule starts at
901 for S = 10. x̂₀ is clipped to [−1, 1] at each step, for all samplers alike. Every sampler draws from the same net,
trained once, and begins at the same x_T.)",
  };
}

}  // namespace sextant
