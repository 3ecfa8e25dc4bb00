// Exercise 14.27: classifier-free guidance, class 7 over the guidance scale.
#include "sextant/lab/exercises/ddpm_runs.h"
#include "sextant/lab/exercises/exercises.h"
#include "sextant/lab/panels.h"

namespace sextant {
namespace {

const std::string kRun = kGuidedDdpm;

}  // namespace

Experiment exercise_14_27() {
  return {
      .id = "14.27",
      .title = "Classifier-free guidance",
      .question =
          "Train the diffusion model with the digit's class, hiding the label of one item in ten. What do samples of "
          "the "
          "class 7 look like at guidance scales 0, 1, 3 and 7, and what does guidance trade?",
      .runs = {planned_ddpm(kRun, prenorm_unet(), true)},
      .panels = {panels::training_curves(kRun, {"loss"}, "squared error of ε a pixel"), panels::class_grid(kRun, 2, 8),
                 panels::guidance_sweep(kRun, 7, {0, 1, 2, 3, 4, 7, 8}, 10)},
      .claims =
          {{.says = "At s = 0 the label has no say, to the byte; at s = 1 it has.",
            .numbers = {kRun + ".s0.same_for_all_labels", kRun + ".s1.same_for_all_labels"},
            .holds =
                [](const Results& r) {
                  return r.number(kRun + ".s0.same_for_all_labels") == 1 &&
                         r.number(kRun + ".s1.same_for_all_labels") == 0;
                }},
           {.says = "Without guidance (s = 0) about a tenth of the samples are sevens (between 5 and 17 %).",
            .numbers = {kRun + ".s0.called"},
            .holds =
                [](const Results& r) {
                  return r.number(kRun + ".s0.called") > 0.05 && r.number(kRun + ".s0.called") < 0.17;
                },
            .from = RunScale::kQuick},
           {.says = "The conditional model (s = 1) draws the class that it is asked for in at least 95 of 100.",
            .numbers = {kRun + ".s1.called", kRun + ".s1.accuracy"},
            .holds = [](const Results& r) { return r.number(kRun + ".s1.called") >= 0.95; },
            .from = RunScale::kQuick},
           {.says = "At s = 3 it is 99 of 100.",
            .numbers = {kRun + ".s3.called", kRun + ".s3.accuracy"},
            .holds = [](const Results& r) { return r.number(kRun + ".s3.called") >= 0.99; },
            .from = RunScale::kQuick},
           {.says = "Diversity pays for it: two samples are closer at s = 8 than at s = 1.",
            .numbers = {kRun + ".s1.pairwise_distance", kRun + ".s3.pairwise_distance", kRun + ".s8.pairwise_distance",
                        "real.pairwise_distance"},
            .holds =
                [](const Results& r) {
                  return r.number(kRun + ".s8.pairwise_distance") < r.number(kRun + ".s1.pairwise_distance");
                },
            .from = RunScale::kQuick},
           {.says = "Strong guidance leaves the real sevens: their Fréchet distance is larger at s = 7 than at s = 1.",
            .numbers = {kRun + ".s1.fcd", kRun + ".s2.fcd", kRun + ".s3.fcd", kRun + ".s7.fcd"},
            .holds = [](const Results& r) { return r.number(kRun + ".s7.fcd") > r.number(kRun + ".s1.fcd"); },
            .from = RunScale::kQuick}},
      .reading =
          "Guidance in convention A: ε = ε(∅) + s (ε(y) − ε(∅)). s = 0 ignores the class, s = 1 is the conditional "
          "model, "
          "beyond that the difference is exaggerated. The other convention writes (1 + w) ε(y) − w ε(∅), so s = 1 + w; "
          "the "
          "exercise does not say which it means, so both readings of its scales are shown.\n\n"
          "One net learns both: the label is replaced by an eleventh, empty one for each item with probability 0.1, "
          "never "
          "when sampling. Both halves of a guided step run in one batch. The net is the one with norm before "
          "convolution "
          "(recipes/ddpm-mnist.toml), which costs as much as the chapter's.\n\n"
          "What is traded is diversity, and in the end likeness, for certainty of the class.",
  };
}

}  // namespace sextant
