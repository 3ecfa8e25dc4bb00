// One function an exercise; each file beside this one defines one of them.
#pragma once

#include "sextant/lab/experiment.h"

namespace sextant {

Experiment exercise_14_21();

}  // namespace sextant
