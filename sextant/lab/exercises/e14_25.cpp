// Exercise 14.25: RealNVP on two moons, and a multiscale RealNVP on MNIST. Eight affine couplings with alternating
// masks and nets of 128 x 2, Adam 1e-3; the points carry noise of 0.1 and are standardised by their exact moments.
#include "sextant/lab/exercises/exercises.h"
#include "sextant/lab/flow_panels.h"

namespace sextant {
namespace {

const std::string kMoons = "realnvp-moons", kDigits = "realnvp-mnist";
constexpr double kOneGaussian = 2.73;  // −log p under the best single Gaussian, standardised, nats

std::string moons_name(int64_t seed) { return seed == 0 ? kMoons : concat(kMoons, "-", seed); }

PlannedRun moons(int64_t seed) {
  return {.run = {.name = moons_name(seed),
                  .data = {.name = "two_moons", .noise = 0.1, .toy_size = 20000},
                  .model = RealNvpConfig{.optimiser = {.decay = Decay::kCosine}},
                  .train = {.epochs = 100, .seed = seed, .batch_size = 512}},
          .quick = {"train.epochs=30"},
          .smoke = {"data.toy_size=2000", "train.epochs=15", "model.couplings=6", "model.hidden=[32,32]"}};
}

PlannedRun digits() {
  return {.run = {.name = kDigits,
                  .data = {.name = "mnist"},
                  .model = RealNvpConfig{.optimiser = {.clip_norm = 50, .warmup_steps = 200, .decay = Decay::kCosine}},
                  .train = {.epochs = 8, .batch_size = 128, .ema_decay = 0.999}},
          .quick = {"data.limit=12000", "data.test_limit=2000", "train.epochs=2", "model.width=16"},
          .smoke = {"data.limit=256", "data.test_limit=64", "train.epochs=2", "model.width=8", "model.blocks=0",
                    "model.scale_couplings=2", "train.batch_size=64", "model.optimiser.warmup_steps=2"}};
}

}  // namespace

Experiment exercise_14_25() {
  std::vector<panels::NamedRun> seeds;
  for (int64_t seed = 0; seed < 3; ++seed) seeds.push_back({moons_name(seed), concat("seed ", seed)});
  return {
      .id = "14.25",
      .title = "A normalising flow on two moons",
      .question =
          "Build RealNVP from affine coupling layers and train it on two moons by its exact likelihood. What density "
          "does it learn, how near does its likelihood come to the entropy of the data, and is it a flow at all: "
          "invertible, with the right determinant, and with a density that integrates to one?",
      .runs = {moons(0), moons(1), moons(2), digits()},
      .panels = {panels::moons_nll(seeds), panels::moons_density(kMoons), panels::moons_samples(kMoons, 1500),
                 panels::flow_laws(kMoons, 500), panels::flow_pictures(kDigits, 8, 8), panels::flow_laws(kDigits, 64),
                 panels::flow_film(kMoons, 3000)},
      .claims = {{.says = "No density beats the data: the test −log p of no seed lies below the entropy of the data by "
                          "more than three standard errors.",
                  .numbers = panels::numbers_of(seeds, "gap_in_errors"),
                  .holds = each([](double errors) { return errors >= -3; })},
                 {.says = "Each of the three seeds comes within 0.1 nats of the entropy.",
                  .numbers = panels::numbers_of(seeds, "gap"),
                  .holds = each(within(0, 0.1)),
                  .from = RunScale::kQuick},
                 {.says = "It is better than the best single Gaussian (2.73 nats) for every seed.",
                  .numbers = panels::numbers_of(seeds, "nll"),
                  .holds = each([](double nll) { return nll < kOneGaussian; })},
                 {.says = "The learned density of seed 0 integrates to 1 ± 0.01.",
                  .numbers = {kMoons + ".integral"},
                  .holds = each(within(1, 0.01))},
                 {.says = "What goes through its flow comes back: to 1e-4 in float32 and 1e-9 in double.",
                  .numbers = {kMoons + ".round_trip.float32", kMoons + ".round_trip.float64"},
                  .holds = [](Values v) { return v[0] <= 1e-4 && v[1] <= 1e-9; }},
                 {.says = "The sum of s is the log-determinant: within 1e-9 of slogdet of the autograd Jacobian, on "
                          "its trained net, in double.",
                  .numbers = {kMoons + ".log_det_error"},
                  .holds = [](Values v) { return v[0] <= 1e-9; }},
                 {.says = "Pictures come back, too: to 1e-3 of the range of a pixel in float32.",
                  .numbers = {kDigits + ".round_trip.float32", kDigits + ".round_trip.float64"},
                  .holds = [](Values v) { return v[0] <= 1e-3; }},
                 {.says = "The flow of pictures learns: its bits a dimension on test pictures fall from the first "
                          "epoch to the last.",
                  .numbers = {kDigits + ".first_bits_per_dim", kDigits + ".bits_per_dim"},
                  .holds = strictly_falling},
                 {.says = "They come below 2, where equally likely greys would cost 8.",
                  .numbers = {kDigits + ".bits_per_dim"},
                  .holds = [](Values v) { return v[0] < 2; },
                  .from = RunScale::kFull}},
      .reading =
          R"(A flow maps data x to noise z by a bijection, so its density needs no bound: log p(x) = log N(z; 0, I) +
log|det dz/dx|. A coupling layer lets half of the numbers pass and scales and shifts the others by what a net makes of
the first half, so its Jacobian is triangular and its log-determinant is the sum of the log scales s. The net is never
inverted. Masks alternate, or some numbers would never change.

The mean of −log p over fresh points is the entropy of the data plus the KL divergence from the data to the model, so
the entropy is a floor: here it is known by quadrature, and what stands above it is what the flow has not learned.
**Coordinates are standardised** by the exact moments; in raw coordinates all numbers are smaller by the sum of the
logarithms of the two standard deviations.

For pictures, a density over real numbers would grow without limit on bytes. Uniform noise is added within each of the
256 bins; the mean log density of such points is a lower bound of log P of the bytes, which is what is reported, in bits
a dimension (nats / (784 ln 2)). Background pixels, all of one value, carry much of what can be gained, so numbers on
MNIST do not compare with those on photographs.)",
  };
}

}  // namespace sextant
