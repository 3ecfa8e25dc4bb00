// Batch normalisation of maps (Ioffe & Szegedy 2015) with the ReLU behind it. While training each channel is
// normalised by the batch's own mean and variance, and running averages follow; otherwise by those averages, which are
// buffers.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "sextant/tensor/rng.h"

namespace sextant {

class BatchNormImpl : public torch::nn::Module {
 public:
  explicit BatchNormImpl(int64_t channels);
  // relu(BatchNorm(x)), x [B,C,H,W]. `batch_statistics`: by the batch's own, and the running averages move.
  Tensor forward(const Tensor& x, bool batch_statistics);

  Tensor weight, bias;

 private:
  Tensor running_mean_, running_var_;
};
TORCH_MODULE(BatchNorm);

}  // namespace sextant
