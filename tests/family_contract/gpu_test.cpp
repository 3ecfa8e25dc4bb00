// A GPU gives the same losses, gradients, metrics and samples: by LibTorch's operations there, by our kernels here,
// from the same noise.
#include "family_contract.h"
#include "sextant/base/check.h"
#include "sextant/metrics/table.h"
#include "sextant/tensor/device.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

TEST_P(FamilyContract, AGpuGivesTheSameLossesGradientsAndSamples) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "LibTorch sees no CUDA device";
  allow_tf32(false);
  const auto here = nudged(build()), there = nudged(build());
  there->to(at::kCUDA);
  const auto expect_near = [](const std::string& what, const Tensor& a, const Tensor& b, double rounding) {
    ASSERT_TRUE(b.is_cuda()) << what;
    const Tensor x = a.to(at::kDouble), y = b.to(at::kCPU, at::kDouble);
    EXPECT_LT((x - y).norm().item<double>(), 1e-3 * x.norm().item<double>() + rounding) << what;
  };
  const auto loss_and_gradients = [&](Trainable& model, size_t player, at::Device device) {
    Batch given = batch(model);
    given.x = given.x.to(device);
    if (given.labels.defined()) given.labels = given.labels.to(device);
    Rng rng(3);
    const Tensor loss = model.loss(player, given, rng).total;
    auto all = torch::autograd::grad({loss}, model.players()[player].parameters, {}, std::nullopt, false, true);
    all.push_back(loss.detach());
    return all;
  };
  for (size_t p = 0; p < here->players().size(); ++p) {
    const auto a = loss_and_gradients(*here, p, at::kCPU), b = loss_and_gradients(*there, p, at::kCUDA);
    double squares = 0;
    for (const Tensor& each : a)
      if (each.defined()) squares += each.to(at::kDouble).square().sum().item<double>();
    // A bias before a normalisation has a gradient of zero, that is of rounding errors of all the others' size.
    const double rounding = 1e-6 * std::sqrt(squares);
    for (size_t i = 0; i < a.size(); ++i)
      if (a[i].defined())
        expect_near(concat("player ", p, ", gradient ", i, " of ", a.size() - 1), a[i], b[i], rounding);
  }
  const torch::NoGradGuard no_grad;
  here->eval(), there->eval();
  for (const char* metric : {"elbo", "bound", "nll", "log_likelihood", "active_units"}) {
    const auto measured = [&](Trainable& model) {
      return measure_by_name(metric, {.model = model, .data = data_, .images = 4, .samples = 20});
    };
    Json a;
    try {
      a = measured(*here);
    } catch (const UsageError&) {
      continue;  // no such thing for this family
    }
    const Json b = measured(*there);
    for (const auto& [name, value] : a.items()) {
      if (!value.is_number()) continue;
      const double x = value.get<double>();
      EXPECT_NEAR(b.at(name).get<double>(), x, 1e-2 * std::abs(x) + 1e-3) << metric << "." << name;
    }
  }
  if (!generative(here)) return;
  Rng r1(5), r2(5);
  expect_near("samples", generative(here)->sample({.count = 3}, r1), generative(there)->sample({.count = 3}, r2), 1e-6);
}

}  // namespace
}  // namespace sextant
