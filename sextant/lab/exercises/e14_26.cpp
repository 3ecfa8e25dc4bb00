// Exercise 14.26: the chapter's diffusion model on MNIST, 64 samples by the chain of 1000 steps beside DDIM's 50.
#include <cmath>

#include "sextant/lab/exercises/ddpm_runs.h"
#include "sextant/lab/exercises/exercises.h"
#include "sextant/lab/panels.h"

namespace sextant {
namespace {

// Training losses of the chapter's net, measured before this program was written.
const std::vector<panels::QuarterLoss> kReference = {{1, {0.0863, 0.212, 0.070, 0.033, 0.029}},
                                                     {2, {0.0372, 0.101, 0.037, 0.0083, 0.0022}},
                                                     {4, {0.0295, 0.082, 0.030, 0.0067, 0.0010}},
                                                     {7, {0.0262, 0.072, 0.026, 0.0061, 0.0006}}};

// The mean training loss of that epoch is the reference's to a tenth.
Claim loss_near(const panels::QuarterLoss& reference) {
  const double expected = reference.loss[0];
  const int64_t epoch = reference.epoch;
  return {
      .says = concat("The chapter's net has a mean training loss within 10 % of ", expected, " in epoch ", epoch, "."),
      .numbers = {concat(kChapterDdpm, ".train.", epoch, ".loss")},
      .holds = [expected](Values v) { return std::abs(v[0] / expected - 1) < 0.1; },
      .from = epoch <= 2 ? RunScale::kQuick : RunScale::kFull};
}

}  // namespace

Experiment exercise_14_26() {
  const std::vector<panels::NamedPlan> plans = {ddpm_plan(), ddim_plan(50)};
  const std::string &chapter = kChapterDdpm, &prenorm = kPrenormDdpm;
  return {
      .id = "14.26",
      .title = "A diffusion model on MNIST, and two ways to sample it",
      .question =
          "Train the chapter's denoising diffusion model on the handwritten digits for 20 epochs and draw 64 samples. "
          "How do samples by DDIM in 50 steps compare with those by the whole chain of 1000?",
      .runs = {planned_ddpm(chapter, {}, false), planned_ddpm(prenorm, prenorm_unet(), false)},
      .panels = {panels::training_curves(chapter, {"loss"}, "squared error of ε a pixel"),
                 panels::quarter_curves(chapter),
                 panels::quarters_beside(chapter, "a run of another program, with other random numbers", kReference),
                 panels::quarter_curves(prenorm), panels::sampler_scores(chapter, plans),
                 panels::sampler_scores(prenorm, plans), panels::film(chapter, ddpm_plan(), 12, 6),
                 panels::film(prenorm, ddpm_plan(), 12, 6), panels::sampler_grids(prenorm, plans, 64),
                 panels::sampler_grids(chapter, plans, 64)},
      .claims =
          {{.says = "The chapter's net learns: its mean training loss falls from the first epoch to the last.",
            .numbers = {chapter + ".train.1.loss", chapter + ".train.last.loss"},
            .holds = strictly_falling},
           loss_near(kReference[0]),
           loss_near(kReference[1]),
           loss_near(kReference[3]),
           {.says = "The less noise, the larger the error of ε: the loss falls from the first quarter of the chain to "
                    "the last.",
            .numbers = {chapter + ".train.last.quarter1", chapter + ".train.last.quarter2",
                        chapter + ".train.last.quarter3", chapter + ".train.last.quarter4"},
            .holds = strictly_falling,
            .from = RunScale::kQuick},
           {.says = "DDIM's 50 steps take between 15 and 25 times less time than the chain's 1000.",
            .numbers = {chapter + ".ddpm.seconds", chapter + ".ddim50.seconds", chapter + ".ddpm.evaluations",
                        chapter + ".ddim50.evaluations"},
            .holds = [](Values v) { return v[0] / v[1] > 15 && v[0] / v[1] < 25; },
            .from = RunScale::kQuick},
           {.says = "The chain of 1000 steps draws better than DDIM in 50: its samples of the chapter's net have the "
                    "lower Fréchet distance.",
            .numbers = {chapter + ".ddpm.fcd", chapter + ".ddim50.fcd", "floor.fcd"},
            .holds = [](Values v) { return v[0] < v[1]; },
            .from = RunScale::kFull},
           {.says = "After as many epochs the second net (norm before convolution, attention, outputs from zero) "
                    "has the lower Fréchet distance by the chain of 1000 steps, in one run of each.",
            .numbers = {prenorm + ".ddpm.fcd", chapter + ".ddpm.fcd", "floor.fcd"},
            .holds = [](Values v) { return v[0] < v[1]; },
            .from = RunScale::kQuick},
           {.says = "Its samples are within three times the distance of real pictures from real ones.",
            .numbers = {prenorm + ".ddpm.fcd", "floor.fcd"},
            .holds = [](Values v) { return v[0] <= 3 * v[1]; },
            .from = RunScale::kFull},
           {.says = "The classifier is sure (at 0.9) of at least 95 % as many of its samples as of real digits.",
            .numbers = {prenorm + ".ddpm.confident", "real.confident"},
            .holds = [](Values v) { return v[0] >= 0.95 * v[1]; },
            .from = RunScale::kFull}},
      .reading =
          R"(The loss is the mean squared error of the predicted noise a pixel: 1 for a net that always answers zero.
Steps count from 1 to 1000 in the text; the net sees 0 to 999. The predicted picture is clipped to [−1, 1] at each step;
the chain's own variance is β̃; no noise is added at the last step.

The two samplers differ twice: in the number of steps, and in the noise that the chain adds on the way. Exercise 14.28
tells these apart: it takes DDIM to 1000 steps as well, and adds the noise to few.

The chapter's net is the answer to the exercise. The second net stands beside it because it costs nearly as much
(3 % more multiplications); it is named wherever it is shown. Each was trained once, with one seed: a difference between
them may also come from the seed.

Samples come from the moving average of the weights, and are never chosen by hand. Distances on few samples are biased
upwards: read each beside the floor, which real training pictures reach with as many.)",
  };
}

}  // namespace sextant
