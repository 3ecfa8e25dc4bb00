// Encoder and decoder of pictures by convolutions (exercise 14.30). The encoder has a stage for each width: 3x3
// convolution, GroupNorm with SiLU, 2x2 maximum; then one linear layer. The decoder mirrors it: linear layer, and in
// each stage nearest-neighbour enlargement, 3x3 convolution, GroupNorm with SiLU; a last 3x3 convolution makes the
// picture. Enlarging before a plain convolution leaves no checkerboard, as a transposed one does (Odena et al. 2016),
// and runs on the fast 3x3 kernels.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <vector>

#include "sextant/nets/conv.h"
#include "sextant/nets/layers.h"
#include "sextant/nets/maps.h"

namespace sextant {

// Throws UsageError unless `item` is a picture {C,H,W} whose sides halve evenly once a width. `where` is the bracket of
// the error: "vae".
void check_halvings(const char* where, const std::vector<int64_t>& widths, const std::vector<int64_t>& item);

class ConvEncoderImpl : public torch::nn::Module {
 public:
  ConvEncoderImpl(const std::vector<int64_t>& widths, const std::vector<int64_t>& item, int64_t out);
  Tensor forward(const Tensor& x);  // [B,C,H,W] -> [B,out]

 private:
  std::vector<Conv2d> convs_;
  std::vector<GroupNorm> norms_;
  Linear last_{nullptr};
};
TORCH_MODULE(ConvEncoder);

class ConvDecoderImpl : public torch::nn::Module {
 public:
  ConvDecoderImpl(const std::vector<int64_t>& widths, const std::vector<int64_t>& item, int64_t in);
  Tensor forward(const Tensor& z);  // [B,in] -> [B,C,H,W], channels last

 private:
  std::vector<int64_t> bottom_;  // {C,H,W} of the smallest map
  Linear first_{nullptr};
  std::vector<Conv2d> convs_;
  std::vector<GroupNorm> norms_;
  Conv2d last_{nullptr};
};
TORCH_MODULE(ConvDecoder);

}  // namespace sextant
