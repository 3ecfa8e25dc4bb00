// Our side of `bench/side_by_side unet`: the chapter's U-Net at 28 x 28. Seconds of a training step at batch 128 with
// Adam and moving average, and of a sampling step at batch 64, each the smallest of several, in float32 and with
// --precision bf16; peak memory of training in float32.
// Second argument: avx2 (as on a CPU without AVX-512), prenorm (the second preset).
#include <ATen/Parallel.h>
#include <hwy/targets.h>

#include <cstdio>

#include "sextant/base/machine.h"
#include "sextant/families/registry.h"
#include "sextant/tensor/block_cache.h"
#include "sextant/tensor/precision.h"
#include "sextant/tensor/torch.h"
#include "timing.h"
#include "training_step.h"

namespace sextant {
namespace {

double training_s(Trainable& model, Precision precision) {
  const PrecisionScope scope(precision);
  TrainingStep step(model, 0, 0.999);
  Rng rng(1);
  const Batch batch = {.x = rng.uniform({128, 1, 28, 28}) * 2 - 1, .labels = {}};
  return smallest(5, 3, [&] { step(batch, rng); });
}

double sampling_s(Diffusion& diffusion, Precision precision) {
  const PrecisionScope scope(precision);
  const torch::NoGradGuard no_grad;
  const ModelDenoiser denoiser(diffusion.schedule(), diffusion.predictor());
  Rng rng(2);
  const Tensor x = rng.normal({64, 1, 28, 28});
  return smallest(9, 3, [&] {
    const Tensor e = denoiser.eps(x, 0.5);
    const Tensor next = (x - 0.1 * e) / 0.99 + 0.01 * rng.normal(x.sizes());
  });
}

}  // namespace
}  // namespace sextant

int main(int argc, char** argv) {
  using namespace sextant;
  cache_tensor_memory();
  const std::string mode = argc > 2 ? argv[2] : "";
  if (mode == "avx2") hwy::DisableTargets(HWY_AVX2 - 1);  // lower bits: newer
  at::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const ItemShape shape = {.sizes = {1, 28, 28}, .classes = 10};
  const auto model = build_model(DdpmConfig{.net = mode == "prenorm" ? prenorm_unet() : UnetConfig{}}, shape, Rng(0));
  auto& diffusion = dynamic_cast<Diffusion&>(*model);
  const double train = training_s(*model, Precision::kFloat32);
  const double megabytes = static_cast<double>(peak_memory_bytes()) / 1e6;
  const double train_bf16 = training_s(*model, Precision::kBFloat16);
  model->eval();
  std::printf("{\"train_s\": %.5f, \"sample_s\": %.5f, \"peak_mb\": %.0f, ", train,
              sampling_s(diffusion, Precision::kFloat32), megabytes);
  std::printf("\"bf16_train_s\": %.5f, \"bf16_sample_s\": %.5f}\n", train_bf16,
              sampling_s(diffusion, Precision::kBFloat16));
}
