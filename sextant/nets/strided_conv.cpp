#include "sextant/nets/strided_conv.h"

#include <torch/torch.h>

#include <cmath>

#include "sextant/tensor/plain.h"
#include "sextant/tensor/shape.h"

namespace sextant {
namespace {

void check_maps(const char* where, const Tensor& x, int64_t channels, const Tensor& weight) {
  SEXTANT_CHECK(x.dim() == 4 && x.size(1) == channels && weight.size(2) == kStridedTaps, "[", where,
                "] expected maps [B,", channels, ",H,W]; got ", shape_text(x));
}

}  // namespace

Tensor strided_conv(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation) {
  check_maps("strided_conv", x, weight.size(1), weight);
  SEXTANT_CHECK(x.size(2) % 2 == 0 && x.size(3) % 2 == 0, "[strided_conv] H and W must be even; got ", shape_text(x),
                "; crop or pad the maps");
  return activate(at::conv2d(x, weight, bias, 2, 1), activation);
}

Tensor transposed_conv(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation) {
  check_maps("transposed_conv", x, weight.size(0), weight);
  return activate(at::conv_transpose2d(x, weight, bias, 2, 1), activation);
}

StridedConvImpl::StridedConvImpl(int64_t in, int64_t out, Activation activation) : activation_(activation) {
  const double bound = 1 / std::sqrt(static_cast<double>(in * kStridedTaps * kStridedTaps));
  weight = register_parameter("weight", torch::empty({out, in, kStridedTaps, kStridedTaps}).uniform_(-bound, bound));
  bias = register_parameter("bias", torch::empty({out}).uniform_(-bound, bound));
}

TransposedConvImpl::TransposedConvImpl(int64_t in, int64_t out, bool with_bias) {
  const double bound = 1 / std::sqrt(static_cast<double>(out * kStridedTaps * kStridedTaps));
  weight = register_parameter("weight", torch::empty({in, out, kStridedTaps, kStridedTaps}).uniform_(-bound, bound));
  if (with_bias) bias = register_parameter("bias", torch::empty({out}).uniform_(-bound, bound));
}

}  // namespace sextant
