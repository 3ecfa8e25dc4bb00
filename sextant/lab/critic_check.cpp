#include "sextant/lab/critic_check.h"

#include <numbers>

#include "sextant/math/adversarial.h"
#include "sextant/math/optimal_transport.h"
#include "sextant/nets/gan_nets.h"
#include "sextant/nets/init_scope.h"
#include "sextant/tensor/torch.h"
#include "sextant/train/optimiser.h"

namespace sextant {

CriticCheck check_critic(const CriticCheckConfig& config, Rng rng) {
  const Tensor x = 0.5 * rng.normal({config.points, 2});
  const Tensor angle = 2 * std::numbers::pi * rng.uniform({config.points});
  const Tensor y = torch::stack({1.5 + angle.cos(), angle.sin()}, 1) + 0.1 * rng.normal({config.points, 2});
  Discriminator critic = nullptr;
  {
    const InitScope seeded(rng.split("weights"));
    critic = Discriminator(GanNetConfig{.discriminator_hidden = {64, 64}}, at::IntArrayRef{2});
  }
  Player player = {.name = "critic", .parameters = critic->parameters()};
  player.optimiser.beta1 = 0;
  player.optimiser.beta2 = 0.9;
  player.optimiser.decay = Decay::kCosine;
  std::vector<std::string> names;
  for (const auto& item : critic->named_parameters()) names.push_back(item.key());
  Optimiser optimiser(player, names, 0.0, config.steps);

  CriticCheck found = {.exact = wasserstein1(x, y), .lambda = config.lambda, .points = config.points};
  const int64_t kept = std::max<int64_t>(1, config.steps / 100), last = std::max<int64_t>(1, config.steps / 10);
  for (int64_t i = 1; i <= config.steps; ++i) {
    const Tensor paired = y.index_select(0, rng.permutation(config.points));
    const Tensor estimate = wasserstein_estimate(critic->forward(x), critic->forward(y));
    const Tensor norms =
        gradient_norms([&](const Tensor& at) { return critic->forward(at); }, interpolates(x, paired, rng));
    const Tensor loss = -estimate + config.lambda * gradient_penalty(norms);
    optimiser.step_(torch::autograd::grad({loss}, player.parameters));
    if (i > config.steps - last) found.estimate += estimate.item<double>() / static_cast<double>(last);
    found.gradient_norm = norms.mean().item<double>();
    if (i % kept != 0) continue;
    found.step.push_back(static_cast<double>(i));
    found.estimates.push_back(estimate.item<double>());
  }
  return found;
}

}  // namespace sextant
