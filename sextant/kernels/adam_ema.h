// Adam, AdamW and the moving average of the weights in one pass over memory (Kingma & Ba 2015; Loshchilov & Hutter
// 2019). Each number is read and written once a step: weight w, gradient g, moments m and v, average e.
#pragma once

#include <cstdint>
#include <span>

namespace sextant::kernels {

// One parameter tensor, flat and contiguous. `ema` may be null.
struct AdamSlice {
  float* weight;
  const float* gradient;
  float* first_moment;
  float* second_moment;
  float* ema;
  int64_t count;
};

struct AdamStep {
  double lr = 1e-3;  // of this step, after warm-up and decay
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double weight_decay = 0.0;
  bool decoupled = false;       // AdamW: w shrinks by 1 - lr * weight_decay; else weight_decay * w is added to g
  int64_t step = 1;             // counts from 1, for the bias corrections
  double gradient_scale = 1.0;  // multiplies g first: clipping by the global norm
  double ema_decay = 0.0;       // e = decay * e + (1 - decay) * w, after the step
};

void adam_ema_reference(std::span<const AdamSlice> slices, const AdamStep& step);
void adam_ema(std::span<const AdamSlice> slices, const AdamStep& step);

// Sum of squares of all gradients, in double; the result depends on the slices only, not on the thread count.
double sum_of_squares(std::span<const AdamSlice> slices);

}  // namespace sextant::kernels
