#include "sextant/lab/exercises/exercises.h"

namespace sextant {

std::span<const Experiment> experiments() {
  static const std::vector<Experiment> all = {exercise_14_21(), exercise_14_22(), exercise_14_23(),
                                              exercise_14_24(), exercise_14_25(), exercise_14_26(),
                                              exercise_14_27(), exercise_14_28(), exercise_14_30()};
  return all;
}

}  // namespace sextant
