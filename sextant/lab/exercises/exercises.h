// One function an exercise; each file beside this one defines one of them.
#pragma once

#include "sextant/lab/experiment.h"

namespace sextant {

// The run of 14.21, which 14.22 shares as β = 1.
PlannedRun planned_vae();

Experiment exercise_14_21();
Experiment exercise_14_22();
Experiment exercise_14_23();
Experiment exercise_14_24();
Experiment exercise_14_25();
Experiment exercise_14_26();
Experiment exercise_14_27();
Experiment exercise_14_28();
Experiment exercise_14_30();

}  // namespace sextant
