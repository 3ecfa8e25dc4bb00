// Our side of `bench/side_by_side gan`: seconds of a DCGAN step at batch 128, discriminator and generator with Adam,
// and of a WGAN-GP critic step with its penalty on the same nets; each the smallest of several, as one JSON line.
#include <ATen/Parallel.h>
#include <hwy/targets.h>

#include <cstdio>

#include "sextant/base/machine.h"
#include "sextant/families/registry.h"
#include "sextant/tensor/block_cache.h"
#include "sextant/tensor/torch.h"
#include "sextant/train/optimiser.h"
#include "timing.h"

namespace {

using namespace sextant;

// A step of the first `players` players of a model of pictures 28 x 28.
double step_seconds(const GanConfig& config, size_t players) {
  const auto model = build_model(ModelConfig(config), {.sizes = {1, 28, 28}, .classes = 0}, Rng(0));
  Rng rng(1);
  const Batch batch = {.x = rng.uniform({128, 1, 28, 28}) * 2 - 1, .labels = {}};
  std::vector<Optimiser> optimisers;
  for (const Player& player : model->players())
    optimisers.emplace_back(player, std::vector<std::string>(player.parameters.size()), 0.0, 1);
  return smallest(15, 3, [&] {
    for (size_t p = 0; p < players; ++p) {
      const Loss loss = model->loss(p, batch, rng);
      optimisers[p].step_(torch::autograd::grad({loss.total}, optimisers[p].player().parameters));
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  cache_tensor_memory();
  if (argc > 2 && std::string(argv[2]) == "avx2") hwy::DisableTargets(HWY_AVX2 - 1);  // lower bits: newer
  at::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  GanConfig critic = wgan_gp();
  critic.net = dcgan().net;
  const double dcgan_step = step_seconds(dcgan(), 2), critic_step = step_seconds(critic, 1);
  std::printf("{\"dcgan_step_s\": %.5f, \"wgan_gp_critic_s\": %.5f, \"peak_mb\": %.0f}\n", dcgan_step, critic_step,
              static_cast<double>(peak_memory_bytes()) / 1e6);
}
