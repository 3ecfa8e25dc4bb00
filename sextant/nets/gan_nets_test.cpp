// The nets of adversarial training and the layers that only they use.
#include "sextant/nets/gan_nets.h"

#include <gtest/gtest.h>

#include <functional>

#include "sextant/base/check.h"
#include "sextant/nets/init_scope.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

using Tensors = std::vector<Tensor>;

double distance(const Tensor& a, const Tensor& b) {
  return ((a.to(at::kDouble) - b.to(at::kDouble)).norm() / (b.to(at::kDouble).norm() + 1e-30)).item<double>();
}

int64_t parameters(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const Tensor& p : module.parameters()) count += p.numel();
  return count;
}

TEST(GanNets, TheToyPairHasTheChaptersSize) {
  EXPECT_EQ(parameters(*Generator(GanNetConfig{}, at::IntArrayRef{1, 28, 28})), 1486352);
  EXPECT_EQ(parameters(*Discriminator(GanNetConfig{}, at::IntArrayRef{1, 28, 28})), 533505);
}

TEST(GanNets, BothKindsMakeAndJudgeItemsOfTheDatasShape) {
  GanNetConfig small;
  small.generator_hidden = small.discriminator_hidden = {8};
  small.width = 4;
  for (const GanNet kind : {GanNet::kMlp, GanNet::kDcgan})
    for (const std::vector<int64_t>& item : {std::vector<int64_t>{1, 8, 12}, {3, 4, 4}}) {
      small.kind = kind;
      Generator generator(small, item);
      Discriminator discriminator(small, item);
      const Tensor x = generator->forward(Rng(1).normal({5, 100}), true);
      EXPECT_EQ(x.sizes().slice(1).vec(), item);
      EXPECT_LE(x.abs().max().item<float>(), 1);
      EXPECT_EQ(discriminator->forward(x).sizes().vec(), (std::vector<int64_t>{5}));
    }
}

// No item may see another: a gradient penalty is a matter of one item.
TEST(GanNets, TheDiscriminatorJudgesEachItemByItself) {
  for (const GanNet kind : {GanNet::kMlp, GanNet::kDcgan}) {
    Discriminator net(GanNetConfig{.kind = kind, .discriminator_hidden = {8}, .width = 4}, at::IntArrayRef{1, 8, 8});
    const Tensor x = Rng(1).normal({6, 1, 8, 8});
    EXPECT_LT(distance(net->forward(x).slice(0, 2, 3), net->forward(x.slice(0, 2, 3))), 1e-6);  // float32 rounding
  }
}

struct ConvCase {
  int64_t batch, in, out, height, width;
};
constexpr ConvCase kConvCases[] = {{1, 1, 1, 2, 2},   {2, 1, 5, 6, 4},    {3, 7, 4, 8, 2},    {2, 5, 9, 14, 14},
                                   {1, 3, 17, 4, 10}, {5, 16, 33, 14, 6}, {2, 40, 6, 28, 12}, {4, 20, 20, 7, 3}};

// Value, first and second derivatives of a layer against LibTorch in double. `forward` gets x, weight, bias.
using Layer = std::function<Tensor(const Tensor&, const Tensor&, const Tensor&)>;
Tensors derivatives(const Layer& layer, Tensors inputs, at::ScalarType type) {
  for (Tensor& t : inputs) t = t.to(type).detach().requires_grad_();
  const Tensor y = layer(inputs[0], inputs[1], inputs[2]);
  const Tensor weights = Rng(9).normal(y.sizes()).to(type);
  Tensors found = torch::autograd::grad({(y * weights).sum()}, inputs, {}, true, true);
  // What a penalty asks for: the gradient of a function of the input gradient.
  const Tensor penalty = (found[0] * Rng(8).normal(found[0].sizes()).to(type)).sum() + found[0].square().sum();
  found.push_back(torch::autograd::grad({penalty}, {inputs[1]}, {}, true, false)[0]);
  // The weight's gradient is a function of the input, too.
  found.push_back(
      torch::autograd::grad({(found[1] * Rng(7).normal(found[1].sizes()).to(type)).sum()}, {inputs[0]}, {}, true)[0]);
  // And without recording: the fast path.
  for (const Tensor& g : torch::autograd::grad({(layer(inputs[0], inputs[1], inputs[2]) * weights).sum()}, inputs))
    found.push_back(g);
  found.push_back(y.detach());
  return found;
}

void expect_agreement(const Layer& fast, const Layer& plain, const Tensors& inputs, const std::string& what) {
  const Tensors got = derivatives(fast, inputs, at::kFloat), want = derivatives(plain, inputs, at::kDouble);
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].sizes(), want[i].sizes()) << what << " " << i;
    EXPECT_LT(distance(got[i], want[i]), 2e-5) << what << " " << i;  // float32, some by Winograd
  }
}

TEST(StridedConv, EqualsLibTorchInDoubleUpToTheSecondDerivative) {
  for (const ConvCase& c : kConvCases) {
    if (c.height % 2 || c.width % 2) continue;
    for (const Activation activation : {Activation::kNone, Activation::kLeakyRelu})
      expect_agreement(
          [&](const Tensor& x, const Tensor& w, const Tensor& b) { return strided_conv(x, w, b, activation); },
          [&](const Tensor& x, const Tensor& w, const Tensor& b) {
            return activate(at::conv2d(x, w, b, 2, 1), activation);
          },
          {Rng(1).normal({c.batch, c.in, c.height, c.width}), Rng(2).normal({c.out, c.in, 4, 4}),
           Rng(3).normal({c.out})},
          concat("[", c.batch, ",", c.in, ",", c.height, ",", c.width, "] -> ", c.out));
  }
}

TEST(TransposedConv, EqualsLibTorchInDoubleUpToTheSecondDerivative) {
  for (const ConvCase& c : kConvCases)
    expect_agreement(
        [&](const Tensor& x, const Tensor& w, const Tensor& b) { return transposed_conv(x, w, b, Activation::kNone); },
        [&](const Tensor& x, const Tensor& w, const Tensor& b) { return at::conv_transpose2d(x, w, b, 2, 1); },
        {Rng(1).normal({c.batch, c.in, c.height, c.width}), Rng(2).normal({c.in, c.out, 4, 4}), Rng(3).normal({c.out})},
        concat("[", c.batch, ",", c.in, ",", c.height, ",", c.width, "] -> ", c.out));
}

// <conv(x), y> = <x, transposed(y)>: the two are each other's adjoint with one and the same weight.
TEST(StridedConv, ItsTransposeIsItsAdjoint) {
  const Tensor x = Rng(1).normal({3, 6, 10, 14}), y = Rng(2).normal({3, 9, 5, 7}), w = Rng(3).normal({9, 6, 4, 4});
  const double left = (strided_conv(x, w, {}, Activation::kNone) * y).sum().item<double>();
  const double right = (x * transposed_conv(y, w, {}, Activation::kNone)).sum().item<double>();
  EXPECT_NEAR(left, right, 1e-3 * std::sqrt(static_cast<double>(x.numel())));  // sums of thousands of float32
}

TEST(StridedConv, AnOddSideIsRefusedWithTheRemedy) {
  EXPECT_THROW(strided_conv(torch::zeros({1, 2, 7, 8}), torch::zeros({3, 2, 4, 4}), {}, Activation::kNone), Error);
  EXPECT_THROW(strided_conv(torch::zeros({1, 3, 8, 8}), torch::zeros({3, 2, 4, 4}), {}, Activation::kNone), Error);
}

TEST(BatchNorm, NormalisesByTheBatchWhileTrainingAndByItsAveragesAfterwards) {
  BatchNorm norm(3);
  const Tensor x = 2 * Rng(1).normal({40, 3, 5, 5}) + torch::tensor({-1.0f, 0.0f, 3.0f}).view({1, 3, 1, 1});
  const Tensor mean = x.mean({0, 2, 3}), variance = x.var({0, 2, 3});
  const Tensor by_hand =
      ((x - mean.view({1, 3, 1, 1})) / (x.var({0, 2, 3}, false).view({1, 3, 1, 1}) + 1e-5).sqrt()).relu();
  EXPECT_LT(distance(norm->forward(x, true), by_hand), 1e-5);
  const auto buffers = norm->named_buffers();
  EXPECT_LT(distance(buffers["running_mean"], 0.1 * mean), 1e-5);
  EXPECT_LT(distance(buffers["running_var"], 0.9 + 0.1 * variance), 1e-5);
  const Tensor kept = buffers["running_mean"].clone();
  const Tensor later = norm->forward(x, false);
  EXPECT_TRUE(kept.equal(buffers["running_mean"]));
  const Tensor expected =
      ((x - kept.view({1, 3, 1, 1})) / (buffers["running_var"].view({1, 3, 1, 1}) + 1e-5).sqrt()).relu();
  EXPECT_LT(distance(later, expected), 1e-5);
  EXPECT_THROW(norm->forward(torch::ones({1, 3, 1, 1}), true), Error) << "one value has no variance";
}

TEST(BatchNorm, EqualsLibTorchInDoubleInItsGradients) {
  for (const auto& [batch, channels, side] : {std::tuple{2, 3, 5}, {7, 16, 4}, {3, 33, 7}}) {
    const Tensors inputs = {Rng(1).normal({batch, channels, side, side}), Rng(2).normal({channels}),
                            Rng(3).normal({channels})};
    const auto run = [&](at::ScalarType type) {
      BatchNorm norm(channels);
      norm->to(type);
      const Tensor x = inputs[0].to(type).detach().requires_grad_();
      torch::NoGradGuard no_grad;
      norm->weight.copy_(inputs[1]);
      norm->bias.copy_(inputs[2]);
      const torch::AutoGradMode grad(true);
      const Tensor y = norm->forward(x, true);
      Tensors found =
          torch::autograd::grad({(y * Rng(4).normal(y.sizes()).to(type)).sum()}, {x, norm->weight, norm->bias});
      found.push_back(y.detach());
      return found;
    };
    const Tensors got = run(at::kFloat), want = run(at::kDouble);
    for (size_t i = 0; i < got.size(); ++i) EXPECT_LT(distance(got[i], want[i]), 2e-5) << i;
  }
}

TEST(SpectralNorm, ReachesTheLargestSingularValue) {
  const InitScope seeded(Rng(1));
  for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{20, 30}, {30, 8}, {12, 3, 4, 4}}) {
    const Tensor weight = Rng(2).normal(sizes).to(at::kDouble);
    SpectralNorm norm(weight.to(at::kFloat));
    norm->to(at::kDouble);
    norm->iterate_(weight, 500);
    const double largest = at::linalg_svdvals(weight.flatten(1)).max().item<double>();
    EXPECT_NEAR(norm->sigma(weight).item<double>(), largest, 1e-6 * largest);
    EXPECT_NEAR(at::linalg_svdvals(norm->forward(weight).flatten(1)).max().item<double>(), 1, 1e-6);
  }
}

TEST(SpectralNorm, ItsVectorsMoveInIterateOnlyAndAreBuffers) {
  GanNetConfig config;
  config.discriminator_hidden = {6};
  config.spectral_norm = true;
  Discriminator net(config, at::IntArrayRef{1, 4, 4});
  const Tensor x = Rng(1).normal({3, 1, 4, 4}), first = net->forward(x);
  EXPECT_EQ(net->named_buffers().size(), 4u);  // u and v of two layers
  EXPECT_TRUE(first.equal(net->forward(x)));
  for (const Tensor& p : net->parameters()) p.detach().add_(Rng(2).normal(p.sizes()));
  const Tensor before = net->named_buffers()["spectral0.u"].clone();
  net->power_iteration_();
  EXPECT_FALSE(before.equal(net->named_buffers()["spectral0.u"]));
}

}  // namespace
}  // namespace sextant
