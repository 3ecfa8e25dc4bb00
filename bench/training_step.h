// What the trainer does between two batches, and nothing else: the loss of one player, its gradients, the optimiser.
#pragma once

#include <string>
#include <vector>

#include "sextant/train/optimiser.h"

class TrainingStep {
 public:
  explicit TrainingStep(sextant::Trainable& model, size_t player = 0, double ema_decay = 0.0)
      : model_(model),
        player_index_(player),
        player_(model.players()[player]),
        optimiser_(player_, std::vector<std::string>(player_.parameters.size()), ema_decay, 1) {}

  void operator()(const sextant::Batch& batch, sextant::Rng& rng) {
    const sextant::Loss loss = model_.loss(player_index_, batch, rng);
    optimiser_.step_(torch::autograd::grad({loss.total}, player_.parameters));
  }

 private:
  sextant::Trainable& model_;
  size_t player_index_;
  sextant::Player player_;
  sextant::Optimiser optimiser_;
};
