// Exercise 14.28: DDIM on a model trained as DDPM, over the number of steps.
#include "sextant/lab/exercises/ddpm_runs.h"
#include "sextant/lab/exercises/exercises.h"

namespace sextant {
namespace {

const std::string kRun = kChapterDdpm;

}  // namespace

Experiment exercise_14_28() {
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
          "1000, "
          "100, 50, 20 and 10 steps?",
      .runs = {planned_ddpm(kRun, {}, false)},
      .panels = {panels::step_sweep(kRun, families, {1000, 100, 50, 20, 10}, 12)},
      .claims =
          {{.says = "The same noise gives the same digit: 50 steps agree with 1000 in at least 90 of 100 samples.",
            .numbers = {kRun + ".ddim.50.agreement", kRun + ".ddim.10.agreement"},
            .holds = [](const Results& r) { return r.number(kRun + ".ddim.50.agreement") >= 0.9; },
            .from = RunScale::kFull},
           {.says =
                "Down to 50 steps hardly anything is lost: the Fréchet distance at S = 50 is at most 1.5 times that at "
                "S = 1000.",
            .numbers = {kRun + ".ddim.1000.fcd", kRun + ".ddim.50.fcd", "floor.fcd"},
            .holds =
                [](const Results& r) {
                  return r.number(kRun + ".ddim.50.fcd") <= 1.5 * r.number(kRun + ".ddim.1000.fcd");
                },
            .from = RunScale::kQuick},
           {.says = "Ten steps show it: their distance is above that of 50.",
            .numbers = {kRun + ".ddim.50.fcd", kRun + ".ddim.20.fcd", kRun + ".ddim.10.fcd"},
            .holds = [](const Results& r) { return r.number(kRun + ".ddim.10.fcd") > r.number(kRun + ".ddim.50.fcd"); },
            .from = RunScale::kQuick},
           {.says = "Noise on the way costs quality where steps are few: at S = 20, η = 1 is worse than η = 0.",
            .numbers = {kRun + ".ddim.20.fcd", kRun + ".ddim-eta1.20.fcd", kRun + ".dpm-solver.20.fcd"},
            .holds =
                [](const Results& r) { return r.number(kRun + ".ddim-eta1.20.fcd") > r.number(kRun + ".ddim.20.fcd"); },
            .from = RunScale::kQuick},
           {.says = "The cost is the number of evaluations and nothing else: S of them, one a step.",
            .numbers = {kRun + ".ddim.1000.evaluations", kRun + ".ddim.10.evaluations"},
            .holds =
                [](const Results& r) {
                  return r.number(kRun + ".ddim.1000.evaluations") == 1000 &&
                         r.number(kRun + ".ddim.10.evaluations") == 10;
                }}},
      .reading =
          "DDIM keeps the marginals that the model was trained on and drops the chain's noise (η = 0), so steps can be "
          "skipped and the same x_T gives the same picture. η = 1 puts all of the noise back and is the respaced "
          "ancestral "
          "chain with variance β̃; with all 1000 steps the two samplers are equal to rounding, which the tests prove. "
          "DPM-Solver++ is of second order where DDIM is of first.\n\n"
          "Noise on the way is said to cost quality where steps are few, and does so for nets trained hundreds of "
          "times "
          "longer. Where the net itself errs it can heal: an error made early drowns in fresh noise and is denoised "
          "again, while a path without noise carries it to the end, however many steps it takes (Karras et al. 2022, "
          "section 4).\n\n"
          "Steps are spaced by the trailing rule, T, T − T/S, …, so sampling starts at x_T; the published uniform rule "
          "starts at 901 for S = 10. x̂₀ is clipped to [−1, 1] at each step, for all samplers alike.",
  };
}

}  // namespace sextant
