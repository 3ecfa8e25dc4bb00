#include "sextant/train/optimiser.h"

#include <gtest/gtest.h>
#include <torch/optim.h>

#include <bit>
#include <cmath>

#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

// Distance in units in the last place; both finite.
int64_t ulps(float a, float b) {
  const auto ordered = [](float x) {
    const auto bits = std::bit_cast<int32_t>(x);
    return bits < 0 ? int64_t{INT32_MIN} - bits : int64_t{bits};
  };
  return std::abs(ordered(a) - ordered(b));
}

int64_t worst_ulps(const Tensor& a, const Tensor& b) {
  int64_t worst = 0;
  for (int64_t i = 0; i < a.numel(); ++i)
    worst = std::max(worst, ulps(a.flatten()[i].item<float>(), b.flatten()[i].item<float>()));
  return worst;
}

Player player_of(const std::vector<Tensor>& parameters, const OptimiserConfig& config) {
  return {.name = "p", .parameters = parameters, .optimiser = config};
}

// Against LibTorch's own optimisers, one step from the same state each time, over many steps and sizes.
TEST(Optimiser, OneStepIsWithinAnUlpOfLibTorch) {
  for (const bool decoupled : {false, true})
    for (const double decay : {0.0, 0.01}) {
      const std::vector<int64_t> sizes = {1, 7, 64, 1000};
      std::vector<Tensor> ours, theirs;
      for (size_t i = 0; i < sizes.size(); ++i) {
        ours.push_back(Rng(i).normal({sizes[i]}).requires_grad_());
        theirs.push_back(ours.back().detach().clone().requires_grad_());
      }
      Optimiser optimiser(player_of(ours, {.lr = 1e-2, .weight_decay = decay, .decoupled = decoupled}),
                          {"a", "b", "c", "d"}, 0.0, 50);
      std::unique_ptr<torch::optim::Optimizer> reference;
      if (decoupled)
        reference = std::make_unique<torch::optim::AdamW>(theirs, torch::optim::AdamWOptions(1e-2).weight_decay(decay));
      else
        reference = std::make_unique<torch::optim::Adam>(theirs, torch::optim::AdamOptions(1e-2).weight_decay(decay));
      for (int step = 0; step < 20; ++step) {
        std::vector<Tensor> gradients;
        for (size_t i = 0; i < sizes.size(); ++i) {
          gradients.push_back(Rng(100).split(static_cast<uint64_t>(step)).split(i).normal({sizes[i]}));
          theirs[i].mutable_grad() = gradients.back().clone();
        }
        optimiser.step_(gradients);
        reference->step();
        const torch::NoGradGuard no_grad;
        for (size_t i = 0; i < sizes.size(); ++i) {
          // A weight near zero differs by the rounding of its last subtraction: an ulp of the larger summand.
          const double scale = theirs[i].abs().max().item<double>() + 1e-2;
          EXPECT_LE((ours[i] - theirs[i]).abs().max().item<double>(), 1.2e-7 * scale) << step << " " << i;
          theirs[i].copy_(ours[i]);
        }
      }
    }
}

TEST(Optimiser, KernelAndTensorPathsAgree) {
  for (const bool decoupled : {false, true}) {
    const OptimiserConfig config = {.lr = 3e-3,
                                    .weight_decay = 0.1,
                                    .decoupled = decoupled,
                                    .clip_norm = 0.5,
                                    .warmup_steps = 3,
                                    .decay = Decay::kCosine};
    const std::vector<std::string> names = {"u", "v", "w"};
    std::vector<Tensor> fast, slow;
    for (const std::vector<int64_t>& shape : {std::vector<int64_t>{257}, {1}, {3, 4, 5, 6}}) {
      fast.push_back(Rng(fast.size()).normal(shape));
      slow.push_back(fast.back().to(at::kDouble));  // no kernel for doubles: LibTorch's operations
    }
    Optimiser a(player_of(fast, config), names, 0.9, 10), b(player_of(slow, config), names, 0.9, 10);
    for (uint64_t step = 0; step < 10; ++step) {
      std::vector<Tensor> g, exact;
      for (size_t i = 0; i < fast.size(); ++i) {
        g.push_back(Rng(2).split(step).split(i).normal(fast[i].sizes()));
        if (i == 2) g[i] = g[i].contiguous(at::MemoryFormat::ChannelsLast);  // as convolutions give it
        exact.push_back(g[i].to(at::kDouble));
      }
      EXPECT_NEAR(a.step_(g), b.step_(exact), 1e-4);
    }
    for (size_t i = 0; i < fast.size(); ++i) {
      EXPECT_TRUE(torch::allclose(fast[i].to(at::kDouble), slow[i], 1e-5, 1e-6)) << decoupled << " " << i;
      const auto average = [&](const Optimiser& of) { return of.averages().at(names[i]).to(at::kDouble); };
      EXPECT_TRUE(torch::allclose(average(a), average(b), 1e-5, 1e-6)) << decoupled << " " << i;
    }
  }
}

TEST(Optimiser, ClippingScalesTheGradientToTheLimit) {
  const Tensor a = torch::zeros({4}), b = torch::zeros({4});
  const Tensor g = torch::tensor({3.0f, 4.0f, 0.0f, 0.0f});
  Optimiser clipped(player_of({a}, {.clip_norm = 1.0}), {"w"}, 0, 1), plain(player_of({b}, {}), {"w"}, 0, 1);
  EXPECT_NEAR(clipped.step_({g}), 5.0, 1e-6);
  plain.step_({g / 5});
  EXPECT_EQ(worst_ulps(clipped.moments().at("w.first_moment"), plain.moments().at("w.first_moment")) <= 1, true);
}

TEST(LearningRate, WarmsUpThenStaysOrFollowsHalfACosine) {
  const OptimiserConfig level = {.lr = 2.0, .warmup_steps = 10};
  EXPECT_DOUBLE_EQ(learning_rate(level, 1, 100), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate(level, 10, 100), 2.0);
  EXPECT_DOUBLE_EQ(learning_rate(level, 100, 100), 2.0);
  const OptimiserConfig cosine = {.lr = 2.0, .warmup_steps = 10, .decay = Decay::kCosine};
  EXPECT_DOUBLE_EQ(learning_rate(cosine, 10, 110), 2.0);
  EXPECT_NEAR(learning_rate(cosine, 60, 110), 1.0, 1e-12);
  EXPECT_NEAR(learning_rate(cosine, 110, 110), 0.0, 1e-12);
}

// By the definition: e <- d e + (1 - d) w with d = min(decay, (1 + n) / (10 + n)), from a copy of the first weights.
TEST(Ema, FollowsItsRecursionFromACopy) {
  const Tensor w = Rng(1).normal({50});
  Tensor e = w.to(at::kDouble).clone();
  Optimiser optimiser(player_of({w}, {.lr = 0.1}), {"w"}, 0.7, 30);
  EXPECT_TRUE(optimiser.averages().at("w").equal(w));
  for (int step = 1; step <= 30; ++step) {
    optimiser.step_({Rng(2).split(static_cast<uint64_t>(step)).normal({50})});
    const double d = std::min(0.7, (1.0 + step) / (10.0 + step));
    e = d * e + (1 - d) * w.to(at::kDouble);
  }
  EXPECT_TRUE(torch::allclose(optimiser.averages().at("w").to(at::kDouble), e, 1e-5, 1e-6));
}

}  // namespace
}  // namespace sextant
