// Each layer on our kernels against LibTorch's operations in double: value, every gradient, and the gradient of the
// gradient. Tensors on the double side never meet our kernels, so they are an independent path.
#include <gtest/gtest.h>

#include "sextant/base/check.h"
#include "sextant/nets/conv.h"
#include "sextant/nets/maps.h"
#include "sextant/nets/unet.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

using Tensors = std::vector<Tensor>;

double distance(const Tensor& a, const Tensor& b) {
  const double scale = b.to(at::kDouble).norm().item<double>();
  return (a.to(at::kDouble) - b.to(at::kDouble)).norm().item<double>() / std::max(scale, 1e-12);
}

Tensors leaves(const Tensors& from, at::ScalarType type) {
  Tensors made;
  for (const Tensor& t : from) made.push_back(t.detach().to(type).clone().set_requires_grad(true));
  return made;
}

// The same numbers, stored as those of a transposed tensor are.
Tensor strided(const Tensor& x) { return x.transpose(0, 1).contiguous().transpose(0, 1); }

// Ours in float and theirs in double agree in value, gradients and second gradients, however the first input is stored.
template <class Ours, class Theirs>
void expect_agreement(const Tensors& inputs, const Ours& ours, const Theirs& theirs, double tolerance = 2e-5) {
  Tensors results[3];
  for (const int side : {0, 1, 2}) {
    const bool exact = side == 2;
    Tensors in = leaves(inputs, exact ? at::kDouble : at::kFloat);
    if (side == 1) in[0] = strided(in[0].detach()).requires_grad_();
    const Tensor y = exact ? theirs(in) : ours(in);
    Tensors& found = results[side];
    found.push_back(y);
    const Tensor upstream = Rng(99).normal(y.sizes()).to(y.scalar_type());
    for (const Tensor& g : torch::autograd::grad({y}, in, {upstream}, true, false)) found.push_back(g);
    // |gradient|^2 differentiated once more, as a gradient penalty does.
    const auto recorded = torch::autograd::grad({(y * upstream).square().sum()}, in, {}, true, true, true);
    Tensor penalty = torch::zeros({}, y.options());
    for (const Tensor& g : recorded)
      if (g.defined()) penalty = penalty + g.square().sum();
    for (const Tensor& g : torch::autograd::grad({penalty}, in, {}, false, false, true))
      found.push_back(g.defined() ? g : torch::zeros({1}));
  }
  for (const int side : {0, 1})
    for (size_t i = 0; i < results[2].size(); ++i)
      EXPECT_LT(distance(results[side][i], results[2][i]), tolerance) << i << (side == 1 ? ", strided" : "");
}

struct Maps {
  int64_t batch, in, out, height, width;
};
const std::vector<Maps> kMaps = {{2, 8, 16, 7, 5},  {1, 1, 8, 6, 6}, {3, 9, 1, 5, 4},
                                 {2, 70, 66, 4, 9}, {1, 5, 5, 1, 1}, {2, 3, 3, 2, 7}};

TEST(Conv2d, AgreesWithLibTorchInValueAndGradients) {
  for (const Maps& m : kMaps)
    for (const int64_t size : {1, 3}) {
      Rng rng(1);
      const Tensors in = {rng.normal({m.batch, m.in, m.height, m.width}), rng.normal({m.out, m.in, size, size}) * 0.2,
                          rng.normal({m.out}), rng.normal({m.batch, m.out, m.height, m.width})};
      Conv2d conv(ConvOptions{.in = m.in, .out = m.out, .size = size});
      const auto run = [&](const Tensors& t) {
        conv->weight = t[1];
        conv->bias = t[2];
        return conv->forward(t[0], t[3]);
      };
      SCOPED_TRACE(concat(m.in, " -> ", m.out, " at ", m.height, " x ", m.width, ", ", size));
      expect_agreement(in, run,
                       [&](const Tensors& t) { return at::conv2d(t[0], t[1], t[2], 1, (size - 1) / 2) + t[3]; });
      // x used twice, the second time through the convolution.
      if (m.in != m.out || size != 3) continue;
      const auto twice = [&](const Tensors& t) {
        conv->weight = t[1];
        conv->bias = t[2];
        const auto [y, x] = conv->forward_and_pass(t[0]);
        return y * t[3] + x.square();
      };
      expect_agreement(in, twice,
                       [&](const Tensors& t) { return at::conv2d(t[0], t[1], t[2], 1, 1) * t[3] + t[0].square(); });
    }
}

TEST(Conv2d, WithoutGradientsItSeesEveryChangeOfItsWeights) {
  Conv2d conv(ConvOptions{.in = 8, .out = 8});
  const Tensor x = Rng(1).normal({1, 8, 6, 6});
  const torch::NoGradGuard no_grad;
  for (int change = 0; change < 3; ++change) {
    const Tensor want = at::conv2d(x, conv->weight, conv->bias, 1, 1);
    EXPECT_LT(distance(conv->forward(x), want), 1e-5);
    conv->weight.detach().mul_(2);
  }
}

// The scope's precision, forward and, after it has ended, backward; and nothing of it stays.
TEST(Conv2d, BFloat16IsOfTheScope) {
  Conv2d conv(ConvOptions{.in = 24, .out = 40});
  Rng rng(1);
  const Tensor x = rng.normal({3, 24, 12, 12}).set_requires_grad(true), dy = rng.normal({3, 40, 12, 12});
  const auto run = [&](Precision precision) {
    Tensor y;
    {
      const PrecisionScope scope(precision);
      y = conv->forward(x);
    }
    Tensors found = torch::autograd::grad({y}, {x, conv->weight}, {dy});
    found.push_back(y.detach());
    const torch::NoGradGuard no_grad;
    const PrecisionScope scope(precision);
    EXPECT_TRUE(conv->forward(x).equal(y.detach())) << "the path without gradients";
    return found;
  };
  const Tensors before = run(Precision::kFloat32), rounded = run(Precision::kBFloat16),
                after = run(Precision::kFloat32);
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(after[i].equal(before[i])) << i;
    EXPECT_LT(distance(rounded[i], before[i]), 2e-2) << i;
    EXPECT_GT(distance(rounded[i], before[i]), 1e-3) << i << ": not in bfloat16 at all";
  }
}

TEST(Conv2d, StridesGoToLibTorchAndShapesAreChecked) {
  Conv2d conv(ConvOptions{.in = 4, .out = 6, .stride = 2});
  const Tensor x = Rng(1).normal({2, 4, 8, 8});
  EXPECT_EQ(conv->forward(x).sizes().vec(), (std::vector<int64_t>{2, 6, 4, 4}));
  EXPECT_EQ(conv->multiply_adds(8, 8), 4 * 4 * 6 * 4 * 9);
  EXPECT_THROW(conv->forward(Rng(1).normal({2, 5, 8, 8})), Error);
  Conv2d ours(ConvOptions{.in = 4, .out = 6});
  for (const Tensor& residual : {torch::ones({1, 6, 8, 8}), torch::ones({2, 6, 8, 4}), torch::ones({2, 4, 8, 8}),
                                 torch::ones({2, 6, 8, 8}, at::kDouble)})
    EXPECT_THROW(ours->forward(x, residual), Error);
}

// What is added to the result passes its gradient on even where all else is frozen.
TEST(Conv2d, ARecordedBackwardReachesALoneResidual) {
  Conv2d conv(ConvOptions{.in = 4, .out = 6});
  conv->weight.set_requires_grad(false);
  conv->bias.set_requires_grad(false);
  const Tensor residual = Rng(2).normal({2, 6, 5, 5}).requires_grad_();
  const Tensor y = conv->forward(Rng(1).normal({2, 4, 5, 5}), residual);
  const Tensor gradient = torch::autograd::grad({y.square().sum()}, {residual}, {}, true, true)[0];
  EXPECT_LT(distance(gradient, 2 * y), 1e-6);
}

TEST(GroupNorm, AgreesWithLibTorchInValueAndGradients) {
  for (const Maps& m : {Maps{2, 8, 0, 7, 5}, Maps{1, 16, 0, 1, 2}, Maps{3, 64, 0, 4, 4}})
    for (const bool silu : {false, true}) {
      Rng rng(2);
      const Tensors in = {rng.normal({m.batch, m.in, m.height, m.width}),
                          rng.normal({m.in}),
                          rng.normal({m.in}),
                          rng.normal({m.batch, m.in}),
                          rng.normal({m.batch, m.in, m.height, m.width}),
                          rng.normal({m.batch, m.in})};
      GroupNorm norm(4, m.in, silu);
      expect_agreement(
          in,
          [&](const Tensors& t) {
            norm->weight = t[1];
            norm->bias = t[2];
            return norm->forward(t[0], {.before = t[5], .shift = t[3], .residual = t[4]});
          },
          [&](const Tensors& t) {
            const auto pixels = [&](const Tensor& v) { return v.view({m.batch, m.in, 1, 1}); };
            const Tensor y = at::group_norm(t[0] + pixels(t[5]), 4, t[1], t[2], 1e-5);
            return (silu ? at::silu(y) : y) + pixels(t[3]) + t[4];
          },
          1e-4);  // the second gradient passes 1/sqrt(variance) of as few as 8 numbers three times
    }
  EXPECT_THROW(GroupNorm(3, 8), UsageError);
  GroupNorm norm(4, 8);
  const Tensor x = Rng(1).normal({2, 8, 3, 3}), one_row = torch::ones({1, 8});
  EXPECT_THROW(norm->forward(x, {.before = one_row}), Error);
  EXPECT_THROW(norm->forward(x, {.shift = one_row}), Error);
  EXPECT_THROW(norm->forward(x, {.residual = torch::ones({1, 8, 3, 3})}), Error);
}

TEST(Maps, PoolingAndUpsamplingAgreeWithLibTorch) {
  Rng rng(3);
  expect_agreement(
      {rng.normal({2, 5, 6, 8})}, [](const Tensors& t) { return max_pool2(t[0]); },
      [](const Tensors& t) { return at::max_pool2d(t[0], 2); });
  for (const int64_t factor : {1, 2})
    expect_agreement(
        {rng.normal({2, 5, 3, 4}), rng.normal({2, 6, 3 * factor, 4 * factor})},
        [](const Tensors& t) { return upsample_concat(t[0], t[1]); },
        [&](const Tensors& t) {
          return at::cat({t[0].repeat_interleave(factor, 2).repeat_interleave(factor, 3), t[1]}, 1);
        });
  EXPECT_THROW(upsample_concat(rng.normal({1, 2, 3, 3}), rng.normal({1, 2, 7, 7})), Error);
  EXPECT_THROW(max_pool2(rng.normal({1, 2, 1, 3})), Error);
}

TEST(Maps, DropoutKeepsTheMeanAndDropsTheShare) {
  Rng rng(4);
  const Tensor x = torch::ones({200000}), y = dropout(x, 0.25, rng);
  EXPECT_NEAR((y == 0).to(at::kDouble).mean().item<double>(), 0.25, 5 * std::sqrt(0.25 * 0.75 / 200000));
  EXPECT_NEAR(y.max().item<double>(), 1 / 0.75, 1e-6);
  EXPECT_TRUE(dropout(x, 0, rng).is_same(x));
}

int64_t parameters(torch::nn::Module& module) {
  int64_t count = 0;
  for (const Tensor& p : module.parameters()) count += p.numel();
  return count;
}

TEST(Unet, ThePresetsHaveTheirStatedSizes) {
  Unet chapter(UnetConfig{}, 1, 28, 0), prenorm(prenorm_unet(), 1, 28, 0), cifar(cifar_unet(), 3, 32, 0);
  EXPECT_EQ(parameters(*chapter), 3687041);
  EXPECT_EQ(parameters(*prenorm), 3951745);
  EXPECT_EQ(parameters(*cifar), 56906115);
  // The table's stages in millions: in, down1 … up1, out (section 14.16).
  EXPECT_NEAR(static_cast<double>(chapter->multiply_adds()) / 1e6,
              0.45 + 57.80 + 44.96 + 44.96 + 57.80 + 39.34 + 39.34 + 93.13 + 0.45, 0.05);
  // The second preset costs as much and, at 7x7, attention's 1x1 convolutions.
  EXPECT_NEAR(static_cast<double>(prenorm->multiply_adds() - chapter->multiply_adds()), 49.0 * 4 * 256 * 256, 1);
}

TEST(Unet, TimeFeaturesAreSinesThenCosines) {
  const Tensor f = time_features(torch::tensor({0.0, 3.0}), 8);
  for (int i = 0; i < 4; ++i) {
    const double frequency = std::pow(10000.0, -i / 3.0);
    EXPECT_NEAR(f[1][i].item<double>(), std::sin(3 * frequency), 1e-6);
    EXPECT_NEAR(f[1][4 + i].item<double>(), std::cos(3 * frequency), 1e-6);
  }
  EXPECT_TRUE(f[0].equal(torch::tensor({0, 0, 0, 0, 1, 1, 1, 1}).to(at::kFloat)));
  EXPECT_THROW(time_features(torch::zeros({1}), 7), UsageError);
}

// The whole net on our kernels in float against LibTorch's operations in double. Pooling's arg-max flips at near ties,
// so few pixels: with them gradients may differ by more than rounding.
TEST(Unet, AgreesWithDoublePrecision) {
  for (UnetConfig config : {UnetConfig{}, prenorm_unet(), cifar_unet()}) {
    config.widths = {16, 24};
    config.groups = 4;
    if (!config.attention.empty()) config.attention = {4, 8};  // after every block
    Unet net(config, 1, 8, 3);
    Rng rng(5);
    const torch::NoGradGuard outside;
    for (const Tensor& p : net->parameters()) p.detach().add_(rng.normal(p.sizes()), 0.05);
    const Tensor x = rng.normal({3, 1, 8, 8}), time = torch::tensor({0.0f, 500.0f, 999.0f});
    const Tensor labels = torch::tensor({0, 3, 1});
    const auto run = [&](at::ScalarType type) {
      const torch::AutoGradMode grad(true);
      net->to(type);
      const Tensor y = net->forward(x.to(type), time, labels);
      Tensors found = torch::autograd::grad({y.square().sum()}, net->parameters());
      found.push_back(y.detach());
      return found;
    };
    const Tensors exact = run(at::kDouble), fast = run(at::kFloat);
    for (size_t i = 0; i < exact.size(); ++i) EXPECT_LT(distance(fast[i], exact[i]), 2e-4) << i;
    EXPECT_LT(distance(fast.back(), exact.back()), 1e-5);
    // Without gradients, another path through the convolutions: the same bytes.
    EXPECT_TRUE(net->forward(x, time, labels).equal(fast.back()));
  }
}

// Without gradients a large batch goes through in parts: each picture comes out as it does alone.
TEST(Unet, PartsOfABatchAreTheBatch) {
  UnetConfig config;
  config.widths = {64};
  config.groups = 4;
  Unet net(config, 1, 64, 3);  // 1 MB a map and picture
  Rng rng(5);
  const int64_t batch = 19;
  const Tensor x = rng.normal({batch, 1, 64, 64}), labels = rng.integers(0, 4, {batch}), times = rng.uniform({batch});
  const torch::NoGradGuard no_grad;
  for (const Tensor& time : {times, torch::tensor({0.5f})}) {
    const Tensor whole = net->forward(x, time, labels);
    for (int64_t i : {0, 8, 18}) {
      const Tensor own_time = time.size(0) == 1 ? time : time.slice(0, i, i + 1);
      EXPECT_TRUE(
          net->forward(x.slice(0, i, i + 1), own_time, labels.slice(0, i, i + 1)).equal(whole.slice(0, i, i + 1)));
    }
  }
}

TEST(Unet, BadInputIsRefusedWithTheRemedy) {
  EXPECT_THROW(Unet(UnetConfig{}, 1, 30, 0), UsageError);
  EXPECT_THROW(Unet(UnetConfig{.widths = {}}, 1, 28, 0), UsageError);
  EXPECT_THROW(Unet(UnetConfig{.widths = {12, 24, 64}}, 1, 28, 0), UsageError);
  UnetConfig small;
  small.widths = {8};
  Unet net(small, 1, 4, 2);
  EXPECT_THROW(net->forward(torch::zeros({2, 1, 4, 4}), torch::zeros({2}), {}), Error);
  EXPECT_THROW(net->forward(torch::zeros({2, 1, 5, 4}), torch::zeros({2}), torch::zeros({2}, at::kLong)), Error);
}

TEST(Upsample, AgreesWithLibTorchInValueAndGradients) {
  for (const int64_t factor : {1, 2, 3}) {
    const Tensors in = {Rng(1).normal({2, 5, 3, 4})};
    expect_agreement(
        in, [&](const Tensors& t) { return upsample(t[0], factor); },
        [&](const Tensors& t) {
          return at::upsample_nearest2d(t[0], {3 * factor, 4 * factor});
        });
  }
}

}  // namespace
}  // namespace sextant
