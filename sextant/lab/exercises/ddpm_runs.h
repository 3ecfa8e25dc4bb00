// The diffusion runs on MNIST that exercises 14.26, 14.27 and 14.28 share, so that each is trained once.
#pragma once

#include "sextant/lab/diffusion_panels.h"
#include "sextant/lab/experiment.h"

namespace sextant {

inline const std::string kChapterDdpm = "ddpm-mnist-chapter", kPrenormDdpm = "ddpm-mnist-prenorm",
                         kGuidedDdpm = "ddpm-mnist";

// 20 epochs of Adam 2e-4 at batch 128 with a moving average of 0.999; smaller scales train less or a smaller net.
PlannedRun planned_ddpm(const std::string& name, const UnetConfig& net, bool conditional);

// The samplers that pages compare.
panels::NamedPlan ddim_plan(int64_t steps);
panels::NamedPlan ddpm_plan();

}  // namespace sextant
