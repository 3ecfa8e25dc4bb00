// Exercise 14.21: the variational autoencoder on MNIST. Settings of the chapter's section 14.4: 784-400-20-400-784,
// ReLU, Bernoulli cross-entropy and KL both summed, Adam 1e-3, batch 128, 10 epochs.
#include "sextant/lab/exercises/exercises.h"
#include "sextant/lab/latent_panels.h"
#include "sextant/lab/panels.h"

namespace sextant {
namespace {

// What a reference run gave (another implementation, seed 0), nats; one seed differs from another by about half a nat.
constexpr double kExpectedEpoch1 = 127.4, kExpectedEpoch5 = 108.3, kExpectedEpoch10 = 105.7, kTolerance = 1.5;

}  // namespace

PlannedRun planned_vae() {
  return {
      .run = {.name = "vae-mnist",
              .data = {.name = "mnist"},
              .model = VaeConfig{},
              .train = {.epochs = 10, .keep_epochs = {1, 5, 10}}},
      .quick = {},  // ten epochs take less than half a minute
      .smoke = {"data.limit=1024", "data.test_limit=256", "train.epochs=3", "train.keep_epochs=[1,2,3]",
                "train.log_every=4"},
  };
}

Experiment exercise_14_21() {
  const PlannedRun vae = planned_vae();
  PlannedRun plane = vae;
  plane.run.name = "vae-mnist-2d";
  plane.run.model = VaeConfig{.latent = 2};
  plane.run.train.keep_epochs = {10};
  plane.smoke[3] = "train.keep_epochs=[3]";

  return {
      .id = "14.21",
      .title = "A variational autoencoder on MNIST",
      .question =
          "Train a variational autoencoder on the handwritten digits. How do the two parts of its loss move, how well "
          "does it reproduce test pictures after epochs 1, 5 and 10, and what does it draw from noise?",
      .runs = {vae, plane},
      .panels = {panels::training_curves("vae-mnist", {"loss", "reconstruction", "kl"}),
                 panels::latent_variable_numbers("vae-mnist"), panels::reconstructions("vae-mnist", 10),
                 panels::importance_curve("vae-mnist", 100, {1, 10, 100, 1000, 10000}),
                 panels::latent_map("vae-mnist-2d", 20), panels::sample_grid("vae-mnist", 10, 10)},
      .claims = {{.says = "The test loss (−ELBO) after epoch 1 is within 1.5 nats of 127.4.",
                  .numbers = {"vae-mnist.test.1.loss"},
                  .holds = each(within(kExpectedEpoch1, kTolerance)),
                  .from = RunScale::kQuick},
                 {.says = "After epoch 5 it is within 1.5 nats of 108.3.",
                  .numbers = {"vae-mnist.test.5.loss"},
                  .holds = each(within(kExpectedEpoch5, kTolerance)),
                  .from = RunScale::kQuick},
                 {.says = "After epoch 10 it is within 1.5 nats of 105.7.",
                  .numbers = {"vae-mnist.test.10.loss", "vae-mnist.test.10.reconstruction", "vae-mnist.test.10.kl"},
                  .holds = [](Values v) { return within(kExpectedEpoch10, kTolerance)(v[0]); },
                  .from = RunScale::kQuick},
                 {.says = "Every one of the 20 units of z is in use (mean KL above 0.05 nats).",
                  .numbers = {"vae-mnist.active_units"},
                  .holds = [](Values v) { return v[0] == 20; },
                  .from = RunScale::kQuick},
                 {.says = "Importance weighting tightens the bound: the estimate of log p(x) rises from one draw "
                          "(whose mean is the ELBO) to 100 and to 10,000.",
                  .numbers = {"vae-mnist.log_p.1", "vae-mnist.log_p.100", "vae-mnist.log_p.10000"},
                  .holds = strictly_rising,
                  .from = RunScale::kQuick},
                 {.says = "With 10,000 draws it is within 1.5 nats of −99.0.",
                  .numbers = {"vae-mnist.log_p.10000", "vae-mnist.effective_samples.10000"},
                  .holds = [](Values v) { return within(-99.0, kTolerance)(v[0]); },
                  .from = RunScale::kQuick},
                 {.says = "The test loss falls from the first epoch to the last.",
                  .numbers = {"vae-mnist.test.1.loss", "vae-mnist.test.last.loss"},
                  .holds = strictly_falling}},
      .reading =
          R"(The loss is the negative evidence lower bound: the cost of reproducing the picture (a cross-entropy summed
over 784 pixels) plus the KL divergence of q(z|x) from the standard normal prior (summed over the units of z), both
averaged over pictures, in nats. The training curve is a mean over the running epoch, so in the first epoch it lies
above the test curve, which is taken at the epoch's end.

The two parts pull against each other, and only their sum is minimised: the encoder puts more into z, which raises the
KL term, as long as a nat of KL saves more than a nat of reconstruction.

The pixels are grey, so the Bernoulli term is a cross-entropy and no log density: its floor is above zero, and these
numbers do not compare with results on binarised digits.

Samples and reconstructions show the **means** of p(x|z), not draws from it; draws would be speckled. The means are
blurred because one mean has to answer for every picture that the same z could have made.)",
  };
}

}  // namespace sextant
