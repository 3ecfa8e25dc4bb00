// What `sextant eval` can measure: a table of names, what each is, and how. The pages' panels take their numbers from
// the same functions.
#pragma once

#include <vector>

#include "sextant/base/json.h"
#include "sextant/metrics/sample_study.h"

namespace sextant {

struct EvalRequest {
  Trainable& model;
  const Dataset& data;
  int64_t images = 100;    // log_likelihood, bound: test images used
  int64_t samples = 1000;  // log_likelihood: draws of z an image
  uint64_t seed = 0;
  SampleStudy* study = nullptr;  // for the rows that need samples
  // How far a measure is that takes minutes; may be empty.
  std::function<void(const char* what, int64_t done, int64_t total)> progress = {};
};

enum class Needs { kModel, kSamples, kClassifier };  // each includes the one before

// `measure` returns a JSON object of numbers and says why where a model can't be measured so.
struct MetricRow {
  const char* name;
  const char* text;
  std::function<Json(const EvalRequest& request)> measure;
  Needs needs = Needs::kModel;
  // What it needs that this machine lacks, and the remedy; empty where nothing is. Null: nothing ever.
  std::string (*missing)() = nullptr;
  // Options of `sextant eval` that `measure` looks at, beside those of all that need samples.
  std::vector<std::string> reads = {};
  bool at_hand() const { return missing == nullptr || missing().empty(); }
};
const std::vector<MetricRow>& metrics();

// What the row of this name measures; throws Error when there is none.
Json measure_by_name(const std::string& name, const EvalRequest& request);

// Parts of the table.
std::vector<MetricRow> likelihood_metrics();
std::vector<MetricRow> sample_metrics();

}  // namespace sextant
