// One function an exercise; each file beside this one defines one of them.
#pragma once

#include "sextant/lab/experiment.h"

namespace sextant {

Experiment exercise_14_21();
Experiment exercise_14_23();
Experiment exercise_14_24();
Experiment exercise_14_26();
Experiment exercise_14_27();
Experiment exercise_14_28();

}  // namespace sextant
