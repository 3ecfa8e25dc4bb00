// Our side of `bench/side_by_side realnvp`: the flow of exercise 14.25 on points of the plane, eight couplings with
// nets of 128 x 2. Seconds of a training step at batch 512 with Adam, the smallest of several; peak memory.
#include <ATen/Parallel.h>
#include <hwy/targets.h>

#include <cstdio>

#include "sextant/base/machine.h"
#include "sextant/families/registry.h"
#include "sextant/tensor/block_cache.h"
#include "sextant/tensor/torch.h"
#include "sextant/train/optimiser.h"
#include "timing.h"

int main(int argc, char** argv) {
  using namespace sextant;
  cache_tensor_memory();
  if (argc > 2 && std::string(argv[2]) == "avx2") hwy::DisableTargets(HWY_AVX2 - 1);  // lower bits: newer
  at::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const auto model = build_model(RealNvpConfig{}, {.sizes = {2}, .classes = 0}, Rng(0));
  const Player player = model->players()[0];
  std::vector<std::string> names;
  for (const auto& item : model->named_parameters()) names.push_back(item.key());
  Optimiser optimiser(player, names, 0.0, 1);
  Rng rng(1);
  const Batch batch = {.x = rng.normal({512, 2}), .labels = {}};
  const double step = smallest(400, 40, [&] {
    const Loss loss = model->loss(0, batch, rng);
    optimiser.step_(torch::autograd::grad({loss.total}, player.parameters));
  });
  std::printf("{\"step_s\": %.6f, \"peak_mb\": %.0f}\n", step, static_cast<double>(peak_memory_bytes()) / 1e6);
}
