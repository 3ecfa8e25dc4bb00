// What every bijection owes, whatever it is: one row in `cases` and it is tested. Weights are moved away from their
// start first: with a last layer of zeros s = 0, and every fault would pass.
#include <gtest/gtest.h>

#include <functional>

#include "sextant/nets/coupling.h"
#include "sextant/nets/init_scope.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

using Made = std::shared_ptr<Bijection>;

Made point_coupling(int64_t dimensions, int64_t parity) {
  return std::make_shared<AffineCoupling>(alternating_mask(dimensions, parity),
                                          std::make_shared<MlpConditioner>(dimensions, std::vector<int64_t>{16, 16}));
}

Made map_coupling(const Tensor& mask, int64_t blocks = 1) {
  return std::make_shared<AffineCoupling>(mask, std::make_shared<ConvConditioner>(mask.size(0), 8, blocks));
}

Made point_stack(int64_t dimensions, int64_t layers) {
  std::vector<Made> all;
  for (int64_t k = 0; k < layers; ++k) all.push_back(point_coupling(dimensions, k));
  return std::make_shared<Chain>(all);
}

// As the picture flow is built: [1,4,4] -> logit, checkerboards, squeeze to [4,2,2], channels, half of them done, the
// rest on a checkerboard.
Made multiscale() {
  const Made rest = std::make_shared<Chain>(
      std::vector<Made>{map_coupling(checkerboard_mask(2, 2, 2, 0)), map_coupling(checkerboard_mask(2, 2, 2, 1)),
                        std::make_shared<Flatten>(std::vector<int64_t>{2, 2, 2})});
  return std::make_shared<Chain>(std::vector<Made>{
      std::make_shared<Logit>(0.05), map_coupling(checkerboard_mask(1, 4, 4, 0)),
      map_coupling(checkerboard_mask(1, 4, 4, 1)), std::make_shared<Squeeze>(), map_coupling(channel_mask(4, 2, 2, 0)),
      map_coupling(channel_mask(4, 2, 2, 1)), std::make_shared<FactorOut>(rest, std::vector<int64_t>{4, 2, 2})});
}

struct Case {
  const char* name;
  std::function<Made()> make;
  std::vector<int64_t> item;
  bool unit = false;         // takes numbers in [0,1]
  bool changes_all = false;  // no coordinate passes
  Tensor mask = {};          // of a single coupling
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"coupling_of_two", [] { return point_coupling(2, 0); }, {2}, false, false, alternating_mask(2, 0)},
      {"coupling_of_two_other", [] { return point_coupling(2, 1); }, {2}, false, false, alternating_mask(2, 1)},
      {"coupling_of_seven", [] { return point_coupling(7, 0); }, {7}, false, false, alternating_mask(7, 0)},
      {"coupling_by_any_mask",
       [] {
         return std::make_shared<AffineCoupling>(torch::tensor({0.0f, 0.0f, 1.0f}),
                                                 std::make_shared<MlpConditioner>(3, std::vector<int64_t>{8}));
       },
       {3},
       false,
       false,
       torch::tensor({0.0f, 0.0f, 1.0f})},
      {"stack_of_eight", [] { return point_stack(2, 8); }, {2}, false, true},
      {"stack_of_five_coordinates", [] { return point_stack(5, 4); }, {5}, false, true},
      {"checkerboard",
       [] { return map_coupling(checkerboard_mask(1, 4, 6, 0)); },
       {1, 4, 6},
       false,
       false,
       checkerboard_mask(1, 4, 6, 0)},
      {"checkerboard_colour_odd_sides",
       [] { return map_coupling(checkerboard_mask(3, 3, 5, 1), 0); },
       {3, 3, 5},
       false,
       false,
       checkerboard_mask(3, 3, 5, 1)},
      {"channels",
       [] { return map_coupling(channel_mask(4, 3, 3, 0)); },
       {4, 3, 3},
       false,
       false,
       channel_mask(4, 3, 3, 0)},
      {"channels_other",
       [] { return map_coupling(channel_mask(12, 2, 2, 1), 2); },
       {12, 2, 2},
       false,
       false,
       channel_mask(12, 2, 2, 1)},
      {"squeeze", [] { return std::make_shared<Squeeze>(); }, {3, 4, 2}},
      {"flatten",
       [] {
         return std::make_shared<Flatten>(std::vector<int64_t>{2, 3, 2});
       },
       {2, 3, 2}},
      {"logit", [] { return std::make_shared<Logit>(0.05); }, {1, 3, 3}, true, true},
      {"multiscale", multiscale, {1, 4, 4}, true, true},
  };
  return all;
}

void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

class BijectionContract : public testing::TestWithParam<Case> {
 protected:
  // With every weight moved, in float32 or double: the same numbers.
  Made make(at::ScalarType type) const {
    const InitScope seeded(Rng(1));
    const Made made = GetParam().make();
    Rng rng(2);
    const torch::NoGradGuard no_grad;
    for (const Tensor& p : made->parameters()) p.detach().add_(rng.normal(p.sizes()), 0.2);
    made->to(type);
    return made;
  }
  Tensor input(int64_t count, at::ScalarType type, uint64_t seed = 3) const {
    Rng rng(seed);
    const auto shape = batch_of(count, GetParam().item);
    return (GetParam().unit ? 0.01 + 0.98 * rng.uniform(shape) : rng.normal(shape)).to(type);
  }
};

double largest(const Tensor& x) { return x.abs().max().item<double>(); }

// J [D,D] of z over x at one item, a row a coordinate of z.
Tensor jacobian(Bijection& bijection, const Tensor& item) {
  const Tensor x = item.detach().clone().requires_grad_();
  const Tensor z = bijection.forward_and_log_det(x).value.flatten();
  std::vector<Tensor> rows;
  for (int64_t i = 0; i < z.numel(); ++i)
    rows.push_back(torch::autograd::grad({z[i]}, {x}, {}, true, false, true)[0].flatten());
  return torch::stack(rows);
}

// In double what is left is rounding; in float32 that of numbers up to some tens.
TEST_P(BijectionContract, WhatIsMappedComesBack) {
  const torch::NoGradGuard no_grad;
  for (const auto& [type, tolerance] : {std::pair{at::kDouble, 1e-10}, std::pair{at::kFloat, 1e-5}}) {
    const Made bijection = make(type);
    const Tensor x = input(16, type);
    const Mapped there = bijection->forward_and_log_det(x), back = bijection->inverse_and_log_det(there.value);
    ASSERT_EQ(back.value.sizes(), x.sizes());
    EXPECT_LT(largest((back.value - x) / (1 + x.abs())), tolerance) << at::toString(type);
    EXPECT_LT(largest(there.log_det + back.log_det), 10 * tolerance * (1 + largest(there.log_det)));
    EXPECT_EQ(there.log_det.sizes().vec(), std::vector<int64_t>{16});
    // And from the other side, at points that the forward map did not give.
    if (GetParam().unit) continue;  // numbers near 0 and 1 come from far out
    const Tensor z = Rng(4).normal(there.value.sizes()).to(type);
    const Tensor again = bijection->forward_and_log_det(bijection->inverse_and_log_det(z).value).value;
    EXPECT_LT(largest((again - z) / (1 + z.abs())), tolerance) << at::toString(type);
  }
}

TEST_P(BijectionContract, LogDetIsThatOfTheAutogradJacobian) {
  const Made bijection = make(at::kDouble);
  const Tensor x = input(3, at::kDouble), claimed = bijection->forward_and_log_det(x).log_det;
  for (int64_t i = 0; i < x.size(0); ++i) {
    const auto [sign, log_det] = at::linalg_slogdet(jacobian(*bijection, x.slice(0, i, i + 1)));
    EXPECT_NE(sign.item<double>(), 0);
    EXPECT_NEAR(claimed[i].item<double>(), log_det.item<double>(), 1e-9) << i;
  }
}

TEST_P(BijectionContract, ACouplingLetsPassWhatItsMaskSays) {
  if (!GetParam().mask.defined()) GTEST_SKIP() << "not a single coupling";
  const Tensor passes = GetParam().mask.flatten() != 0, changes = passes.logical_not();
  for (const auto type : {at::kDouble, at::kFloat}) {
    const Made bijection = make(type);
    const Tensor x = input(1, type), J = jacobian(*bijection, x);
    const Tensor z = bijection->forward_and_log_det(x).value;
    EXPECT_TRUE(z.flatten().masked_select(passes).equal(x.flatten().masked_select(passes)));
    // Nothing that passes depends on what changes, and what changes does so through its own number only: exactly 0.
    const Tensor upper = J.index({passes}).index({torch::indexing::Slice(), changes});
    EXPECT_EQ(largest(upper), 0);
    const Tensor block = J.index({changes}).index({torch::indexing::Slice(), changes});
    EXPECT_EQ(largest(block - block.diag().diag()), 0);
    EXPECT_GT(block.diag().min().item<double>(), 0);
  }
}

TEST_P(BijectionContract, AStackChangesEveryCoordinate) {
  if (!GetParam().changes_all) GTEST_SKIP() << "lets something pass";
  const Made bijection = make(at::kDouble);
  const Tensor x = input(8, at::kDouble), z = bijection->forward_and_log_det(x).value.flatten(1);
  const Tensor J = jacobian(*bijection, x.slice(0, 0, 1));
  EXPECT_GT(J.abs().amax(0).min().item<double>(), 0);
  // No coordinate of z is a copy of one of x.
  const Tensor distance = (z.unsqueeze(2) - x.flatten(1).unsqueeze(1)).abs().amax(0);  // [D,D]
  EXPECT_GT(distance.min().item<double>(), 1e-3);
}

TEST_P(BijectionContract, ItemsOfABatchAreTreatedApart) {
  const torch::NoGradGuard no_grad;
  const Made bijection = make(at::kDouble);
  const Tensor x = input(5, at::kDouble);
  const Mapped all = bijection->forward_and_log_det(x), one = bijection->forward_and_log_det(x.slice(0, 3, 4));
  EXPECT_LT(largest(all.value[3] - one.value[0]), 1e-12);
  EXPECT_LT(largest(all.log_det[3] - one.log_det[0]), 1e-12);
}

// The kernels in float32 against LibTorch's operations in double: value, log-determinant, gradients of both, and the
// gradient of a gradient's size.
TEST_P(BijectionContract, Float32AgreesWithDoubleUpToTheSecondDerivative) {
  std::vector<std::vector<Tensor>> results;
  for (const auto type : {at::kFloat, at::kDouble}) {
    const Made bijection = make(type);
    const Tensor x = input(6, type).requires_grad_();
    const Mapped mapped = bijection->forward_and_log_det(x);
    const Tensor total = (mapped.value.flatten(1).square().sum(1) + mapped.log_det).sum();
    std::vector<Tensor> wanted = bijection->parameters();
    wanted.push_back(x);
    const auto first = torch::autograd::grad({total}, wanted, {}, true, false, true);
    const auto recorded = torch::autograd::grad({total}, {x}, {}, true, true, true);
    std::vector<Tensor> result = {mapped.value, mapped.log_det};
    for (const Tensor& g : first) result.push_back(g.defined() ? g : at::zeros({1}));
    if (recorded[0].defined() && recorded[0].requires_grad())
      for (const Tensor& g : torch::autograd::grad({recorded[0].square().sum()}, wanted, {}, false, false, true))
        result.push_back(g.defined() ? g : at::zeros({1}));
    results.push_back(std::move(result));
  }
  ASSERT_EQ(results[0].size(), results[1].size());
  for (size_t i = 0; i < results[0].size(); ++i) {
    const Tensor got = results[0][i].to(at::kDouble), expected = results[1][i].to(at::kDouble);
    // Rounding of 6e-8 over sums of hundreds of terms, and again in the second derivative.
    EXPECT_LT(largest(got - expected), 2e-4 * (1e-3 + largest(expected))) << "result " << i;
  }
}

// Our autograd functions read raw memory, and recompute where the backward is recorded: neither may show.
TEST_P(BijectionContract, GradientsDependNeitherOnTheLayoutNorOnBeingRecorded) {
  const Made bijection = make(at::kFloat);
  const Tensor x = input(6, at::kFloat);
  const auto gradient = [&](bool strided, bool recorded) {
    const Tensor in = (strided ? x.transpose(0, 1).contiguous().transpose(0, 1) : x.clone()).requires_grad_();
    const Mapped out = bijection->forward_and_log_det(in);
    const Tensor loss = out.value.square().sum() + out.log_det.square().sum();
    return torch::autograd::grad({loss}, {in}, {}, recorded, recorded)[0];
  };
  const Tensor plain = gradient(false, false);
  for (const auto& [strided, recorded] : {std::pair{false, true}, std::pair{true, false}, std::pair{true, true}})
    EXPECT_LT(largest(gradient(strided, recorded) - plain), 1e-4 * (1 + largest(plain))) << strided << recorded;
}

TEST_P(BijectionContract, AnotherShapeIsRefused) {
  if (GetParam().name == std::string("logit")) GTEST_SKIP() << "takes any shape";
  const Made bijection = make(at::kFloat);
  EXPECT_THROW(bijection->forward_and_log_det(torch::full({2, 3, 3, 3, 3}, 0.5)), Error);
}

INSTANTIATE_TEST_SUITE_P(All, BijectionContract, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

// Answers with one number for each, not with two.
struct Echo : Conditioner {
  Tensor forward(const Tensor& x) override { return x; }
};

TEST(AffineCoupling, AConditionerOfAnotherWidthIsRefused) {
  const Tensor mask = alternating_mask(3, 0), x = Rng(1).normal({4, 3});
  AffineCoupling narrow(mask, std::make_shared<MlpConditioner>(2, std::vector<int64_t>{8}));
  EXPECT_THROW(narrow.forward_and_log_det(x), Error);
  AffineCoupling echo(channel_mask(2, 4, 4, 0), std::make_shared<Echo>());
  EXPECT_THROW(echo.forward_and_log_det(Rng(1).normal({2, 2, 4, 4})), Error);
}

TEST(Masks, OfTheTwoParitiesAreComplements) {
  for (const auto& mask : {std::function([](int64_t p) { return alternating_mask(5, p); }),
                           std::function([](int64_t p) { return checkerboard_mask(2, 3, 4, p); }),
                           std::function([](int64_t p) { return channel_mask(4, 2, 3, p); })}) {
    EXPECT_TRUE((mask(0) + mask(1)).equal(torch::ones(mask(0).sizes())));
    EXPECT_TRUE(mask(2).equal(mask(0)));
  }
  const Tensor board = checkerboard_mask(1, 2, 2, 0)[0];
  EXPECT_TRUE(board.equal(torch::tensor({1.0f, 0.0f, 0.0f, 1.0f}).view({2, 2})));
}

TEST(Coupling, WhatDoesNotSplitInTwoIsRefusedWithTheRemedy) {
  const auto conditioner = std::make_shared<MlpConditioner>(1, std::vector<int64_t>{4});
  EXPECT_THROW(AffineCoupling(torch::ones({1}), conditioner), UsageError);
  EXPECT_THROW(AffineCoupling(torch::full({2}, 0.5f), conditioner), Error);
  EXPECT_THROW(FactorOut(std::make_shared<Squeeze>(), {3, 2, 2}), Error);
  EXPECT_THROW(Squeeze().forward_and_log_det(torch::zeros({1, 1, 3, 4})), Error);
  EXPECT_THROW(Logit(0.5), UsageError);
}

TEST(Coupling, StartsAsTheIdentity) {
  const Tensor x = Rng(1).normal({4, 3, 4, 4});
  const Mapped mapped = map_coupling(checkerboard_mask(3, 4, 4, 0))->forward_and_log_det(x);
  EXPECT_TRUE(mapped.value.equal(x));
  EXPECT_EQ(largest(mapped.log_det), 0);
}

}  // namespace
}  // namespace sextant
