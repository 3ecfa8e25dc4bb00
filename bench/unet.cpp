// Our side of `bench/side_by_side unet`: the chapter's U-Net at 28 x 28. Seconds of a training step at batch 128 with
// Adam and moving average, and of a sampling step at batch 64, each the smallest of several; peak memory of training.
#include <hwy/targets.h>
#include <torch/torch.h>

#include <cstdio>

#include "sextant/base/machine.h"
#include "sextant/families/registry.h"
#include "sextant/tensor/block_cache.h"
#include "timing.h"
#include "training_step.h"

int main(int argc, char** argv) {
  using namespace sextant;
  cache_tensor_memory();
  if (argc > 2 && std::string(argv[2]) == "avx2") hwy::DisableTargets(HWY_AVX2 - 1);  // lower bits: newer
  at::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const bool prenorm = argc > 2 && std::string(argv[2]) == "prenorm";
  const ItemShape shape = {.sizes = {1, 28, 28}, .classes = 10};
  const auto model = build_model(DdpmConfig{.net = prenorm ? prenorm_unet() : UnetConfig{}}, shape, Rng(0));
  TrainingStep step(*model, 0, 0.999);
  Rng rng(1);
  const Batch batch = {.x = rng.uniform({128, 1, 28, 28}) * 2 - 1, .labels = {}};
  const double train = smallest(7, 2, [&] { step(batch, rng); });
  const double megabytes = static_cast<double>(peak_memory_bytes()) / 1e6;

  const torch::NoGradGuard no_grad;
  model->eval();
  auto& diffusion = dynamic_cast<Diffusion&>(*model);
  const ModelDenoiser denoiser(diffusion.schedule(), diffusion.predictor());
  const Tensor x = rng.normal({64, 1, 28, 28});
  const double sample = smallest(25, 3, [&] {
    const Tensor e = denoiser.eps(x, 0.5);
    const Tensor next = (x - 0.1 * e) / 0.99 + 0.01 * rng.normal(x.sizes());
  });
  std::printf("{\"train_s\": %.5f, \"sample_s\": %.5f, \"peak_mb\": %.0f}\n", train, sample, megabytes);
}
