// Our side of `bench/side_by_side vae`: seconds of a bare training step at batch 128, of a whole epoch on MNIST with
// data loading, and peak memory, as one JSON line.
#include <torch/torch.h>

#include <cstdio>

#include "sextant/base/machine.h"
#include "sextant/families/registry.h"
#include "sextant/train/optimiser.h"
#include "sextant/train/trainer.h"
#include "timing.h"

int main(int argc, char** argv) {
  using namespace sextant;
  at::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const Dataset data = load_dataset({.name = "mnist"});
  const auto model = build_model(VaeConfig{}, item_shape(data), Rng(0));
  const Player player = model->players()[0];
  std::vector<std::string> names;
  for (const auto& item : model->named_parameters()) names.push_back(item.key());
  Optimiser optimiser(player, names, 0.0, 1);
  Rng rng(1);
  const auto step = [&](const Batch& batch) {
    const Loss loss = model->loss(0, batch, rng);
    optimiser.step_(torch::autograd::grad({loss.total}, player.parameters));
  };

  const Batch fixed = slice(data.train, 0, 128, PixelRange::kUnit);
  const double best_step = smallest(200, 20, [&] { step(fixed); });

  BatchStream stream(data.train, {.batch_size = 128}, PixelRange::kUnit, Rng(2));
  const double best_epoch = smallest(3, 0, [&] {
    for (int64_t i = 0; i < stream.batches_per_epoch(); ++i) step(stream.next());
  });
  std::printf("{\"step_s\": %.6f, \"epoch_s\": %.4f, \"peak_mb\": %.0f}\n", best_step, best_epoch,
              static_cast<double>(peak_memory_bytes()) / 1e6);
}
