// How a diffusion run is sampled, as options: shared by the commands that draw.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "sextant/lab/sample_sets.h"

namespace sextant {

struct PlanOptions {
  std::string sampler = "ddim", spacing = "trailing";
  int64_t steps = 50;
  std::optional<int64_t> label;
  double guidance = 1, eta = 0;
  bool beta = false, no_clip = false, each_label = false;
  CLI::Option_group* group = nullptr;

  // Was any of them given? Then the run must be a diffusion run.
  bool asked() const;
  // Without a label all classes of a conditional run in turn; at guidance 0 the samples know of none. Throws UsageError
  // where options contradict each other or do not fit the model.
  SamplePlan plan(const Diffusion& model) const;
};

// Adds them to `command`, in a group of their own.
std::shared_ptr<PlanOptions> add_plan_options(CLI::App& command);

}  // namespace sextant
