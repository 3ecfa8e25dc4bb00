#include "sextant/nets/mlp.h"

#include "sextant/base/check.h"

namespace sextant {

MlpImpl::MlpImpl(const std::vector<int64_t>& widths) {
  SEXTANT_CHECK(widths.size() >= 2, "[mlp] needs the widths of its input and output; got ", widths.size(), " widths");
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    const auto activation = i + 2 < widths.size() ? Activation::kRelu : Activation::kNone;
    layers_.push_back(register_module(concat("layer", i), Linear(widths[i], widths[i + 1], activation)));
  }
}

std::vector<Tensor> MlpImpl::weights_and_biases() const {
  std::vector<Tensor> all;
  for (const auto& layer : layers_) all.insert(all.end(), {layer->weight, layer->bias});
  return all;
}

void MlpImpl::zero_output_() {
  layers_.back()->weight.detach().zero_();
  layers_.back()->bias.detach().zero_();
}

Tensor MlpImpl::forward(const Tensor& x) {
  Tensor h = x;
  for (auto& layer : layers_) h = layer->forward(h);
  return h;
}

}  // namespace sextant
