// Our side of `bench/side_by_side conv_vae`: seconds of a training step of exercise 14.30's convolutional autoencoder,
// batch 128 of 3 x 32 x 32, the smallest of several, and peak memory.
#include <ATen/Parallel.h>

#include <cstdio>

#include "sextant/base/machine.h"
#include "sextant/families/registry.h"
#include "sextant/tensor/block_cache.h"
#include "sextant/tensor/torch.h"
#include "timing.h"
#include "training_step.h"

int main(int argc, char** argv) {
  using namespace sextant;
  cache_tensor_memory();
  at::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const VaeConfig config = {
      .conv = {32, 64, 128}, .latent = 128, .likelihood = Likelihood::kDiscretisedLogistic, .learn_sigma = true};
  const auto model = build_model(config, {.sizes = {3, 32, 32}, .classes = 10}, Rng(0));
  TrainingStep step(*model);
  Rng rng(1);
  const Batch batch = {.x = (rng.uniform({128, 3, 32, 32}) * 255).round() / 255, .labels = {}};
  const double seconds = smallest(12, 2, [&] { step(batch, rng); });
  std::printf("{\"step_s\": %.5f, \"peak_mb\": %.0f}\n", seconds, static_cast<double>(peak_memory_bytes()) / 1e6);
}
