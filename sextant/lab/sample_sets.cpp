#include "sextant/lab/sample_sets.h"

#include <torch/torch.h>

#include <chrono>

#include "sextant/base/files.h"
#include "sextant/base/interrupt.h"
#include "sextant/base/progress.h"
#include "sextant/nets/conv.h"
#include "sextant/tensor/shape.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr double kSaveEverySeconds = 60;

int64_t evaluations_of(const SamplePlan& plan, const Diffusion& model) {
  const auto grid = make_grid(plan.spacing, plan.steps, model.schedule().steps());
  const bool guided = plan.labels != LabelChoice::kNone && plan.guidance != 0 && plan.guidance != 1;
  return static_cast<int64_t>(grid.size() - 1) * (guided ? 2 : 1);
}

// What is on disk of a set: its file, and what it held.
class KeptSet {
 public:
  KeptSet(const TrainedRun& trained, const SamplePlan& plan, uint64_t seed)
      : plan_(to_json(plan)), seed_(std::to_string(seed)) {
    Json key = {{"plan", plan_}, {"seed", seed}, {"run", fingerprint(trained.run)}};
    file_ = trained.folder / "samples" / (fingerprint(key) + ".safetensors");
    if (!fs::exists(file_)) return;
    TensorFile kept = load_tensors(file_);
    SEXTANT_CHECK(kept.tensors.contains("pictures") && kept.metadata.contains("seconds"), "[samples] ", file_.string(),
                  " is no set of samples; remove it, and it is drawn again");
    pictures = kept.tensors.at("pictures");
    seconds = std::stod(kept.metadata.at("seconds"));
  }
  void save() const {
    save_tensors(file_, {{"pictures", pictures}},
                 {{"plan", plan_.dump()}, {"seed", seed_}, {"seconds", std::to_string(seconds)}});
  }
  int64_t count() const { return pictures.defined() ? pictures.size(0) : 0; }

  Tensor pictures;
  double seconds = 0;

 private:
  Json plan_;
  std::string seed_;
  fs::path file_;
};

}  // namespace

Diffusion& diffusion_of(const TrainedRun& trained) {
  auto* found = dynamic_cast<Diffusion*>(trained.model.get());
  SEXTANT_USAGE_CHECK(found, "[sample] ", trained.run.name,
                      " is no diffusion model: samplers, steps, guidance and films belong to those");
  return *found;
}

void check_plan(const SamplePlan& plan, const Diffusion& model) {
  make_grid(plan.spacing, plan.steps, model.schedule().steps());
  if (plan.labels == LabelChoice::kNone) return;
  SEXTANT_USAGE_CHECK(model.classes() > 0, "[sample] this run is unconditional: it knows no labels and no guidance. ",
                      "Use a run trained with model.conditional = true, such as recipes/ddpm-mnist.toml");
  SEXTANT_USAGE_CHECK(plan.labels != LabelChoice::kOne || plan.label < model.classes(),
                      "[sample] the label must be 0 to ", model.classes() - 1, "; got ", plan.label);
}

Tensor labels_of(const SamplePlan& plan, const Diffusion& model, int64_t first, int64_t count) {
  if (model.classes() == 0) return {};
  if (plan.labels == LabelChoice::kNone) return torch::full({count}, model.classes(), at::kLong);
  if (plan.labels == LabelChoice::kOne) return torch::full({count}, plan.label, at::kLong);
  return torch::arange(first, first + count, at::kLong) % model.classes();
}

Tensor run_plan(const SamplePlan& plan, Diffusion& model, const Tensor& x_T, int64_t first, Rng& rng,
                const StepObserver& observer) {
  check_plan(plan, model);
  const torch::NoGradGuard no_grad;
  const Grid grid = make_grid(plan.spacing, plan.steps, model.schedule().steps());
  Tensor labels = labels_of(plan, model, first, x_T.size(0));
  if (labels.defined()) labels = labels.to(x_T.device());
  const auto sample = [&](const Denoiser& denoiser) {
    return run_sampler(plan.sampler, denoiser, x_T, grid, rng, observer);
  };
  if (plan.labels == LabelChoice::kNone) return sample(ModelDenoiser(model.schedule(), model.predictor(), labels));
  return sample(GuidedDenoiser(model.schedule(), model.predictor(), labels, model.classes(), plan.guidance));
}

Tensor starting_noise(const Diffusion& model, uint64_t seed, int64_t first) {
  Rng rng = Rng(seed).split("x_T").split(static_cast<uint64_t>(first));
  return channels_last(rng.normal(batch_of(kSampleChunk, model.item())));
}

SampleSet sample_set(const TrainedRun& trained, const SamplePlan& plan, int64_t count, uint64_t seed, bool quiet) {
  Diffusion& model = diffusion_of(trained);
  check_plan(plan, model);
  KeptSet kept(trained, plan, seed);
  const at::Device device = trained.device();
  Progress progress(concat(trained.run.name, " samples"), count, kept.count(), 1, quiet);
  std::vector<Tensor> pieces;
  if (kept.pictures.defined()) pieces.push_back(kept.pictures);
  const auto keep = [&] {
    kept.pictures = torch::cat(pieces);
    pieces = {kept.pictures};
    kept.save();
  };
  auto saved = Clock::now();
  for (int64_t first = kept.count(); first < count; first += kSampleChunk) {
    Rng noise = Rng(seed).split("sampler").split(static_cast<uint64_t>(first));
    const auto start = Clock::now();
    const Tensor x = run_plan(plan, model, starting_noise(model, seed, first).to(device), first, noise);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    kept.seconds = kept.seconds == 0 ? seconds : std::min(kept.seconds, seconds);
    pieces.push_back(to_bytes(x, trained.model->pixel_range()));
    const int64_t done = first + kSampleChunk;
    progress.update(std::min(done, count), [&] { return concat(plan.steps, " steps"); });
    if (done >= count || interrupted() || Clock::now() - saved > std::chrono::duration<double>(kSaveEverySeconds)) {
      keep();
      saved = Clock::now();
    }
    if (interrupted() && done < count)
      throw Interrupted(
          concat("stopped after ", done, " of ", count, " samples; they are kept. The same command goes on from here"));
  }
  return {.pictures = kept.pictures.slice(0, 0, count),
          .labels = plan.labels == LabelChoice::kNone ? Tensor() : labels_of(plan, model, 0, count),
          .seconds = kept.seconds,
          .evaluations = evaluations_of(plan, model)};
}

}  // namespace sextant
