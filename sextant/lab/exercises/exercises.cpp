#include "sextant/lab/exercises/exercises.h"

namespace sextant {

std::span<const Experiment> experiments() {
  static const std::vector<Experiment> all = {exercise_14_21()};
  return all;
}

}  // namespace sextant
