// Exercise 14.26: the chapter's diffusion model on MNIST, 64 samples by the chain of 1000 steps beside DDIM's 50.
#include <cmath>

#include "sextant/lab/exercises/ddpm_runs.h"
#include "sextant/lab/exercises/exercises.h"
#include "sextant/lab/panels.h"

namespace sextant {
namespace {

const std::string kChapter = kChapterDdpm, kPrenorm = kPrenormDdpm;

// Mean training loss of an epoch that a reference run of the chapter's net gave (another seed), to a tenth.
Claim loss_near(int64_t epoch, double expected) {
  const std::string path = concat(kChapter, ".train.", epoch, ".loss");
  return {
      .says = concat("The chapter's net has a mean training loss within 10 % of ", expected, " in epoch ", epoch, "."),
      .numbers = {path},
      .holds = [=](const Results& r) { return std::abs(r.number(path) / expected - 1) < 0.1; },
      .from = epoch <= 2 ? RunScale::kQuick : RunScale::kFull};
}

}  // namespace

Experiment exercise_14_26() {
  const std::vector<panels::NamedPlan> plans = {ddpm_plan(), ddim_plan(50)};
  return {
      .id = "14.26",
      .title = "A diffusion model on MNIST, and two ways to sample it",
      .question =
          "Train the chapter's denoising diffusion model on the handwritten digits for 20 epochs and draw 64 samples. "
          "How do samples by DDIM in 50 steps compare with those by the whole chain of 1000?",
      .runs = {planned_ddpm(kChapter, {}, false), planned_ddpm(kPrenorm, prenorm_unet(), false)},
      .panels = {panels::training_curves(kChapter, {"loss"}, "squared error of ε a pixel"),
                 panels::quarter_curves(kChapter), panels::quarter_curves(kPrenorm),
                 panels::sampler_scores(kChapter, plans), panels::sampler_scores(kPrenorm, plans),
                 panels::film(kPrenorm, ddim_plan(50), 12, 6), panels::sampler_grids(kPrenorm, plans, 64),
                 panels::sampler_grids(kChapter, plans, 64)},
      .claims =
          {loss_near(1, 0.0863),
           loss_near(2, 0.0372),
           loss_near(7, 0.0262),
           {.says = "The less noise, the harder: the loss falls from the first quarter of the chain to the last.",
            .numbers = {kChapter + ".train.last.quarter1", kChapter + ".train.last.quarter2",
                        kChapter + ".train.last.quarter3", kChapter + ".train.last.quarter4"},
            .holds =
                [](const Results& r) {
                  for (int q = 1; q < 4; ++q)
                    if (r.number(concat(kChapter, ".train.last.quarter", q)) <=
                        r.number(concat(kChapter, ".train.last.quarter", q + 1)))
                      return false;
                  return true;
                },
            .from = RunScale::kQuick},
           {.says = "DDIM's 50 steps evaluate the net a twentieth as often as the chain's 1000.",
            .numbers = {kChapter + ".ddpm.evaluations", kChapter + ".ddim50.evaluations"},
            .holds =
                [](const Results& r) {
                  return r.number(kChapter + ".ddpm.evaluations") == 20 * r.number(kChapter + ".ddim50.evaluations");
                }},
           {.says = "And the time follows: between 15 and 25 times less.",
            .numbers = {kChapter + ".ddpm.seconds", kChapter + ".ddim50.seconds"},
            .holds =
                [](const Results& r) {
                  const double ratio = r.number(kChapter + ".ddpm.seconds") / r.number(kChapter + ".ddim50.seconds");
                  return ratio > 15 && ratio < 25;
                },
            .from = RunScale::kQuick},
           {.says =
                "With the same budget the second net (norm before convolution, attention, outputs from zero) has the "
                "lower Fréchet distance, by the chain of 1000 steps.",
            .numbers = {kChapter + ".ddpm.fcd", kPrenorm + ".ddpm.fcd", "floor.fcd"},
            .holds =
                [](const Results& r) { return r.number(kPrenorm + ".ddpm.fcd") < r.number(kChapter + ".ddpm.fcd"); },
            .from = RunScale::kQuick},
           {.says = "Its samples are within three times the distance of real pictures from real ones.",
            .numbers = {kPrenorm + ".ddpm.fcd", "floor.fcd"},
            .holds = [](const Results& r) { return r.number(kPrenorm + ".ddpm.fcd") <= 3 * r.number("floor.fcd"); },
            .from = RunScale::kFull},
           {.says = "The classifier is sure (at 0.9) of at least 95 % as many of its samples as of real digits.",
            .numbers = {kPrenorm + ".ddpm.confident", "real.confident"},
            .holds =
                [](const Results& r) {
                  return r.number(kPrenorm + ".ddpm.confident") >= 0.95 * r.number("real.confident");
                },
            .from = RunScale::kFull}},
      .reading =
          "The loss is the mean squared error of the predicted noise a pixel: 1 for a net that always answers zero. "
          "Steps "
          "count from 1 to 1000 in the text; the net sees 0 to 999. The predicted picture is clipped to [−1, 1] at "
          "each "
          "step; the chain's own variance is β̃; no noise is added at the last step.\n\n"
          "The chapter's net is the answer to the exercise. The second net stands beside it because it costs the same "
          "and learns faster; it is named wherever it is shown.\n\n"
          "Samples come from the moving average of the weights, and are never chosen by hand. Distances on few samples "
          "are biased upwards: read each beside the floor, which real training pictures reach with as many.",
  };
}

}  // namespace sextant
