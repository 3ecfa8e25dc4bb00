// The one training loop. A round lets every player step as often as it says; each step of the first player reads a new
// batch, the others see the last one. Every random number is a function of the seed, the step and what it is for, so a
// checkpoint is weights, moments and a step number, and a killed run resumes to the same bytes as one never killed.
#pragma once

#include <filesystem>
#include <string>

#include "sextant/families/model.h"
#include "sextant/tensor/precision.h"
#include "sextant/tensor/tensor_file.h"

namespace sextant {

struct TrainConfig {
  int64_t epochs = 10;
  int64_t seed = 0;
  int64_t batch_size = 128;
  bool drop_last = false;
  bool flip = false;
  double ema_decay = 0.0;
  std::vector<int64_t> keep_epochs;
  int64_t log_every = 100;
  Precision precision = Precision::kFloat32;
  static constexpr auto fields() {
    return std::tuple{
        Field{"epochs", &TrainConfig::epochs, "passes over the training split", between(1, 1e9)},
        Field{"seed", &TrainConfig::seed, "of everything random in the run", between(0, 9e15)},
        Field{"batch_size", &TrainConfig::batch_size, "items a step", between(1, 1e6)},
        Field{"drop_last", &TrainConfig::drop_last, "leave out the last, smaller batch of an epoch"},
        Field{"flip", &TrainConfig::flip, "mirror pictures at random"},
        Field{"ema_decay", &TrainConfig::ema_decay, "moving average of the weights, with warm-up; 0: none",
              between(0, 0.999999)},
        Field{"keep_epochs", &TrainConfig::keep_epochs, "epochs whose weights are kept for good", at_least(1)},
        Field{"log_every", &TrainConfig::log_every, "steps between two lines of the log", between(1, 1e9)},
        Field{"precision", &TrainConfig::precision, "of the products in convolutions; weights stay float32"},
    };
  }
};

// How to run, without influence on the result.
struct TrainOptions {
  std::string title;                 // before the progress line
  bool quiet = false;                // no progress
  double checkpoint_every_s = 60.0;  // besides the end of each epoch
  std::string metadata;              // JSON kept in the header of the final weights
};

struct TrainOutcome {
  int64_t steps = 0;         // rounds in all
  double wall_s = 0;         // all sessions together
  bool same_machine = true;  // every session ran on this kind of CPU with this number of threads
};

// Trains `model`, on the device where it lies, in `folder`, from the newest checkpoint there or from the start, and
// leaves
//   log.jsonl and TensorBoard's events, checkpoints/, snapshots/epoch-0005.safetensors for keep_epochs,
//   weights.safetensors: the final weights (the average where there is one): its presence means that the run is
//   complete.
// The model then holds those weights. Throws Interrupted after saving when a signal has come; Error when a loss is not
// finite; UsageError when the settings make no step, would end an epoch unseen, or average weights beside BatchNorm.
TrainOutcome train(Trainable& model, const Dataset& data, const TrainConfig& config,
                   const std::filesystem::path& folder, const TrainOptions& options);

// The weights that a run keeps of an epoch.
std::filesystem::path snapshot_file(const std::filesystem::path& folder, int64_t epoch);

// Parameters and buffers by name.
NamedTensors named_tensors(const torch::nn::Module& module);

// Mean loss parts of every player over a split, in eval mode: {"vae": {"loss":…, "kl":…}}. `rng` feeds the model's
// noise.
Json evaluate(Trainable& model, const Split& split, Rng rng);

}  // namespace sextant
