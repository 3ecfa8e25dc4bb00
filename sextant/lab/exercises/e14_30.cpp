// Exercise 14.30: the variational autoencoder on CIFAR-10, by convolutions and fully connected.
#include <algorithm>

#include "sextant/lab/exercises/exercises.h"
#include "sextant/lab/latent_panels.h"

namespace sextant {
namespace {

using panels::NamedRun;

const NamedRun kConv = {"vae-conv", "conv"}, kMlp = {"vae-mlp", "MLP"}, kGauss = {"vae-conv-gauss", "conv, Gauss"};

// Same latent size, data, length and learning rate; nearly the same number of parameters (985,060 and 982,829).
PlannedRun planned(const NamedRun& named, VaeConfig net, const std::string& small) {
  net.latent = 128;
  net.learn_sigma = true;
  net.optimiser = {.lr = 1e-3, .warmup_steps = 500, .decay = Decay::kCosine};
  return {.run = {.name = named.run,
                  .data = {.name = "cifar10"},
                  .model = net,
                  .train = {.epochs = 20, .flip = true, .ema_decay = 0.999, .keep_epochs = {1, 5, 20}}},
          .quick = {"train.epochs=3", "train.keep_epochs=[1,3]"},
          .smoke = {"data.name=shapes", "data.limit=512", "data.test_limit=128", small, "model.latent=8",
                    "model.optimiser.warmup_steps=8", "train.epochs=3", "train.keep_epochs=[3]", "train.batch_size=64",
                    "train.ema_decay=0.9", "train.log_every=4"}};
}

}  // namespace

Experiment exercise_14_30() {
  const std::vector<NamedRun> all = {kConv, kMlp, kGauss}, pair = {kConv, kMlp};
  return {
      .id = "14.30",
      .title = "A convolutional autoencoder in colour",
      .question =
          "Build the variational autoencoder's two halves from convolutions and train it on CIFAR-10. How do its "
          "reconstructions and samples compare with those of a fully connected one?",
      .runs = {planned(kConv, {.conv = {32, 64, 128}, .likelihood = Likelihood::kDiscretisedLogistic},
                       "model.conv=[8,16]"),
               planned(kMlp, {.hidden = {150}, .likelihood = Likelihood::kDiscretisedLogistic}, "model.hidden=[16]"),
               planned(kGauss, {.conv = {32, 64, 128}, .likelihood = Likelihood::kGaussian}, "model.conv=[8,16]")},
      .panels = {panels::run_curves(pair, {.part = "loss", .title = "−ELBO", .unit = "nats a picture"}),
                 panels::run_curves(pair, {.part = "kl", .title = "KL divergence", .unit = "nats a picture"}),
                 panels::code_lengths(all), panels::run_reconstructions(all, 10), panels::run_scores(all),
                 panels::run_samples(all, 10)},
      .claims = {{.says = "With nearly as many parameters and as many units of z, convolutions reconstruct better, in "
                          "one run of each: a smaller squared error.",
                  .numbers = {"vae-conv.mse", "vae-mlp.mse", "vae-conv.psnr", "vae-mlp.psnr", "vae-conv.parameters",
                              "vae-mlp.parameters"},
                  .holds = [](Values v) { return v[0] < v[1]; },
                  .from = RunScale::kQuick},
                 {.says = "And they code a picture in fewer bits, in the same two runs.",
                  .numbers = {"vae-conv.bits_per_dim", "vae-mlp.bits_per_dim"},
                  .holds = strictly_rising,
                  .from = RunScale::kQuick},
                 {.says = "Their samples are closer to real pictures by the Fréchet distance, in the same two runs.",
                  .numbers = {"vae-conv.fcd", "vae-mlp.fcd", "floor.fcd"},
                  .holds = [](Values v) { return v[0] < v[1]; },
                  .from = RunScale::kQuick},
                 {.says = "Samples of neither are near the floor that real pictures reach: over twenty times as far.",
                  .numbers = {"vae-conv.fcd", "vae-mlp.fcd", "floor.fcd"},
                  .holds = [](Values v) { return std::min(v[0], v[1]) > 20 * v[2]; },
                  .from = RunScale::kQuick},
                 {.says = "Every code is shorter than the eight bits a number that storing it plainly takes.",
                  .numbers = {"vae-conv.bits_per_dim", "vae-mlp.bits_per_dim", "vae-conv-gauss.bits_per_dim"},
                  .holds = each([](double bits) { return bits < 8; }),
                  .from = RunScale::kQuick},
                 {.says = "Both learn: the test loss falls from the first epoch to the last.",
                  .numbers = {"vae-conv.test.1.loss", "vae-conv.test.last.loss", "vae-mlp.test.1.loss",
                              "vae-mlp.test.last.loss"},
                  .holds = [](Values v) { return strictly_falling(v.first(2)) && strictly_falling(v.last(2)); }}},
      .reading =
          R"(The likelihood is a probability of the stored bytes: a logistic density around the decoder's mean,
integrated over each byte's cell, with one learned width for all pixels. So the bound is a code length, and bits a
dimension compare with other models of the same data; a cross-entropy on colours would be no likelihood at all. The
Gaussian with learned width stands beside it: its density times the cell's width is a code length too, so bits compare
(−ELBO of a density and of a probability do not), and what differs is the form of the density.

conv: convolutional halves, MLP: fully connected ones, both with the logistic likelihood; conv, Gauss: the Gaussian.
Each was trained once, with one seed: a difference between them may also come from the seed.

Convolutions see neighbours as neighbours and use one filter everywhere; a fully connected layer has to learn every
place anew, and most of its parameters go into two layers next to the pixels. Samples of both are blurred: independent
noise on every pixel can't say that an edge is either here or there, so the mean shows both. The pictures here are
**means** of p(x|z).

The numbers hold for the files whose hash stands in the table. Our own runs read a copy of CIFAR-10 that had been
through JPEG, close to the official pixels but not equal, and smoother: bits a dimension on it are expected to come out
lower than on the official files and do not compare with published ones. `smoke` draws coloured shapes instead, so that every part
runs without a download.)",
  };
}

}  // namespace sextant
