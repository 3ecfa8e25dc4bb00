// Spectral normalisation (Miyato et al. 2018): a weight divided by its largest singular value, so that the layer is
// 1-Lipschitz. The value is followed by power iteration; its two vectors are buffers, so that checkpoints hold them. A
// filter [O,C,k,k] is taken as the matrix [O, C k k], the paper's choice: that bounds the convolution's norm up to a
// factor and is not equal to it.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "sextant/tensor/rng.h"

namespace sextant {

class SpectralNormImpl : public torch::nn::Module {
 public:
  // The vectors start at random and take kFirstSteps steps.
  explicit SpectralNormImpl(const Tensor& weight);
  // weight / sigma(weight). Changes nothing: the vectors move in iterate_ only.
  Tensor forward(const Tensor& weight) { return weight / sigma(weight); }
  // u W v: the largest singular value as far as the vectors know it. Its gradient is u v^T.
  Tensor sigma(const Tensor& weight);
  // Moves the vectors: v = W^T u, u = W v, each at length 1. No gradient is recorded.
  void iterate_(const Tensor& weight, int64_t steps = 1);

  static constexpr int64_t kFirstSteps = 16;

 private:
  Tensor u_, v_;
};
TORCH_MODULE(SpectralNorm);

}  // namespace sextant
