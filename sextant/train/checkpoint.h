// A checkpoint is a folder that appears in one step: checkpoints/step-000000469/ with model, average and optimiser as
// safetensors and state.json (position, meters, log offset, machine, SHA-256 of its neighbours). The newest whole one
// counts.
#pragma once

#include <filesystem>
#include <optional>

#include "sextant/base/json.h"
#include "sextant/tensor/tensor_file.h"

namespace sextant {

struct Checkpoint {
  NamedTensors model, average, optimiser;  // average may be empty
  Json state;                              // "step" is required; the trainer's own record
};

// Writes it under folder/checkpoints, then removes all but the newest two. Throws Error on a full disk, leaving the
// older.
void save_checkpoint(const std::filesystem::path& folder, const Checkpoint& checkpoint);

// The folder of the newest checkpoint, if there is any; leftovers of a kill are removed.
std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& folder);

// Reads and verifies one. Throws Error naming what is broken and the older checkpoint to go back to.
Checkpoint load_checkpoint(const std::filesystem::path& checkpoint_folder);

}  // namespace sextant
