#include "sextant/nets/layers.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "sextant/base/check.h"
#include "sextant/nets/init_scope.h"
#include "sextant/nets/mlp.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

struct Case {
  int64_t batch, in, out;
};
constexpr Case kCases[] = {{1, 1, 1}, {2, 3, 5}, {7, 20, 400}, {128, 784, 40}, {33, 17, 65}};

TEST(Linear, EqualsLibTorchInDoubleInValueAndGradients) {
  for (const auto& [batch, in, out] : kCases)
    for (const Activation activation : {Activation::kNone, Activation::kRelu, Activation::kLeakyRelu}) {
      const Tensor x = Rng(1).normal({batch, in}).requires_grad_(), w = Rng(2).normal({out, in}).requires_grad_(),
                   b = Rng(3).normal({out}).requires_grad_(), weight = Rng(4).normal({batch, out});
      const auto exact = [](const Tensor& t) { return t.detach().to(at::kDouble).requires_grad_(); };
      const Tensor x2 = exact(x), w2 = exact(w), b2 = exact(b);
      Tensor want = torch::linear(x2, w2, b2);
      if (activation == Activation::kRelu) want = torch::relu(want);
      if (activation == Activation::kLeakyRelu) want = torch::leaky_relu(want, 0.2);
      const Tensor got = linear(x, w, b, activation);
      // float32 sums of up to 784 products of magnitude 1: 784 * 6e-8 * sqrt(784), rounded up
      EXPECT_TRUE(torch::allclose(got.to(at::kDouble), want, 1e-4, 1e-3));
      const auto g = torch::autograd::grad({(got * weight).sum()}, {x, w, b});
      const auto g2 = torch::autograd::grad({(want * weight).sum()}, {x2, w2, b2});
      for (size_t i = 0; i < 3; ++i)
        EXPECT_TRUE(torch::allclose(g[i].to(at::kDouble), g2[i], 1e-3, 1e-3))
            << batch << " " << in << " " << out << " " << i;
    }
}

// y and dx are products of rounded factors; dW is not.
TEST(Linear, InBFloat16BothFactorsAreRoundedButForTheWeightsGradient) {
  const Tensor x = Rng(1).normal({33, 17}).requires_grad_(), w = Rng(2).normal({65, 17}).requires_grad_(),
               b = Rng(3).normal({65}).requires_grad_(), weight = Rng(4).normal({33, 65});
  const auto rounded = [](const Tensor& t) { return t.detach().to(at::kBFloat16).to(at::kDouble); };
  const auto near = [](const Tensor& got, const Tensor& want) {
    return (got.to(at::kDouble) - want).abs().max().item<double>() < 1e-4;
  };
  const Tensor got = linear(x, w, b, Activation::kLeakyRelu, Precision::kBFloat16);
  const Tensor before = rounded(x).mm(rounded(w).t()) + b.detach().to(at::kDouble);
  EXPECT_TRUE(near(got, torch::leaky_relu(before, 0.2)));
  const auto g = torch::autograd::grad({(got * weight).sum()}, {x, w, b});
  const Tensor dy = weight * torch::where(got > 0, 1.0, 0.2);
  EXPECT_TRUE(near(g[0], rounded(dy).mm(rounded(w))));
  EXPECT_TRUE(near(g[1], dy.to(at::kDouble).t().mm(x.detach().to(at::kDouble))));
  EXPECT_TRUE(near(g[2], dy.to(at::kDouble).sum(0)));
  EXPECT_FALSE(near(got, linear(x, w, b, Activation::kLeakyRelu).to(at::kDouble)));
}

// What a gradient penalty asks for: the gradient of the squared norm of an input gradient.
TEST(Linear, IsTwiceDifferentiable) {
  const Tensor x = Rng(1).normal({4, 6}).requires_grad_(), w = Rng(2).normal({3, 6}).requires_grad_(),
               b = Rng(3).normal({3}).requires_grad_();
  const auto penalty = [](const Tensor& y, const Tensor& at) {  // 3 y: the gradient that arrives is not zero where y is
    return torch::autograd::grad({(y.square() + 3 * y).sum()}, {at}, {}, true, true)[0].square().sum();
  };
  for (const Activation activation : {Activation::kRelu, Activation::kLeakyRelu}) {
    const double slope = activation == Activation::kRelu ? 0 : 0.2;
    const Tensor got = torch::autograd::grad({penalty(linear(x, w, b, activation), x)}, {w})[0];
    const Tensor plain = torch::leaky_relu(torch::linear(x, w, b), slope);
    const Tensor want = torch::autograd::grad({penalty(plain, x)}, {w})[0];
    EXPECT_TRUE(torch::allclose(got, want, 1e-4, 1e-4)) << slope;
  }
}

TEST(Linear, ResultsDoNotDependOnTheNumberOfThreads) {
  const Tensor x = Rng(1).normal({128, 784}), w = Rng(2).normal({400, 784}), b = Rng(3).normal({400});
  const int before = at::get_num_threads();
  const Tensor two = linear(x, w, b, Activation::kRelu);
  at::set_num_threads(1);
  const Tensor one = linear(x, w, b, Activation::kRelu);
  at::set_num_threads(before);
  EXPECT_TRUE(one.equal(two));
}

TEST(Linear, AWrongWidthIsNamed) {
  try {
    linear(torch::ones({2, 5}), torch::ones({3, 4}), torch::ones({3}), Activation::kNone);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("expected x [B,4]; got [2,5]"), std::string::npos) << error.what();
  }
  EXPECT_THROW(linear(torch::ones({2, 4}), torch::ones({3, 4}), torch::ones({1}), Activation::kNone), Error);
}

TEST(InitScope, FirstWeightsDependOnItsSeedOnlyAndLeaveTheGlobalGeneratorAlone) {
  torch::manual_seed(5);
  const Tensor expected = torch::rand({3});
  torch::manual_seed(5);
  Tensor first;
  {
    const InitScope scope(Rng(1));
    first = Mlp(std::vector<int64_t>{3, 4, 2})->parameters()[0].detach().clone();
  }
  EXPECT_TRUE(expected.equal(torch::rand({3})));
  const InitScope scope(Rng(1));
  EXPECT_TRUE(first.equal(Mlp(std::vector<int64_t>{3, 4, 2})->parameters()[0]));
}

}  // namespace
}  // namespace sextant
