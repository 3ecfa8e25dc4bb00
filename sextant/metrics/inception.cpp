#include "sextant/metrics/inception.h"

#include "sextant/base/check.h"
#include "sextant/data/catalogue.h"
#include "sextant/data/pytorch_file.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

constexpr double kNormEpsilon = 1e-3;
constexpr const char* kConvolution = ".conv.weight";

// Of the normalisation behind convolution `name`, one number a channel, in double.
Tensor statistic(const NamedTensors& weights, const std::string& name, const char* what, const std::string& source) {
  const auto found = weights.find(concat(name, ".bn.", what));
  SEXTANT_CHECK(found != weights.end(), "[inception] ", source, " lacks ", name, ".bn.", what,
                ": these are the weights of another net");
  return found->second.to(at::kDouble);
}

Tensor average_pool(const Tensor& x) { return torch::avg_pool2d(x, 3, 1, 1, false, /*count_include_pad=*/false); }
Tensor maximum_pool(const Tensor& x) { return torch::max_pool2d(x, 3, 2); }

}  // namespace

Tensor resize_bilinear_of_2015(const Tensor& x, int64_t side) {
  const auto along = [side](const Tensor& in, int64_t dim) {
    const int64_t size = in.size(dim);
    const Tensor at = torch::arange(side, in.options()) * (static_cast<float>(size) / static_cast<float>(side));
    const Tensor low = at.to(at::kLong), high = (low + 1).clamp_max(size - 1);
    std::vector<int64_t> shape(4, 1);
    shape[static_cast<size_t>(dim)] = side;
    const Tensor below = in.index_select(dim, low);
    return below + (in.index_select(dim, high) - below) * (at - low).view(shape);
  };
  return along(along(x, 3), 2);
}

Inception::Inception(const NamedTensors& weights, const std::string& source, at::Device device)
    : source_(source), device_(device) {
  for (const auto& [key, weight] : weights) {
    if (!key.ends_with(kConvolution)) continue;
    const std::string name = key.substr(0, key.size() - std::string_view(kConvolution).size());
    const Tensor scale = statistic(weights, name, "weight", source) /
                         (statistic(weights, name, "running_var", source) + kNormEpsilon).sqrt();
    const Tensor bias =
        statistic(weights, name, "bias", source) - statistic(weights, name, "running_mean", source) * scale;
    SEXTANT_CHECK(weight.dim() == 4 && scale.numel() == weight.size(0), "[inception] ", source, ": ", key,
                  " has the shape ", shape_text(weight), ": these are the weights of another net");
    units_[name] = {.weight = (weight.to(at::kDouble) * scale.view({-1, 1, 1, 1}))
                                  .to(at::TensorOptions(device).dtype(at::kFloat))
                                  .contiguous(at::MemoryFormat::ChannelsLast),
                    .bias = bias.to(at::TensorOptions(device).dtype(at::kFloat))};
  }
  // A picture tells whether every unit is there and fits the one before it.
  try {
    const Tensor out = features(torch::zeros({1, 3, kSide, kSide}, at::kByte));
    SEXTANT_CHECK(out.size(1) == kFeatures, "[inception] ", source, " gives ", out.size(1), " features, not ",
                  kFeatures);
  } catch (const c10::Error& error) {
    throw Error(concat("[inception] ", source, " holds the weights of another net: ", error.what_without_backtrace()));
  }
}

Inception Inception::official(at::Device device) {
  const std::string missing = inception_missing();
  SEXTANT_USAGE_CHECK(missing.empty(), missing);
  const catalogue::Row& row = catalogue::row("inception");
  const auto path = catalogue::find_file(*catalogue::where(row), row.files[0]);
  return {tensors_of(PytorchFile::parse(catalogue::read_verified(*path, row.files[0]), path->string()).tensors(),
                     path->string()),
          path->string(), device};
}

std::string inception_missing() {
  const catalogue::Row& row = catalogue::row("inception");
  if (catalogue::where(row)) return {};
  return concat(
      "FID is defined by the Inception net of 2015, whose weights don't ship with this program, and no other "
      "net's number may carry the name: ",
      catalogue::remedies(row),
      ". Without it use --metrics fcd, the same formula on the features of our own classifier, comparable "
      "within this project only");
}

const Inception::Unit& Inception::unit(const std::string& name) const {
  const auto found = units_.find(name);
  SEXTANT_CHECK(found != units_.end(), "[inception] ", source_, " lacks ", name,
                ": these are the weights of another net");
  return found->second;
}

// A unit that keeps height and width.
Tensor Inception::same(const Tensor& x, const std::string& name) const {
  const auto& [weight, bias] = unit(name);
  return torch::conv2d(x, weight, bias, 1, {weight.size(2) / 2, weight.size(3) / 2}).relu_();
}

// Units of a block, one after the other.
Tensor Inception::same(const Tensor& x, const std::string& block, std::initializer_list<const char*> names) const {
  Tensor y = x;
  for (const char* name : names) y = same(y, block + name);
  return y;
}

// A unit without padding.
Tensor Inception::valid(const Tensor& x, const std::string& name, int64_t stride) const {
  const auto& [weight, bias] = unit(name);
  return torch::conv2d(x, weight, bias, stride).relu_();
}

Tensor Inception::mixed_a(const Tensor& x, const std::string& block) const {
  return torch::cat({same(x, block, {"branch1x1"}), same(x, block, {"branch5x5_1", "branch5x5_2"}),
                     same(x, block, {"branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"}),
                     same(average_pool(x), block, {"branch_pool"})},
                    1);
}

Tensor Inception::mixed_b(const Tensor& x, const std::string& block) const {
  const Tensor wide = same(x, block, {"branch3x3dbl_1", "branch3x3dbl_2"});
  return torch::cat({valid(x, block + "branch3x3", 2), valid(wide, block + "branch3x3dbl_3", 2), maximum_pool(x)}, 1);
}

Tensor Inception::mixed_c(const Tensor& x, const std::string& block) const {
  return torch::cat(
      {same(x, block, {"branch1x1"}), same(x, block, {"branch7x7_1", "branch7x7_2", "branch7x7_3"}),
       same(x, block, {"branch7x7dbl_1", "branch7x7dbl_2", "branch7x7dbl_3", "branch7x7dbl_4", "branch7x7dbl_5"}),
       same(average_pool(x), block, {"branch_pool"})},
      1);
}

Tensor Inception::mixed_d(const Tensor& x, const std::string& block) const {
  const Tensor narrow = same(x, block, {"branch3x3_1"});
  const Tensor wide = same(x, block, {"branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3"});
  return torch::cat({valid(narrow, block + "branch3x3_2", 2), valid(wide, block + "branch7x7x3_4", 2), maximum_pool(x)},
                    1);
}

Tensor Inception::mixed_e(const Tensor& x, const std::string& block, const Tensor& pooled) const {
  const Tensor narrow = same(x, block, {"branch3x3_1"});
  const Tensor wide = same(x, block, {"branch3x3dbl_1", "branch3x3dbl_2"});
  return torch::cat({same(x, block, {"branch1x1"}), same(narrow, block, {"branch3x3_2a"}),
                     same(narrow, block, {"branch3x3_2b"}), same(wide, block, {"branch3x3dbl_3a"}),
                     same(wide, block, {"branch3x3dbl_3b"}), same(pooled, block, {"branch_pool"})},
                    1);
}

// [N,3,299,299] -> [N,2048,8,8]
Tensor Inception::trunk(Tensor x) const {
  x = valid(valid(x, "Conv2d_1a_3x3", 2), "Conv2d_2a_3x3");
  x = maximum_pool(same(x, "Conv2d_2b_3x3"));                          // [N,64,73,73]
  x = maximum_pool(valid(same(x, "Conv2d_3b_1x1"), "Conv2d_4a_3x3"));  // [N,192,35,35]
  for (const char* block : {"Mixed_5b.", "Mixed_5c.", "Mixed_5d."}) x = mixed_a(x, block);
  x = mixed_b(x, "Mixed_6a.");  // [N,768,17,17]
  for (const char* block : {"Mixed_6b.", "Mixed_6c.", "Mixed_6d.", "Mixed_6e."}) x = mixed_c(x, block);
  x = mixed_d(x, "Mixed_7a.");  // [N,1280,8,8]
  x = mixed_e(x, "Mixed_7b.", average_pool(x));
  return mixed_e(x, "Mixed_7c.", torch::max_pool2d(x, 3, 1, 1));
}

Tensor Inception::features(const Tensor& bytes) const {
  SEXTANT_CHECK(bytes.dim() == 4 && bytes.scalar_type() == at::kByte && bytes.size(0) >= 1 &&
                    (bytes.size(1) == 1 || bytes.size(1) == 3) && bytes.size(2) >= 1 && bytes.size(3) >= 1,
                "[inception] expected pictures as bytes, [N,1,H,W] or [N,3,H,W]; got ", shape_text(bytes));
  const torch::NoGradGuard no_grad;
  const Tensor resized = (resize_bilinear_of_2015(bytes.to(device_).to(at::kFloat), kSide) - 128) / 128;
  const Tensor colour = resized.expand({-1, 3, -1, -1}).contiguous(at::MemoryFormat::ChannelsLast);
  return trunk(colour).mean({2, 3}).to(at::kCPU);
}

}  // namespace sextant
