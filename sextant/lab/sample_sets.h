// Samples of a diffusion run, drawn by one plan: which sampler, how many steps, which guidance, which classes. Sets are
// kept beside the run's weights and grow on demand, so that pages share them and hours of sampling survive a kill.
#pragma once

#include "sextant/diffusion/samplers.h"
#include "sextant/lab/run_store.h"
#include "sextant/metrics/features.h"

namespace sextant {

enum class LabelChoice { kNone, kEach, kOne };
constexpr auto enum_names(LabelChoice) {
  return std::array{std::pair{LabelChoice::kNone, "none"}, std::pair{LabelChoice::kEach, "each"},
                    std::pair{LabelChoice::kOne, "one"}};
}

struct SamplePlan {
  SamplerConfig sampler = Ddim{};
  int64_t steps = 50;
  Spacing spacing = Spacing::kTrailing;
  LabelChoice labels = LabelChoice::kNone;
  int64_t label = 0;
  double guidance = 1.0;
  static constexpr auto fields() {
    return std::tuple{
        Field{"sampler", &SamplePlan::sampler, "from noise to data"},
        Field{"steps", &SamplePlan::steps, "steps from noise to data", between(1, 100000)},
        Field{"spacing", &SamplePlan::spacing, "which steps of the chain are visited"},
        Field{"labels", &SamplePlan::labels, "none: unconditional; each: all classes in turn; one: `label`"},
        Field{"label", &SamplePlan::label, "the class, where labels = one", at_least(0)},
        Field{"guidance", &SamplePlan::guidance, "s in eps(none) + s (eps(label) - eps(none))", at_least(0)},
    };
  }
};

// What the model can do beyond sampling. Throws UsageError when it is no diffusion model.
Diffusion& diffusion_of(const TrainedRun& trained);

// Throws UsageError where plan and model do not fit: labels on an unconditional run, a label out of range, more steps
// than the chain has.
void check_plan(const SamplePlan& plan, const Diffusion& model);

// Steps that a plan takes: fewer than plan.steps where its spacing visits a time twice.
int64_t steps_taken(const SamplePlan& plan, const Diffusion& model);

// Samples that begin from the noise `x_T`, in the model's range. `first` is the place of x_T[0] in the whole set;
// `noise` is what the sampler adds on the way. Throws UsageError where plan and model do not fit.
Tensor run_plan(const SamplePlan& plan, Diffusion& model, const Tensor& x_T, int64_t first, const NoiseSource& noise,
                const StepObserver& observer = {});

// The noise that the samples first … first + kSampleChunk - 1 start from: the same for every plan.
constexpr int64_t kSampleChunk = 64;
Tensor starting_noise(const Diffusion& model, uint64_t seed, int64_t first);

struct SampleSet {
  Tensor pictures;          // uint8 [N,C,H,W]
  Tensor labels;            // int64 [N], or undefined
  std::string drawn_on;     // the machines that drew them, and the hash of the weights that each had
  int64_t evaluations = 0;  // of the net, a sample
};

// Where the set of a plan lies, or will. Its name hashes what of the plan differs from the defaults, the seed and the
// run.
std::filesystem::path sample_set_file(const TrainedRun& trained, const SamplePlan& plan, uint64_t seed);

// `count` samples: read from that file, drawn in whole chunks where missing, and kept. Throws UsageError where plan
// and model do not fit, Interrupted on Ctrl-C, with what there is kept.
SampleSet sample_set(const TrainedRun& trained, const SamplePlan& plan, int64_t count, uint64_t seed, bool quiet);

// Seconds that a chunk of 64 takes on this machine, noise and bytes included: the fastest of those it drew for the set
// of `count`, or of one drawn for the purpose where another machine drew the set. Where a GPU draws several chunks at
// once, a chunk's share.
double seconds_a_chunk(const TrainedRun& trained, const SamplePlan& plan, int64_t count, uint64_t seed);

// Where drawing stands after a step of those that are drawn together.
struct DrawStep {
  int64_t first;  // step.x holds the samples from here on
  int64_t done;   // samples that the work so far comes to: of those under way the share of their steps
  const SamplerStep& step;
};
using DrawObserver = std::function<void(const DrawStep& at)>;

// The pictures of sample_set, drawn and kept nowhere. `at_once`: chunks drawn together, 0: as many as suit the device.
// Throws as sample_set does, and UsageError where count < 1.
Tensor draw_set(const TrainedRun& trained, const SamplePlan& plan, int64_t count, uint64_t seed,
                const DrawObserver& observer = {}, int64_t at_once = 0);

// `count` samples of a run of any other family as bytes [n,C,H,W]; `done` gets how many there are. Throws as
// sample_bytes does.
Tensor draw_samples(const TrainedRun& trained, int64_t count, uint64_t seed,
                    const std::function<void(int64_t)>& done = {});

}  // namespace sextant
