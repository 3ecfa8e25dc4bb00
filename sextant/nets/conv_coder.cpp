#include "sextant/nets/conv_coder.h"

#include <numeric>

#include "sextant/base/check.h"
#include "sextant/tensor/shape.h"

namespace sextant {
namespace {

constexpr int64_t kGroups = 8;

GroupNorm norm_of(int64_t width) { return GroupNorm(std::gcd(kGroups, width), width); }

// {C,H,W} of the map below all stages.
std::vector<int64_t> bottom_of(const std::vector<int64_t>& widths, const std::vector<int64_t>& item) {
  const int64_t factor = int64_t{1} << widths.size();
  return {widths.back(), item[1] / factor, item[2] / factor};
}

}  // namespace

void check_halvings(const char* where, const std::vector<int64_t>& widths, const std::vector<int64_t>& item) {
  SEXTANT_USAGE_CHECK(item.size() == 3, "[", where, "] convolutions need pictures; the data has items of shape ",
                      shape_text(item), ". Choose a picture data set");
  const int64_t factor = widths.size() < 30 ? int64_t{1} << widths.size() : 0;
  SEXTANT_USAGE_CHECK(factor && item[1] % factor == 0 && item[2] % factor == 0, "[", where, "] pictures of ", item[1],
                      " x ", item[2], " pixels do not halve evenly ", widths.size(),
                      " times; give fewer widths, or set data.image_size");
}

ConvEncoderImpl::ConvEncoderImpl(const std::vector<int64_t>& widths, const std::vector<int64_t>& item, int64_t out) {
  int64_t channels = item[0];
  for (size_t i = 0; i < widths.size(); ++i) {
    convs_.push_back(register_module(concat("conv", i), Conv2d(ConvOptions{.in = channels, .out = widths[i]})));
    norms_.push_back(register_module(concat("norm", i), norm_of(widths[i])));
    channels = widths[i];
  }
  const auto bottom = bottom_of(widths, item);
  last_ = register_module("last", Linear(bottom[0] * bottom[1] * bottom[2], out));
}

Tensor ConvEncoderImpl::forward(const Tensor& x) {
  Tensor h = channels_last(x);
  for (size_t i = 0; i < convs_.size(); ++i) h = max_pool2(norms_[i]->forward(convs_[i]->forward(h)));
  // [B,H,W,C] flat: as it lies in memory.
  return last_->forward(h.permute({0, 2, 3, 1}).flatten(1));
}

ConvDecoderImpl::ConvDecoderImpl(const std::vector<int64_t>& widths, const std::vector<int64_t>& item, int64_t in)
    : bottom_(bottom_of(widths, item)) {
  first_ = register_module("first", Linear(in, bottom_[0] * bottom_[1] * bottom_[2], Activation::kRelu));
  int64_t channels = widths.back();
  for (size_t i = widths.size(); i-- > 0;) {
    const int64_t width = widths[i > 0 ? i - 1 : 0];
    convs_.push_back(register_module(concat("conv", i), Conv2d(ConvOptions{.in = channels, .out = width})));
    norms_.push_back(register_module(concat("norm", i), norm_of(width)));
    channels = width;
  }
  last_ = register_module("last", Conv2d(ConvOptions{.in = channels, .out = item[0]}));
}

Tensor ConvDecoderImpl::forward(const Tensor& z) {
  Tensor h = first_->forward(z).view({z.size(0), bottom_[1], bottom_[2], bottom_[0]}).permute({0, 3, 1, 2});
  for (size_t i = 0; i < convs_.size(); ++i) h = norms_[i]->forward(convs_[i]->forward(upsample(h, 2)));
  return last_->forward(h);
}

}  // namespace sextant
