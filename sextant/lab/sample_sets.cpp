#include "sextant/lab/sample_sets.h"

#include <ATen/Parallel.h>
#include <chrono>
#include <cstdlib>

#include "sextant/base/hash.h"
#include "sextant/base/interrupt.h"
#include "sextant/base/machine.h"
#include "sextant/base/progress.h"
#include "sextant/nets/conv.h"
#include "sextant/tensor/device.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr double kSaveEverySeconds = 60;

// A CPU's cache holds the maps of one chunk at best; a GPU is busy with a thousand pictures.
int64_t chunks_at_once(at::Device device) { return device.is_cpu() ? 1 : 16; }

int64_t evaluations_of(const SamplePlan& plan, const Diffusion& model) {
  const bool guided = plan.labels != LabelChoice::kNone && plan.guidance != 0 && plan.guidance != 1;
  return evaluations(plan.sampler, steps_taken(plan, model)) * (guided ? 2 : 1);
}

// int64 [count]: the labels of samples first … first + count - 1; undefined where they have none.
Tensor labels_of(const SamplePlan& plan, const Diffusion& model, int64_t first, int64_t count) {
  switch (plan.labels) {
    case LabelChoice::kOne:
      return torch::full({count}, plan.label, at::kLong);
    case LabelChoice::kEach:
      return torch::arange(first, first + count, at::kLong) % model.classes();
    case LabelChoice::kNone:
      break;
  }
  return {};
}

SamplerConfig defaults_of(const SamplerConfig& sampler) {
  return std::visit([](const auto& config) { return SamplerConfig(std::decay_t<decltype(config)>{}); }, sampler);
}
std::string name_of(const SamplerConfig& sampler) {
  return std::visit([](const auto& config) { return std::string(config.kTag.value); }, sampler);
}

std::string place_of(at::Device device) {
  return device.is_cpu() ? concat("cpu (", this_machine().cpu, ", ", at::get_num_threads(), " threads)")
                         : device_text(device);
}

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

int64_t steps_taken(const SamplePlan& plan, const Diffusion& model) {
  return static_cast<int64_t>(make_grid(plan.spacing, plan.steps, model.schedule().steps()).size()) - 1;
}

fs::path sample_set_file(const TrainedRun& trained, const SamplePlan& plan, uint64_t seed) {
  const SamplePlan usual = {.sampler = defaults_of(plan.sampler)};
  const Json key = {{"sampler", name_of(plan.sampler)},
                    {"plan", without_defaults(to_json(plan), to_json(usual))},
                    {"seed", seed},
                    {"run", fingerprint(trained.run)}};
  return trained.folder / "samples" / (fingerprint(key) + ".safetensors");
}

Tensor run_plan(const SamplePlan& plan, Diffusion& model, const Tensor& x_T, int64_t first, const NoiseSource& noise,
                const StepObserver& observer) {
  check_plan(plan, model);
  const torch::NoGradGuard no_grad;
  const Grid grid = make_grid(plan.spacing, plan.steps, model.schedule().steps());
  const auto sample = [&](const Denoiser& denoiser) {
    return run_sampler(plan.sampler, denoiser, x_T, grid, noise, observer);
  };
  if (plan.labels == LabelChoice::kNone) return sample(ModelDenoiser(model.schedule(), model.predictor()));
  const Tensor labels = labels_of(plan, model, first, x_T.size(0)).to(x_T.device());
  return sample(GuidedDenoiser(model.schedule(), model.predictor(), labels, model.classes(), plan.guidance));
}

Tensor starting_noise(const Diffusion& model, uint64_t seed, int64_t first) {
  Rng rng = Rng(seed).split("x_T").split(static_cast<uint64_t>(first));
  return channels_last(rng.normal(batch_of(kSampleChunk, model.item())));
}

namespace {

// Of the samples first … first + count - 1, where `first` begins a chunk. Each chunk has a stream of its own, so that a
// sample is the same however many are drawn with it.
Tensor starting_noise_of_chunks(const Diffusion& model, uint64_t seed, int64_t first, int64_t count) {
  std::vector<Tensor> each;
  for (int64_t c = 0; c < count; c += kSampleChunk) each.push_back(starting_noise(model, seed, first + c));
  return channels_last(torch::cat(each).slice(0, 0, count));
}
NoiseSource noise_of_chunks(uint64_t seed, int64_t first, int64_t count) {
  std::vector<Rng> streams;
  for (int64_t c = 0; c < count; c += kSampleChunk)
    streams.push_back(Rng(seed).split("sampler").split(static_cast<uint64_t>(first + c)));
  return [streams = std::move(streams)](at::IntArrayRef shape) mutable {
    std::vector<int64_t> of_chunk = shape.vec();
    of_chunk[0] = kSampleChunk;
    std::vector<Tensor> each;
    for (Rng& stream : streams) each.push_back(stream.normal(of_chunk));
    return torch::cat(each).slice(0, 0, shape[0]);
  };
}

// Whole chunks.
int64_t chunks_left(int64_t first, int64_t count, int64_t at_once) {
  return std::min(at_once, (count - first + kSampleChunk - 1) / kSampleChunk);
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

Tensor draw(const TrainedRun& trained, const SamplePlan& plan, uint64_t seed, int64_t first, int64_t count,
            const StepObserver& observer = {}) {
  Diffusion& model = diffusion_of(trained);
  const Tensor x_T = starting_noise_of_chunks(model, seed, first, count).to(trained.device());
  return to_bytes(run_plan(plan, model, x_T, first, noise_of_chunks(seed, first, count), observer),
                  trained.model->pixel_range());
}

// A set beside its run's weights: its file, what that held, and how it grows.
class KeptSet {
 public:
  KeptSet(const TrainedRun& trained, const SamplePlan& plan, uint64_t seed)
      : trained_(trained), plan_(plan), seed_(seed), here_(place_of(trained.device())) {
    file_ = sample_set_file(trained, plan, seed);
    if (!fs::exists(file_)) return;
    TensorFile kept = load_tensors(file_);
    const Tensor pictures = kept.tensors["pictures"];
    SEXTANT_CHECK(pictures.defined() && pictures.scalar_type() == at::kByte && pictures.dim() == 4 &&
                      pictures.sizes().slice(1) == at::IntArrayRef(diffusion_of(trained).item()) &&
                      pictures.size(0) % kSampleChunk == 0,
                  "[samples] ", file_.string(), " is no set of samples of this run; remove it, and it is drawn again");
    pieces_.push_back(pictures);
    count_ = pictures.size(0);
    drawn_on_ = kept.metadata.contains("device") ? kept.metadata.at("device") : "a machine that was not recorded";
    if (kept.metadata.contains("seconds") && kept.metadata["timed_on"] == here_)
      seconds_ = std::strtod(kept.metadata.at("seconds").c_str(), nullptr);
  }

  int64_t count() const { return count_; }
  // Draws `chunks` chunks more.
  void grow(int64_t chunks) {
    const auto start = Clock::now();
    pieces_.push_back(draw(trained_, plan_, seed_, count_, chunks * kSampleChunk));
    const double each = seconds_since(start) / static_cast<double>(chunks);
    seconds_ = seconds_ > 0 ? std::min(seconds_, each) : each;
    count_ += chunks * kSampleChunk;
    if (origin_.empty())  // hashing takes a while, and a set that is complete needs none
      origin_ = concat(here_, ", weights ", sha256_file(trained_.folder / "weights.safetensors").substr(0, 16));
    if (drawn_on_.find(origin_) == std::string::npos) drawn_on_ += (drawn_on_.empty() ? "" : "; ") + origin_;
  }
  // Of a chunk on this machine; 0: none was timed.
  double seconds() const { return seconds_; }
  void set_seconds(double seconds) { seconds_ = seconds; }
  // Leaves a longer set alone that another process has drawn meanwhile.
  void save() {
    pieces_ = {torch::cat(pieces_)};
    if (fs::exists(file_) && load_tensors(file_).tensors["pictures"].size(0) > count_) return;
    save_tensors(file_, {{"pictures", pieces_[0]}},
                 {{"plan", to_json(plan_).dump()},
                  {"seed", std::to_string(seed_)},
                  {"device", drawn_on_},
                  {"seconds", std::to_string(seconds_)},
                  {"timed_on", here_}});
  }
  // The first `count`, once they are saved.
  SampleSet first(int64_t count) const {
    const Diffusion& model = diffusion_of(trained_);
    return {.pictures = pieces_.at(0).slice(0, 0, count),
            .labels = labels_of(plan_, model, 0, count),
            .drawn_on = drawn_on_,
            .evaluations = evaluations_of(plan_, model)};
  }

 private:
  const TrainedRun& trained_;
  const SamplePlan& plan_;
  uint64_t seed_;
  std::string here_, origin_;  // this machine; and with the first digits of the hash of its file of weights
  std::string drawn_on_;
  fs::path file_;
  std::vector<Tensor> pieces_;  // what was saved, then what was drawn since
  int64_t count_ = 0;           // of samples in all pieces
  double seconds_ = 0;
};

}  // namespace

SampleSet sample_set(const TrainedRun& trained, const SamplePlan& plan, int64_t count, uint64_t seed, bool quiet) {
  check_plan(plan, diffusion_of(trained));
  KeptSet kept(trained, plan, seed);
  Progress progress(concat(trained.run.name, " samples"), count, kept.count(), 1, quiet);
  auto saved = Clock::now();
  while (kept.count() < count) {
    kept.grow(chunks_left(kept.count(), count, chunks_at_once(trained.device())));
    const int64_t done = std::min(kept.count(), count);
    progress.update(done, [&] { return concat(plan.steps, " steps"); });
    const bool stop = interrupted();
    if (done == count || stop || seconds_since(saved) > kSaveEverySeconds) {
      kept.save();
      saved = Clock::now();
    }
    if (stop)
      throw Interrupted(
          concat("stopped after ", done, " of ", count, " samples; they are kept. The same command goes on from here"));
  }
  return kept.first(count);
}

double seconds_a_chunk(const TrainedRun& trained, const SamplePlan& plan, int64_t count, uint64_t seed) {
  if (const double known = KeptSet(trained, plan, seed).seconds(); known > 0) return known;
  const int64_t chunks = chunks_left(0, count, chunks_at_once(trained.device()));
  const auto start = Clock::now();
  draw(trained, plan, seed, 0, chunks * kSampleChunk);
  const double seconds = seconds_since(start) / static_cast<double>(chunks);
  if (KeptSet now(trained, plan, seed); now.count() > 0) {  // read anew: it may have grown meanwhile
    now.set_seconds(seconds);
    now.save();
  }
  return seconds;
}

Tensor draw_set(const TrainedRun& trained, const SamplePlan& plan, int64_t count, uint64_t seed,
                const DrawObserver& observer, int64_t at_once) {
  SEXTANT_USAGE_CHECK(count >= 1, "[sample] asked for ", count, " samples; give 1 or more");
  check_plan(plan, diffusion_of(trained));
  if (at_once == 0) at_once = chunks_at_once(trained.device());
  const int64_t steps = steps_taken(plan, diffusion_of(trained));
  std::vector<Tensor> pieces;
  for (int64_t first = 0; first < count; first += at_once * kSampleChunk) {
    if (interrupted()) throw Interrupted(concat("stopped after ", first, " of ", count, " samples; they are not kept"));
    const int64_t together = std::min(at_once * kSampleChunk, count - first);
    pieces.push_back(draw(trained, plan, seed, first, together, [&](const SamplerStep& step) {
      if (observer) observer({.first = first, .done = first + together * step.step / steps, .step = step});
    }));
  }
  return torch::cat(pieces);
}

Tensor draw_samples(const TrainedRun& trained, int64_t count, uint64_t seed, const std::function<void(int64_t)>& done) {
  return sample_bytes(trained.generative(), count, Rng(seed).split("sample_scores"), done);
}

}  // namespace sextant
