// Fully connected nets: linear layers with ReLU between them and none after the last.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <vector>

#include "sextant/nets/layers.h"

namespace sextant {

class MlpImpl : public torch::nn::Module {
 public:
  // widths = {in, hidden…, out}, at least two.
  explicit MlpImpl(const std::vector<int64_t>& widths);
  Tensor forward(const Tensor& x);  // [B,in] -> [B,out]
  // Weight and bias of every layer in turn, for those who run all layers as one step.
  std::vector<Tensor> weights_and_biases() const;
  // The last layer to zero, in place: the net starts as the constant 0.
  void zero_output_();

 private:
  std::vector<Linear> layers_;
};
TORCH_MODULE(Mlp);

}  // namespace sextant
