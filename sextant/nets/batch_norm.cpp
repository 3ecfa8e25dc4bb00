#include "sextant/nets/batch_norm.h"

#include "sextant/base/check.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

constexpr double kMomentum = 0.1, kEps = 1e-5;  // LibTorch's defaults

}  // namespace

BatchNormImpl::BatchNormImpl(int64_t channels) {
  weight = register_parameter("weight", torch::ones({channels}));
  bias = register_parameter("bias", torch::zeros({channels}));
  running_mean_ = register_buffer("running_mean", torch::zeros({channels}));
  running_var_ = register_buffer("running_var", torch::ones({channels}));
}

Tensor BatchNormImpl::forward(const Tensor& x, bool batch_statistics) {
  SEXTANT_CHECK(!batch_statistics || x.numel() > x.size(1), "[batch_norm] one value a channel has no variance; got ",
                shape_text(x), ". Leave out a last batch of one (train.drop_last=true), or take larger pictures");
  return at::batch_norm(x, weight, bias, running_mean_, running_var_, batch_statistics, kMomentum, kEps, false).relu();
}

}  // namespace sextant
