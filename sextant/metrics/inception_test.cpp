// The net against PyTorch's port of it with weights that both sides compute (tests/goldens/inception.py), since the
// official ones can't ship.
#include "sextant/metrics/inception.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/data/catalogue.h"
#include "sextant/metrics/table.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

#include "sextant/metrics/inception_golden.inc"

// Number i of tensor `tensor` in [0,1), as the script has it: the murmur finaliser.
double uniform(uint32_t tensor, uint32_t i) {
  uint32_t x = (tensor << 22) + i;
  x = (x ^ x >> 16) * 0x85EBCA6Bu;
  x = (x ^ x >> 13) * 0xC2B2AE35u;
  return static_cast<double>(x ^ x >> 16) / 4294967296.0;
}

NamedTensors made_weights() {
  NamedTensors weights;
  uint32_t number = 0;
  for (const auto& [name, shape] : kInceptionShapes) {
    Tensor& tensor = weights[name] = torch::empty(shape);
    float* out = tensor.data_ptr<float>();
    const double bound = std::sqrt(6 / (static_cast<double>(tensor.numel()) / static_cast<double>(shape[0])));
    const auto ends = [&, &name = name](const char* ending) { return name.ends_with(ending); };
    for (uint32_t i = 0; i < tensor.numel(); ++i) {
      const double u = uniform(number, i);
      out[i] = static_cast<float>(ends("conv.weight") || ends("fc.weight") ? (2 * u - 1) * bound
                                  : ends("bn.weight")                      ? 0.75 + 0.5 * u
                                  : ends("running_var")                    ? 0.5 + u
                                                                           : 0.2 * (u - 0.5));
    }
    ++number;
  }
  return weights;
}

Tensor picture(uint32_t seed, int64_t channels, int64_t height, int64_t width) {
  const Tensor bytes = torch::empty({1, channels, height, width}, at::kByte);
  for (uint32_t i = 0; i < bytes.numel(); ++i)
    bytes.data_ptr<uint8_t>()[i] = static_cast<uint8_t>(std::floor(uniform(512 + seed, i) * 256));
  return bytes;
}

void expect_features(const Tensor& features, const std::vector<double>& wanted) {
  ASSERT_EQ(features.sizes(), (at::IntArrayRef{1, Inception::kFeatures}));
  const Tensor every = features[0].slice(0, 0, Inception::kFeatures, 64).to(at::kDouble);
  const Tensor golden = torch::tensor(wanted, at::kDouble);
  // Float32 through 94 layers, in another order and with the normalisations folded in: 1e-4 of the largest feature.
  EXPECT_LT((every - golden).abs().max().item<double>(), 1e-4 * golden.abs().max().item<double>());
  EXPECT_GT(golden.std().item<double>(), 1e-2 * golden.abs().max().item<double>()) << "the features tell nothing";
}

struct Dummy : GenerativeModel {
  std::vector<Player> players() override { return {}; }
  Loss loss(size_t, const Batch&, Rng&) override { return {}; }
  PixelRange pixel_range() const override { return PixelRange::kUnit; }
  Tensor sample(const SampleRequest&, Rng&) override { return {}; }
};

class InceptionNet : public testing::Test {
 protected:
  static const Inception& net() {
    static const Inception made(made_weights(), "made");
    return made;
  }
};

TEST_F(InceptionNet, FeaturesArePyTorchs) {
  expect_features(net().features(picture(0, 1, 28, 28)), kGreyFeatures);
  expect_features(net().features(picture(1, 3, 40, 37)), kColourFeatures);
  expect_features(net().features(picture(2, 3, 310, 320)), kLargeFeatures);
}

TEST_F(InceptionNet, APicturesFeaturesDoNotDependOnItsBatch) {
  const Tensor one = picture(0, 1, 28, 28), other = picture(3, 1, 28, 28);
  const Tensor both = net().features(torch::cat({one, other}));
  EXPECT_TRUE(torch::allclose(both[1], net().features(other)[0], 1e-4, 1e-5));
  EXPECT_FALSE(torch::allclose(both[0], both[1], 1e-2, 1e-3));
}

TEST_F(InceptionNet, WeightsOfAnotherNetAreRefused) {
  const auto refusal = [](const NamedTensors& weights) {
    try {
      Inception(weights, "w.pth");
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  NamedTensors weights = made_weights();
  weights.erase("Mixed_7c.branch1x1.bn.running_var");
  EXPECT_NE(refusal(weights).find("lacks Mixed_7c.branch1x1.bn.running_var"), std::string::npos);
  weights = made_weights();
  weights.erase("Mixed_6b.branch_pool.conv.weight");
  EXPECT_NE(refusal(weights).find("lacks Mixed_6b.branch_pool"), std::string::npos);
  weights = made_weights();
  weights["Mixed_5b.branch1x1.conv.weight"] = torch::zeros({64, 191, 1, 1});
  EXPECT_NE(refusal(weights).find("weights of another net"), std::string::npos);
  EXPECT_THROW(Inception({}, "w.pth"), Error);
  EXPECT_THROW(net().features(torch::zeros({1, 2, 8, 8}, at::kByte)), Error);
  EXPECT_THROW(net().features(torch::zeros({1, 3, 8, 8})), Error);
}

// Eight pictures against copies of themselves and against darker ones.
TEST(FidSlow, IsZeroOfCopiesAndSaysWhatMeasuredIt) {
  const Inception net(made_weights(), "made");
  Dataset data;
  data.name = "made";
  std::vector<Tensor> pictures;
  for (uint32_t seed = 0; seed < 8; ++seed) pictures.push_back(picture(seed, 1, 20, 20));
  data.test.x = torch::cat(pictures);
  data.train.x = data.test.x.bitwise_right_shift(1);
  SampleStudy study({.draw = [&] { return data.test.x.clone(); }, .record = {{"seed", 3}}}, data, 8, std::nullopt);
  Dummy model;
  int64_t seen = 0;
  const Json record = fid_record(
      net, {.model = model, .data = data, .study = &study, .progress = [&](const char*, int64_t done, int64_t total) {
              seen += done == total;
            }});
  const auto floor = record.at("floor").at("fid").get<double>();
  EXPECT_GT(floor, 0.1);
  EXPECT_NEAR(record.at("fid").get<double>(), 0, 1e-4 * floor) << "of the rounding of 2048 eigenvalues";
  EXPECT_EQ(seen, 3) << "real pictures, samples, training pictures";
  EXPECT_EQ(record.at("metric"), "fid");
  const Json& from = record.at("provenance");
  EXPECT_EQ(from.at("n"), 8);
  EXPECT_EQ(from.at("preprocessing"), kInceptionPreprocessing);
  EXPECT_EQ(from.at("inception_sha256"), catalogue::row("inception").files[0].sha256);
}

TEST(ResizeBilinearOf2015, ReadsAtTheRatioWithoutAShift) {
  const Tensor x = torch::tensor({0.0f, 4.0f}).view({1, 1, 1, 2}).expand({1, 1, 2, 2});
  const Tensor y = resize_bilinear_of_2015(x, 4);  // at 0, 1/2, 1, 3/2: the last pixel holds beyond its place
  EXPECT_TRUE(torch::equal(y[0][0][0], torch::tensor({0.0f, 2.0f, 4.0f, 4.0f})));
  EXPECT_TRUE(torch::equal(y[0][0][3], y[0][0][0]));
  const Tensor z = torch::rand({2, 3, 5, 5});
  EXPECT_TRUE(torch::equal(resize_bilinear_of_2015(z, 5), z));
}

}  // namespace
}  // namespace sextant
