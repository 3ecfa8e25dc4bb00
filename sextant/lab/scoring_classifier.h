// Which classifier scores the samples of a run: the one that ships for its data set, or a run that is named. Its
// version names it in every record: a score is comparable only with scores by the same weights.
#pragma once

#include <filesystem>
#include <string>

#include "sextant/lab/run_store.h"
#include "sextant/metrics/sample_study.h"

namespace sextant {

// The run owns the classifier that `scoring` points to.
struct OpenClassifier {
  TrainedRun run;
  ScoringClassifier scoring;
};

// The classifier in `folder`; where that is empty, the one that ships for the data set of `run`. Throws UsageError when
// none ships (train one with a recipe and name it), when the run is no classifier, or when it was trained on data of
// another name or shape.
OpenClassifier open_scoring_classifier(const TrainedRun& run, const std::filesystem::path& folder = {},
                                       at::Device device = at::kCPU);

// Both splits of a run's data set without the limits that the run was trained under: what samples are held against.
Dataset reference_data(const Run& run);

}  // namespace sextant
