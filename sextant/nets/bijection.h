// Maps that can be undone, the parts of a normalising flow. The direction is the same everywhere: *forward* goes from
// data x to noise z, and log_det is the logarithm of |det| of the Jacobian of the map that was taken, so that
//   log p(x) = log N(z; 0, I) + log|det dz/dx|.
// The inverse gives log|det dx/dz|, which is minus that of the forward map at the same point. Every bijection here
// works in float32 and in double, is differentiable both ways, and treats the items of a batch apart.
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <vector>

#include "sextant/tensor/rng.h"

namespace sextant {

struct Mapped {
  Tensor value;    // [B,…]
  Tensor log_det;  // [B], nats
};

class Bijection : public torch::nn::Module {
 public:
  virtual Mapped forward_and_log_det(const Tensor& x) = 0;  // z, log|det dz/dx|
  virtual Mapped inverse_and_log_det(const Tensor& z) = 0;  // x, log|det dx/dz|
};

// One after the other: forward takes the first first.
class Chain : public Bijection {
 public:
  explicit Chain(std::vector<std::shared_ptr<Bijection>> layers);
  Mapped forward_and_log_det(const Tensor& x) override;
  Mapped inverse_and_log_det(const Tensor& z) override;
  const std::vector<std::shared_ptr<Bijection>>& layers() const { return layers_; }

 private:
  std::vector<std::shared_ptr<Bijection>> layers_;
};

// Numbers in [0,1] to the real line: logit(margin + (1 - 2 margin) x) (Dinh et al. 2017, section 4.1). margin in
// (0, 1/2). The inverse reaches a little beyond [0,1].
class Logit : public Bijection {
 public:
  explicit Logit(double margin);
  Mapped forward_and_log_det(const Tensor& x) override;
  Mapped inverse_and_log_det(const Tensor& z) override;

 private:
  double margin_;
};

// [B,C,H,W] -> [B,4C,H/2,W/2]: each 2x2 square becomes four channels. H and W even.
class Squeeze : public Bijection {
 public:
  Mapped forward_and_log_det(const Tensor& x) override;
  Mapped inverse_and_log_det(const Tensor& z) override;
};

// [B,item…] -> [B,D].
class Flatten : public Bijection {
 public:
  explicit Flatten(std::vector<int64_t> item) : item_(std::move(item)) {}
  Mapped forward_and_log_det(const Tensor& x) override;
  Mapped inverse_and_log_det(const Tensor& z) override;

 private:
  std::vector<int64_t> item_;
};

// Multi-scale (ibid., section 3.6): the first half of the channels is finished, the second goes on through `rest`,
// which must end flat. [B,C,H,W] with an even C -> [B,C H W].
class FactorOut : public Bijection {
 public:
  FactorOut(std::shared_ptr<Bijection> rest, std::vector<int64_t> item);
  Mapped forward_and_log_det(const Tensor& x) override;
  Mapped inverse_and_log_det(const Tensor& z) override;

 private:
  std::shared_ptr<Bijection> rest_;
  std::vector<int64_t> done_;  // sizes of an item's finished half
};

}  // namespace sextant
