#include "sextant/math/adversarial.h"

#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {

Tensor discriminator_loss(const Tensor& real, const Tensor& fake) {
  return at::softplus(-real).mean() + at::softplus(fake).mean();
}

Tensor non_saturating_loss(const Tensor& fake) { return at::softplus(-fake).mean(); }

Tensor saturating_loss(const Tensor& fake) { return -at::softplus(fake).mean(); }

Tensor wasserstein_estimate(const Tensor& real, const Tensor& fake) { return real.mean() - fake.mean(); }

Tensor interpolates(const Tensor& real, const Tensor& fake, Rng& rng) {
  SEXTANT_CHECK(real.sizes() == fake.sizes(), "[penalty] real and generated items must be as many and alike; got ",
                shape_text(real), " and ", shape_text(fake));
  const Tensor u = rng.uniform({real.size(0)}).to(real.options());
  return at::lerp(fake.detach(), real.detach(), per_item(u, real));
}

Tensor gradient_norms(const Critic& critic, const Tensor& x) {
  constexpr double kUnderRoot = 1e-12;
  const bool differentiable = at::GradMode::is_enabled();
  const torch::AutoGradMode grad(true);
  const Tensor at = x.detach().requires_grad_();
  const Tensor values = critic(at);
  SEXTANT_CHECK(values.dim() == 1 && values.size(0) == x.size(0), "[penalty] a critic gives one value an item; got ",
                shape_text(values), " for ", shape_text(x));
  const Tensor gradient = torch::autograd::grad({values.sum()}, {at}, {}, differentiable, differentiable)[0];
  const Tensor norms = (gradient.flatten(1).square().sum(1) + kUnderRoot).sqrt();
  return differentiable ? norms : norms.detach();
}

Tensor gradient_penalty(const Tensor& norms) { return (norms - 1).square().mean(); }

}  // namespace sextant
