#include "sextant/nets/gan_nets.h"

#include <c10/util/accumulate.h>

#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {

void check_gan_item(const GanNetConfig& config, at::IntArrayRef item) {
  const bool picture = item.size() == 3;
  SEXTANT_USAGE_CHECK(picture || item.size() == 1, "[gan] needs pictures or points; the data has items of shape ",
                      shape_text(item), ". Choose another data set");
  if (config.kind == GanNet::kMlp) return;
  SEXTANT_USAGE_CHECK(picture, "[gan] dcgan makes pictures; the data has items of shape ", shape_text(item),
                      ". Choose a picture data set, or set model.net.kind = \"mlp\"");
  SEXTANT_USAGE_CHECK(item[1] % 4 == 0 && item[2] % 4 == 0, "[gan] dcgan doubles its maps twice, so sides must be ",
                      "multiples of 4; the data has items of shape ", shape_text(item),
                      ". Set model.net.kind = \"mlp\", or data.image_size where the data is a folder of pictures");
}

GeneratorImpl::GeneratorImpl(const GanNetConfig& config, at::IntArrayRef item) : config_(config), item_(item.vec()) {
  check_gan_item(config, item);
  int64_t width = config.latent;
  const auto add_linear = [&](int64_t out, Activation activation) {
    layers_.push_back(register_module(concat("linear", layers_.size()), Linear(width, out, activation)));
    width = out;
  };
  if (config.kind == GanNet::kMlp) {
    for (const int64_t hidden : config.generator_hidden) add_linear(hidden, Activation::kLeakyRelu);
    add_linear(c10::multiply_integers(item), Activation::kNone);
    return;
  }
  add_linear(2 * config.width * (item[1] / 4) * (item[2] / 4), Activation::kNone);
  for (int64_t i = 0; i < 2; ++i) {
    const int64_t in = (2 - i) * config.width;
    norms_.push_back(register_module(concat("norm", i), BatchNorm(in)));
    convs_.push_back(register_module(concat("conv", i), TransposedConv(in, i == 0 ? config.width : item[0], i == 1)));
  }
}

Tensor GeneratorImpl::forward(const Tensor& z, bool batch_statistics) {
  SEXTANT_CHECK(z.dim() == 2 && z.size(1) == config_.latent, "[gan] expected noise [B,", config_.latent, "]; got ",
                shape_text(z));
  Tensor h = z;
  for (auto& layer : layers_) h = layer->forward(h);
  if (!convs_.empty())  // pixels before channels: the order in which maps are stored
    h = h.view({z.size(0), item_[1] / 4, item_[2] / 4, 2 * config_.width}).permute({0, 3, 1, 2});
  for (size_t i = 0; i < convs_.size(); ++i) h = convs_[i]->forward(norms_[i]->forward(h, batch_statistics));
  return item_.size() == 3 ? at::tanh(h).view(batch_of(z.size(0), item_)) : h;
}

DiscriminatorImpl::DiscriminatorImpl(const GanNetConfig& config, at::IntArrayRef item) {
  check_gan_item(config, item);
  int64_t width = c10::multiply_integers(item);
  std::vector<int64_t> hidden = config.discriminator_hidden;
  if (config.kind == GanNet::kDcgan) {
    hidden.clear();
    for (int64_t i = 0, in = item[0]; i < 2; ++i, in = config.width)
      convs_.push_back(
          register_module(concat("conv", i), StridedConv(in, (i + 1) * config.width, Activation::kLeakyRelu)));
    width = 2 * config.width * (item[1] / 4) * (item[2] / 4);
  }
  hidden.push_back(1);
  for (size_t i = 0; i < hidden.size(); width = hidden[i++]) {
    const auto activation = i + 1 < hidden.size() ? Activation::kLeakyRelu : Activation::kNone;
    layers_.push_back(register_module(concat("linear", i), Linear(width, hidden[i], activation)));
  }
  if (!config.spectral_norm) return;
  for (auto& conv : convs_) norms_.push_back(SpectralNorm(conv->weight));
  for (auto& layer : layers_) norms_.push_back(SpectralNorm(layer->weight));
  for (size_t i = 0; i < norms_.size(); ++i) register_module(concat("spectral", i), norms_[i]);
}

Tensor DiscriminatorImpl::normalised(size_t i, const Tensor& weight) {
  return norms_.empty() ? weight : norms_[i]->forward(weight);
}

Tensor DiscriminatorImpl::forward(const Tensor& x) {
  Tensor h = x;
  size_t i = 0;
  for (auto& conv : convs_) {
    const Tensor weight = normalised(i++, conv->weight);
    h = strided_conv(h, weight, conv->bias, Activation::kLeakyRelu);
  }
  if (!convs_.empty()) h = h.permute({0, 2, 3, 1});  // as they are stored: nothing moves
  h = h.flatten(1);
  for (auto& layer : layers_) {
    const bool last = &layer == &layers_.back();
    const Tensor weight = normalised(i++, layer->weight);
    h = linear(h, weight, layer->bias, last ? Activation::kNone : Activation::kLeakyRelu);
  }
  return h.view({x.size(0)});
}

void DiscriminatorImpl::power_iteration_() {
  size_t i = 0;
  if (norms_.empty()) return;
  for (auto& conv : convs_) norms_[i++]->iterate_(conv->weight);
  for (auto& layer : layers_) norms_[i++]->iterate_(layer->weight);
}

}  // namespace sextant
