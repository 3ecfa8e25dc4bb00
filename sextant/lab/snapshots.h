// The weights that a run kept after some of its epochs (train.keep_epochs): put into its model for a while.
#pragma once

#include <cstdint>
#include <vector>

#include "sextant/lab/run_store.h"
#include "sextant/tensor/borrowed_values.h"

namespace sextant {

// The epochs whose weights are there, rising.
std::vector<int64_t> kept_epochs(const TrainedRun& trained);

// While what it returns lives the run's model holds the weights of the end of `epoch`; then the final ones again.
// Throws Error, and leaves the model as it was, where they were not kept.
BorrowedValues weights_of_epoch(const TrainedRun& trained, int64_t epoch);

}  // namespace sextant
