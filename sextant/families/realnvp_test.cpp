#include "sextant/families/realnvp.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sextant/families/registry.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

// Weights away from their start, where every coupling is the identity.
template <class Model>
std::shared_ptr<Model> moved(const RealNvpConfig& config, const ItemShape& shape) {
  const auto model = std::dynamic_pointer_cast<Model>(build_model(ModelConfig(config), shape, Rng(1)));
  const torch::NoGradGuard no_grad;
  Rng rng(2);
  for (const Tensor& p : model->parameters()) p.detach().add_(rng.normal(p.sizes()), 0.15);
  return model;
}

TEST(RealNvp, TheDensityOfPointsIntegratesToOne) {
  const auto model = moved<PointRealNvp>({.couplings = 4, .hidden = {16, 16}}, {.sizes = {2}});
  const torch::NoGradGuard no_grad;
  const int64_t side = 1000;
  const double reach = 12, step = 2 * reach / side;
  const Tensor axis = (torch::arange(side) + 0.5) * step - reach;
  const auto grid = torch::meshgrid({axis, axis}, "ij");
  const Tensor points = torch::stack({grid[0].flatten(), grid[1].flatten()}, 1);
  const double integral = model->log_prob(points).to(at::kDouble).exp().sum().item<double>() * step * step;
  EXPECT_NEAR(integral, 1, 2e-3);  // the tails beyond the square, and kinks where the nets' ReLUs bend
}

// At the start every coupling is the identity and the pictures' density has a closed form: logit-normal pixels.
TEST(RealNvp, AFreshFlowOfPicturesIsLogitNormal) {
  const std::vector<int64_t> item = {1, 4, 4};
  const auto model =
      build_model(ModelConfig(RealNvpConfig{.scales = 2, .scale_couplings = 2, .width = 8}), {.sizes = item}, Rng(1));
  const Tensor x = Rng(3).integers(0, 256, {6, 1, 4, 4}).to(at::kFloat) / 255;
  const torch::NoGradGuard no_grad;
  Rng a(4), b(4);
  const Tensor got = dynamic_cast<DensityBound&>(*model).elbo(x, 1, a).to(at::kDouble);
  const Tensor y = ((255 * x).round() + b.uniform(x.sizes())).to(at::kDouble) / 256, p = 0.05 + 0.9 * y;
  const Tensor z = (p / (1 - p)).log();
  const Tensor each = -0.5 * z.square() - 0.5 * std::log(2 * M_PI) + (0.9 / (p * (1 - p))).log() - std::log(256.0);
  EXPECT_LT((got - each.flatten(1).sum(1)).abs().max().item<double>(), 1e-3);  // float32 sums of 16 terms of about 5
}

TEST(RealNvp, TheLossIsTheBoundAndItsPartsSayItInBits) {
  const auto model = moved<PictureRealNvp>({.scales = 1, .scale_couplings = 2, .width = 8}, {.sizes = {1, 4, 4}});
  const Batch batch = {.x = Rng(3).integers(0, 256, {6, 1, 4, 4}).to(at::kFloat) / 255, .labels = {}};
  Rng a(4), b(4);
  const Loss loss = model->loss(0, batch, a);
  EXPECT_NEAR(loss.total.item<double>(), -model->elbo(batch.x, 1, b).mean().item<double>(), 1e-3);
  EXPECT_EQ(loss.parts[1].first, "bits_per_dim");
  EXPECT_NEAR(loss.parts[1].second.item<double>(), loss.total.item<double>() / (16 * std::log(2.0)), 1e-5);
}

// More draws of the noise change the estimate's spread, not its mean, and no draw may reach beyond log P(x).
TEST(RealNvp, TheBoundLiesBelowTheLogarithmOfTheMean) {
  const auto model = moved<PictureRealNvp>({.scales = 1, .scale_couplings = 2, .width = 8}, {.sizes = {1, 2, 2}});
  const torch::NoGradGuard no_grad;
  const int64_t n = 20000;
  const Tensor one = torch::tensor({0.0f, 51.0f, 204.0f, 255.0f}).view({1, 1, 2, 2}) / 255;
  Rng rng(5);
  const Tensor terms = model->elbo(one.expand({n, 1, 2, 2}), 1, rng).to(at::kDouble);
  const double log_mean = terms.logsumexp(0).item<double>() - std::log(static_cast<double>(n));
  EXPECT_LT(terms.mean().item<double>(), log_mean);
  const double many = model->elbo(one, 4000, rng).item<double>();
  const double error = terms.std().item<double>() * std::sqrt(1.0 / 4000 + 1.0 / n);
  EXPECT_NEAR(many, terms.mean().item<double>(), 5 * error + 1e-4);
}

TEST(RealNvp, SamplesOfPicturesAreBytes) {
  const auto model = moved<PictureRealNvp>({.scales = 1, .scale_couplings = 2, .width = 8}, {.sizes = {1, 4, 4}});
  const torch::NoGradGuard no_grad;
  Rng rng(6);
  const Tensor bytes = model->sample({.count = 50}, rng) * 255;
  EXPECT_LT((bytes - bytes.round()).abs().max().item<double>(), 1e-4);
}

TEST(RealNvp, PointsAreExactAndPicturesABoundAndNeitherClaimsMore) {
  const auto points = build_model(ModelConfig(RealNvpConfig{}), {.sizes = {2}}, Rng(0));
  const auto pictures = build_model(ModelConfig(RealNvpConfig{}), {.sizes = {1, 28, 28}}, Rng(0));
  EXPECT_TRUE(dynamic_cast<ExactDensity*>(points.get()) && !dynamic_cast<DensityBound*>(points.get()));
  EXPECT_TRUE(dynamic_cast<DensityBound*>(pictures.get()) && !dynamic_cast<ExactDensity*>(pictures.get()));
}

TEST(RealNvp, UnfitDataIsRefusedWithTheRemedy) {
  const auto says = [](const RealNvpConfig& config, const ItemShape& shape) -> std::string {
    try {
      build_model(ModelConfig(config), shape, Rng(0));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(says({}, {.sizes = {1}}).find("at least two"), std::string::npos);
  EXPECT_NE(says({}, {.sizes = {1, 30, 30}}).find("lower model.scales"), std::string::npos);
  EXPECT_NE(says({}, {.sizes = {1, 4, 4}}).find("lower model.scales"), std::string::npos);
  EXPECT_NE(says({}, {.sizes = {1, 28, 20}}).find("square"), std::string::npos);
  EXPECT_NE(says({}, {.sizes = {3, 5}}).find("square"), std::string::npos);
  EXPECT_NE(says({.width = 6}, {.sizes = {1, 28, 28}}).find("multiple of 4"), std::string::npos);
  EXPECT_EQ(says({.scales = 1}, {.sizes = {1, 7, 7}}), "");  // an odd side needs no squeeze
}

}  // namespace
}  // namespace sextant
