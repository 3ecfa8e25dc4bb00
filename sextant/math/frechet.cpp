#include "sextant/math/frechet.h"

#include <algorithm>

#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

// The symmetric root of a symmetric matrix that is not negative; what rounding made negative counts as 0.
Tensor symmetric_root(const Tensor& matrix) {
  const auto [values, vectors] = torch::linalg_eigh(matrix, "L");
  return (vectors * values.clamp_min(0).sqrt()).mm(vectors.t());
}

void check_moments(const Moments& m) {
  const bool shaped = m.mean.defined() && m.mean.dim() == 1 && m.covariance.defined() &&
                      m.covariance.sizes() == at::IntArrayRef({m.mean.size(0), m.mean.size(0)}) &&
                      m.mean.scalar_type() == at::kDouble && m.covariance.scalar_type() == at::kDouble;
  SEXTANT_CHECK(shaped, "[frechet] expected a mean [F] and a covariance [F,F] in float64; got ", shape_text(m.mean),
                " and ", shape_text(m.covariance));
  SEXTANT_CHECK(m.mean.isfinite().all().item<bool>() && m.covariance.isfinite().all().item<bool>(),
                "[frechet] a mean or covariance is not finite: look for NaN or infinity among the samples");
}

}  // namespace

void MomentSums::add(const Tensor& x) {
  SEXTANT_CHECK(x.dim() == 2 && x.size(0) >= 1 && x.is_floating_point() && (n_ == 0 || x.size(1) == sum_.size(0)),
                "[frechet] expected features [B,", n_ == 0 ? std::string("F") : std::to_string(sum_.size(0)), "]; got ",
                shape_text(x));
  const Tensor exact = x.detach().to(at::kCPU, at::kDouble);
  if (n_ == 0) {
    origin_ = exact.mean(0);
    sum_ = torch::zeros_like(origin_);
    products_ = torch::zeros({x.size(1), x.size(1)}, at::kDouble);
  }
  const Tensor centred = exact - origin_;
  sum_ += centred.sum(0);
  products_ += centred.t().mm(centred);
  n_ += x.size(0);
}

Moments MomentSums::moments() const {
  SEXTANT_CHECK(n_ >= 2, "[frechet] a covariance needs at least two items; got ", n_, "; draw more samples");
  const double n = static_cast<double>(n_);
  const Tensor mean = sum_ / n;  // about the origin
  const Tensor covariance = (products_ - n * torch::outer(mean, mean)) / (n - 1);
  return {.mean = origin_ + mean, .covariance = covariance, .n = n_};
}

Moments moments_of(const Tensor& x) {
  MomentSums sums;
  sums.add(x);
  return sums.moments();
}

double frechet_distance(const Moments& a, const Moments& b) {
  check_moments(a);
  check_moments(b);
  SEXTANT_CHECK(a.mean.size(0) == b.mean.size(0), "[frechet] features of width ", a.mean.size(0), " and ",
                b.mean.size(0), " can't be compared; take both from one classifier");
  const Tensor root = symmetric_root(a.covariance);
  const Tensor inner = root.mm(b.covariance).mm(root);
  const double trace_of_root =
      torch::linalg_eigvalsh((inner + inner.t()) / 2, "L").clamp_min(0).sqrt().sum().item<double>();
  const double distance = (a.mean - b.mean).square().sum().item<double>() + a.covariance.trace().item<double>() +
                          b.covariance.trace().item<double>() - 2 * trace_of_root;
  return std::max(distance, 0.0);  // equal sets: a rounding error below 0
}

}  // namespace sextant
