#include "sextant/lab/snapshots.h"

#include <algorithm>

#include "sextant/tensor/torch.h"
#include "sextant/train/trainer.h"

namespace sextant {
namespace fs = std::filesystem;

std::vector<int64_t> kept_epochs(const TrainedRun& trained) {
  std::vector<int64_t> epochs;
  for (const int64_t epoch : trained.run.train.keep_epochs)
    if (fs::exists(snapshot_file(trained.folder, epoch))) epochs.push_back(epoch);
  std::sort(epochs.begin(), epochs.end());
  return epochs;
}

BorrowedValues weights_of_epoch(const TrainedRun& trained, int64_t epoch) {
  const fs::path file = snapshot_file(trained.folder, epoch);
  SEXTANT_CHECK(fs::exists(file), "[snapshots] run ", trained.run.name, " kept no weights of epoch ", epoch,
                trained.zoo().empty() ? "; add it to train.keep_epochs and train again"
                                      : "; the zoo has the last weights only: run without --zoo, in another --runs");
  return {named_tensors(*trained.model), load_tensors(file).tensors, file.string()};
}

}  // namespace sextant
