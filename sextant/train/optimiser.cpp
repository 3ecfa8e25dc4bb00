#include "sextant/train/optimiser.h"

#include <cmath>
#include <numbers>

#include "sextant/kernels/adam_ema.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {

namespace {

// Gradients in the memory layout of their weights, copied only where they have another: our kernel walks both as one
// row of numbers, and LibTorch's fused kernels take only tensors that lie alike.
std::vector<Tensor> laid_out_as(const std::vector<Tensor>& weights, const std::vector<Tensor>& gradients,
                                const std::vector<std::string>& names) {
  std::vector<Tensor> alike = gradients;
  for (size_t i = 0; i < alike.size(); ++i) {
    SEXTANT_CHECK(alike[i].sizes() == weights[i].sizes(), "[optimiser] the gradient of ", names[i], " has shape ",
                  shape_text(alike[i]), ", the weight ", shape_text(weights[i]));
    if (alike[i].strides() != weights[i].strides())
      alike[i] = torch::empty_like(weights[i], alike[i].options()).copy_(alike[i]);
  }
  return alike;
}

}  // namespace

double learning_rate(const OptimiserConfig& config, int64_t step, int64_t total) {
  const double warm = static_cast<double>(config.warmup_steps), at = static_cast<double>(step);
  if (at < warm) return config.lr * at / warm;
  if (config.decay == Decay::kConstant) return config.lr;
  const double left = std::max(1.0, static_cast<double>(total) - warm);
  return config.lr * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, (at - warm) / left)));
}

double ema_decay_at(double decay, int64_t step) {
  const double n = static_cast<double>(step);
  return std::min(decay, (1 + n) / (10 + n));
}

Optimiser::Optimiser(Player player, std::vector<std::string> names, double ema_decay, int64_t total_steps)
    : player_(std::move(player)), names_(std::move(names)), ema_decay_(ema_decay), total_steps_(total_steps) {
  SEXTANT_CHECK(names_.size() == player_.parameters.size(), "[optimiser] ", player_.parameters.size(),
                " parameters need as many names; got ", names_.size());
  const torch::NoGradGuard no_grad;
  for (const Tensor& p : player_.parameters) {
    SEXTANT_CHECK(p.is_non_overlapping_and_dense(), "[optimiser] a parameter must fill its memory without holes");
    kernel_ = kernel_ && p.device().is_cpu() && p.scalar_type() == at::kFloat;
    first_.push_back(torch::zeros_like(p));
    second_.push_back(torch::zeros_like(p));
    if (ema_decay_ > 0) average_.push_back(p.detach().clone());
  }
}

double Optimiser::step_(const std::vector<Tensor>& gradients) {
  SEXTANT_CHECK(gradients.size() == player_.parameters.size(), "[optimiser] one gradient a parameter is wanted");
  const torch::NoGradGuard no_grad;
  ++step_count_;
  const double lr = learning_rate(player_.optimiser, step_count_, total_steps_);
  const std::vector<Tensor> alike = laid_out_as(player_.parameters, gradients, names_);
  return kernel_ ? step_kernel_(alike, lr) : step_tensors_(alike, lr);
}

double Optimiser::clip_scale(double norm) const {
  const double limit = player_.optimiser.clip_norm;
  return limit > 0 && norm > limit ? limit / norm : 1.0;
}

double Optimiser::step_kernel_(const std::vector<Tensor>& gradients, double lr) {
  std::vector<kernels::AdamSlice> slices;
  for (size_t i = 0; i < gradients.size(); ++i) {
    const Tensor& weight = player_.parameters[i];
    slices.push_back({.weight = weight.data_ptr<float>(),
                      .gradient = gradients[i].const_data_ptr<float>(),
                      .first_moment = first_[i].data_ptr<float>(),
                      .second_moment = second_[i].data_ptr<float>(),
                      .ema = ema_decay_ > 0 ? average_[i].data_ptr<float>() : nullptr,
                      .count = weight.numel()});
  }
  const OptimiserConfig& config = player_.optimiser;
  const double norm = config.clip_norm > 0 ? std::sqrt(kernels::sum_of_squares(slices)) : 0.0;
  kernels::adam_ema(slices, {.lr = lr,
                             .beta1 = config.beta1,
                             .beta2 = config.beta2,
                             .eps = config.eps,
                             .weight_decay = config.weight_decay,
                             .decoupled = config.decoupled,
                             .step = step_count_,
                             .gradient_scale = clip_scale(norm),
                             .ema_decay = ema_decay_at(ema_decay_, step_count_)});
  for (const Tensor& weight : player_.parameters)
    weight.unsafeGetTensorImpl()->bump_version();  // written behind
                                                   // LibTorch's back
  return norm;
}

double Optimiser::step_tensors_(const std::vector<Tensor>& gradients, double lr) {
  const OptimiserConfig& config = player_.optimiser;
  double norm = 0;
  if (config.clip_norm > 0) {
    norm = at::stack(at::_foreach_norm(gradients, 2, at::kDouble)).norm().item<double>();
  }
  const double scale = clip_scale(norm), t = static_cast<double>(step_count_);
  const double correction1 = 1 - std::pow(config.beta1, t), correction2 = 1 - std::pow(config.beta2, t);
  // All tensors in one call: a GPU then starts a dozen kernels a step, not a dozen for each tensor.
  std::vector<Tensor> weights, g;
  for (size_t i = 0; i < gradients.size(); ++i) {
    weights.push_back(player_.parameters[i].detach());
    g.push_back(gradients[i].to(weights[i].scalar_type()));
  }
  if (scale != 1.0) g = at::_foreach_mul(g, scale);
  if (config.weight_decay > 0 && config.decoupled) at::_foreach_mul_(weights, 1 - lr * config.weight_decay);
  if (config.weight_decay > 0 && !config.decoupled) g = at::_foreach_add(g, weights, config.weight_decay);
  at::_foreach_lerp_(first_, g, 1 - config.beta1);
  at::_foreach_mul_(second_, config.beta2);
  at::_foreach_addcmul_(second_, g, g, 1 - config.beta2);
  std::vector<Tensor> root = at::_foreach_sqrt(second_);
  at::_foreach_div_(root, std::sqrt(correction2));
  at::_foreach_add_(root, config.eps);
  at::_foreach_addcdiv_(weights, first_, root, -lr / correction1);
  if (ema_decay_ > 0) at::_foreach_lerp_(average_, weights, 1 - ema_decay_at(ema_decay_, step_count_));
  return norm;
}

NamedTensors Optimiser::moments() const {
  NamedTensors named;
  for (size_t i = 0; i < names_.size(); ++i) {
    named[names_[i] + ".first_moment"] = first_[i];
    named[names_[i] + ".second_moment"] = second_[i];
  }
  return named;
}

NamedTensors Optimiser::weights() const {
  NamedTensors named;
  for (size_t i = 0; i < names_.size(); ++i) named[names_[i]] = player_.parameters[i].detach();
  return named;
}

NamedTensors Optimiser::averages() const {
  NamedTensors named;
  for (size_t i = 0; i < average_.size(); ++i) named[names_[i]] = average_[i];
  return named;
}

}  // namespace sextant
