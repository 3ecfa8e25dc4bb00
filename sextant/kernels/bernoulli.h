// The Bernoulli likelihood of pixels given logits l: -log p(x) = sum over D of softplus(l) - x l, in nats, stable for
// any finite l; x in [0,1] (grey values are allowed, as in the usual VAE). l, x [B,D] contiguous. Rows do not depend on
// the number of threads.
#pragma once

#include <cstdint>

namespace sextant::kernels {

// nll [B], nats, summed over D in double. `residual` [B,D], if not null, becomes sigmoid(l) - x, the gradient of nll.
void bernoulli_nll_with_logits(int64_t rows, int64_t columns, const float* logits, const float* x, double* nll,
                               float* residual = nullptr);

// dl = (sigmoid(l) - x) * scale[row]; scale [B] is the gradient that arrives at each row's nll.
void bernoulli_nll_backward(int64_t rows, int64_t columns, const float* logits, const float* x, const float* scale,
                            float* dlogits);

// The same in plain loops in double.
void bernoulli_nll_with_logits_reference(int64_t rows, int64_t columns, const float* logits, const float* x,
                                         double* nll, float* residual = nullptr);
void bernoulli_nll_backward_reference(int64_t rows, int64_t columns, const float* logits, const float* x,
                                      const float* scale, float* dlogits);

}  // namespace sextant::kernels
