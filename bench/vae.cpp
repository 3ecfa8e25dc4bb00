// Our side of `bench/side_by_side vae`: seconds of a bare training step at batch 128, of a whole epoch on MNIST with
// data loading, and peak memory, as one JSON line.
#include <ATen/Parallel.h>

#include <cstdio>

#include "sextant/base/machine.h"
#include "sextant/families/registry.h"
#include "sextant/tensor/torch.h"
#include "sextant/train/trainer.h"
#include "timing.h"
#include "training_step.h"

int main(int argc, char** argv) {
  using namespace sextant;
  at::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const Dataset data = load_dataset({.name = "mnist"});
  const auto model = build_model(VaeConfig{}, item_shape(data), Rng(0));
  TrainingStep step(*model);
  Rng rng(1);

  const Batch fixed = slice(data.train, 0, 128, PixelRange::kUnit);
  const double best_step = smallest(200, 20, [&] { step(fixed, rng); });

  BatchStream stream(data.train, {.batch_size = 128}, PixelRange::kUnit, Rng(2));
  const double best_epoch = smallest(2, 0, [&] {
    for (int64_t i = 0; i < stream.batches_per_epoch(); ++i) step(stream.next(), rng);
  });
  std::printf("{\"step_s\": %.6f, \"epoch_s\": %.4f, \"peak_mb\": %.0f}\n", best_step, best_epoch,
              static_cast<double>(peak_memory_bytes()) / 1e6);
}
