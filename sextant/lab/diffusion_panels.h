// Panels of diffusion runs: samples by several samplers from the same noise, their scores, films, and sweeps over the
// number of steps and over guidance.
#pragma once

#include <array>

#include "sextant/lab/experiment.h"
#include "sextant/lab/sample_sets.h"

namespace sextant::panels {

struct NamedPlan {
  std::string key, title;  // "ddim50", "DDIM, 50 steps"
  SamplePlan plan;
};

// A plan whose steps vary.
struct PlanFamily {
  std::string key, title;
  SamplePlan plan;
  int64_t most_steps = 1000;
};

// Training loss by quarter of the chain over epochs -> <run>.train.<epoch>.quarter1 … and .loss, <run>.train.last.….
Panel quarter_curves(const std::string& run);

// What a run elsewhere had as training loss in an epoch: as a whole, then by quarter of the chain.
struct QuarterLoss {
  int64_t epoch;
  std::array<double, 5> loss;
};
// A table of a run's training losses beside those, of which `source` says where they come from; epochs that the run did
// not train are left out.
Panel quarters_beside(const std::string& run, const std::string& source, const std::vector<QuarterLoss>& reference);

// `count` samples by each plan from the same x_T, with time and evaluations -> <run>.<key>.seconds, .evaluations.
Panel sampler_grids(const std::string& run, const std::vector<NamedPlan>& plans, int64_t count);

// Scores of each plan's samples beside real pictures -> <run>.<key>.fcd …, floor.fcd …, real.confident.
Panel sampler_scores(const std::string& run, const std::vector<NamedPlan>& plans);

// Some samples on their way.
Panel film(const std::string& run, const NamedPlan& plan, int64_t frames, int64_t samples);

// Pictures, scores, time, and agreement with the longest chain, over steps -> <run>.<key>.<S>.fcd, .agreement, ….
Panel step_sweep(const std::string& run, const std::vector<PlanFamily>& families, const std::vector<int64_t>& steps,
                 int64_t columns);

// One class over the guidance scale -> <run>.s<scale>.called, .accuracy, .pairwise_distance, .fcd, …; floor.fcd …, of
// that class's training pictures.
Panel guidance_sweep(const std::string& run, int64_t label, const std::vector<double>& scales, int64_t columns);

// `rows` samples of every class at one guidance scale.
Panel class_grid(const std::string& run, double scale, int64_t rows);

}  // namespace sextant::panels
