// One player's Adam or AdamW with learning-rate schedule, gradient clipping and a moving average of the weights (EMA).
// On the CPU in float32 all of it is one pass over memory (kernels/adam_ema); elsewhere the same formulas in LibTorch's
// operations.
#pragma once

#include <string>
#include <vector>

#include "sextant/families/model.h"
#include "sextant/tensor/tensor_file.h"

namespace sextant {

// Learning rate of step `step` (from 1) of `total`: linear warm-up, then level or half a cosine to zero.
double learning_rate(const OptimiserConfig& config, int64_t step, int64_t total);

// Decay of the average at step `step` (from 1): min(decay, (1 + step) / (10 + step)), so that an average begins as a
// copy and forgets the first steps soon.
double ema_decay_at(double decay, int64_t step);

class Optimiser {
 public:
  // `names` are those of player.parameters, in order. ema_decay 0: no average is kept.
  Optimiser(Player player, std::vector<std::string> names, double ema_decay, int64_t total_steps);

  // Applies the gradients (one a parameter, same shapes) to the weights in place and returns their norm before
  // clipping, or 0 where clip_norm is 0.
  double step_(const std::vector<Tensor>& gradients);

  int64_t steps() const { return step_count_; }
  const Player& player() const { return player_; }

  // By name: the weights, which share the parameters' memory; their averages, none without EMA; and the moments,
  // "<name>.first_moment" and "<name>.second_moment".
  NamedTensors weights() const;
  NamedTensors averages() const;
  NamedTensors moments() const;
  void set_steps(int64_t steps) { step_count_ = steps; }

 private:
  double step_kernel_(const std::vector<Tensor>& gradients, double lr);
  double step_tensors_(const std::vector<Tensor>& gradients, double lr);
  double clip_scale(double norm) const;

  Player player_;
  std::vector<std::string> names_;
  double ema_decay_;
  int64_t total_steps_, step_count_ = 0;
  std::vector<Tensor> first_, second_, average_;
  bool kernel_ = true;  // CPU, float32
};

}  // namespace sextant
