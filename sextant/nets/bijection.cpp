#include "sextant/nets/bijection.h"

#include <c10/util/accumulate.h>

#include <cmath>

#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

Tensor no_change(const Tensor& x) { return at::zeros({x.size(0)}, x.options()); }

Tensor sum_items(const Tensor& x) { return x.flatten(1).sum(1); }

}  // namespace

Chain::Chain(std::vector<std::shared_ptr<Bijection>> layers) : layers_(std::move(layers)) {
  SEXTANT_CHECK(!layers_.empty(), "[chain] needs at least one bijection");
  for (size_t i = 0; i < layers_.size(); ++i) register_module(std::to_string(i), layers_[i]);
}

Mapped Chain::forward_and_log_det(const Tensor& x) {
  Mapped at = {.value = x, .log_det = {}};
  std::vector<Tensor> log_dets;
  for (const auto& layer : layers_) {
    at = layer->forward_and_log_det(at.value);
    log_dets.push_back(at.log_det);
  }
  return {.value = at.value, .log_det = at::stack(log_dets).sum(0)};
}

Mapped Chain::inverse_and_log_det(const Tensor& z) {
  Mapped at = {.value = z, .log_det = {}};
  std::vector<Tensor> log_dets;
  for (size_t i = layers_.size(); i-- > 0;) {
    at = layers_[i]->inverse_and_log_det(at.value);
    log_dets.push_back(at.log_det);
  }
  return {.value = at.value, .log_det = at::stack(log_dets).sum(0)};
}

Logit::Logit(double margin) : margin_(margin) {
  SEXTANT_USAGE_CHECK(margin > 0 && margin < 0.5, "[logit] the margin must lie between 0 and 1/2; got ", margin,
                      ". The usual one is 0.05");
}

// With p = margin + (1 - 2 margin) x: dz/dx = (1 - 2 margin) / (p (1 - p)).
Mapped Logit::forward_and_log_det(const Tensor& x) {
  const Tensor p = margin_ + (1 - 2 * margin_) * x, log_p = p.log(), log_q = torch::log1p(-p);
  const double each = std::log(1 - 2 * margin_);
  return {.value = log_p - log_q, .log_det = sum_items(each - log_p - log_q)};
}

Mapped Logit::inverse_and_log_det(const Tensor& z) {
  const Tensor log_p = torch::log_sigmoid(z), log_q = torch::log_sigmoid(-z);
  const double each = std::log(1 - 2 * margin_);
  return {.value = (z.sigmoid() - margin_) / (1 - 2 * margin_), .log_det = sum_items(log_p + log_q - each)};
}

Mapped Squeeze::forward_and_log_det(const Tensor& x) {
  SEXTANT_CHECK(x.dim() == 4 && x.size(2) % 2 == 0 && x.size(3) % 2 == 0,
                "[squeeze] needs maps [B,C,H,W] of even height and width; got ", shape_text(x));
  return {.value = at::pixel_unshuffle(x, 2), .log_det = no_change(x)};
}

Mapped Squeeze::inverse_and_log_det(const Tensor& z) {
  SEXTANT_CHECK(z.dim() == 4 && z.size(1) % 4 == 0,
                "[squeeze] the inverse needs maps whose channels are a multiple of 4; got ", shape_text(z));
  return {.value = at::pixel_shuffle(z, 2), .log_det = no_change(z)};
}

Mapped Flatten::forward_and_log_det(const Tensor& x) {
  check_items("flatten", x, item_);
  return {.value = x.flatten(1), .log_det = no_change(x)};
}

Mapped Flatten::inverse_and_log_det(const Tensor& z) {
  check_items("flatten", z, {c10::multiply_integers(item_)});
  return {.value = z.reshape(batch_of(z.size(0), item_)), .log_det = no_change(z)};
}

FactorOut::FactorOut(std::shared_ptr<Bijection> rest, std::vector<int64_t> item)
    : rest_(register_module("rest", std::move(rest))), done_(std::move(item)) {
  SEXTANT_CHECK(done_.size() == 3 && done_[0] % 2 == 0, "[factor_out] needs maps with an even number of channels; got ",
                shape_text(done_));
  done_[0] /= 2;
}

Mapped FactorOut::forward_and_log_det(const Tensor& x) {
  const auto halves = x.chunk(2, 1);
  check_items("factor_out", halves[0], done_);
  const Mapped rest = rest_->forward_and_log_det(halves[1]);
  return {.value = at::cat({halves[0].flatten(1), rest.value}, 1), .log_det = rest.log_det};
}

Mapped FactorOut::inverse_and_log_det(const Tensor& z) {
  const int64_t done = c10::multiply_integers(done_);
  check_items("factor_out", z, {2 * done});
  const Mapped rest = rest_->inverse_and_log_det(z.slice(1, done));
  const Tensor finished = z.slice(1, 0, done).reshape(batch_of(z.size(0), done_));
  return {.value = at::cat({finished, rest.value}, 1), .log_det = rest.log_det};
}

}  // namespace sextant
