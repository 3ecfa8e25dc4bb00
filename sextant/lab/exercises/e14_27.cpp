// Exercise 14.27: classifier-free guidance, class 7 over the guidance scale.
#include "sextant/lab/exercises/ddpm_runs.h"
#include "sextant/lab/exercises/exercises.h"
#include "sextant/lab/panels.h"

namespace sextant {

Experiment exercise_14_27() {
  const std::string& run = kGuidedDdpm;
  return {
      .id = "14.27",
      .title = "Classifier-free guidance",
      .question =
          "Train the diffusion model with the digit's class, hiding the label of one item in ten. What do samples of "
          "the class 7 look like at guidance scales 0, 1, 3 and 7, and what does guidance trade?",
      .runs = {planned_ddpm(run, prenorm_unet(), true)},
      .panels = {panels::training_curves(run, {"loss"}, "squared error of ε a pixel"), panels::class_grid(run, 2, 8),
                 panels::guidance_sweep(run, 7, {0, 1, 2, 3, 4, 7, 8}, 10)},
      .claims =
          {{.says = "At s = 0 the label has no say, to the byte; at s = 1 it has.",
            .numbers = {run + ".s0.same_for_all_labels", run + ".s1.same_for_all_labels"},
            .holds = [](Values v) { return v[0] == 1 && v[1] == 0; }},
           {.says = "Without the label (s = 0) about a tenth of the samples are sevens (between 5 and 17 %).",
            .numbers = {run + ".s0.called"},
            .holds = [](Values v) { return v[0] > 0.05 && v[0] < 0.17; },
            .from = RunScale::kQuick},
           {.says = "Asked for the class 7, the conditional model (s = 1) draws it in at least 95 of 100 samples.",
            .numbers = {run + ".s1.called", run + ".s1.accuracy"},
            .holds = [](Values v) { return v[0] >= 0.95; },
            .from = RunScale::kQuick},
           {.says = "At s = 3 the class 7 is drawn in at least 99 of 100.",
            .numbers = {run + ".s3.called", run + ".s3.accuracy"},
            .holds = [](Values v) { return v[0] >= 0.99; },
            .from = RunScale::kQuick},
           {.says = "Diversity pays for it: two samples of the class 7 are on average closer at s = 8 than at s = 1.",
            .numbers = {run + ".s8.pairwise_distance", run + ".s1.pairwise_distance", run + ".s3.pairwise_distance",
                        "real.pairwise_distance"},
            .holds = [](Values v) { return v[0] < v[1]; },
            .from = RunScale::kQuick},
           {.says =
                "Strong guidance moves away from the distribution of real sevens: the Fréchet distance is larger at "
                "s = 7 than at s = 1.",
            .numbers = {run + ".s7.fcd", run + ".s1.fcd", run + ".s2.fcd", run + ".s3.fcd", "floor.fcd"},
            .holds = [](Values v) { return v[0] > v[1]; },
            .from = RunScale::kQuick}},
      .reading =
          R"(Guidance in convention A: ε = ε(∅) + s (ε(y) − ε(∅)). s = 0 ignores the class, s = 1 is the conditional
model, beyond that the difference is exaggerated. The other convention writes (1 + w) ε(y) − w ε(∅), so s = 1 + w; the
exercise does not say which it means, so both readings of its scales are shown.

One net learns both: the label is replaced by an eleventh, empty one for each item with probability 0.1, never when
sampling. Both halves of a guided step run in one batch. The net is the one with norm before convolution
(recipes/ddpm-mnist.toml), which costs nearly as much as the chapter's.

Every scale samples the same net, trained once, from the same x_T. What is traded is coverage of the class for certainty
of it. Labels are hidden in training only: the test loss is that of the conditional model.)",
  };
}

}  // namespace sextant
