// Modules draw their first weights from LibTorch's global generator. While an InitScope lives that generator is seeded
// from ours, and afterwards it is as it was: the one place where global randomness is allowed.
#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

#include "sextant/tensor/rng.h"

namespace sextant {

class InitScope {
 public:
  explicit InitScope(Rng rng) : generator_(at::detail::getDefaultCPUGenerator()), before_(generator_.get_state()) {
    generator_.set_current_seed(rng.bits());
  }
  ~InitScope() { generator_.set_state(before_); }
  InitScope(const InitScope&) = delete;
  InitScope& operator=(const InitScope&) = delete;

 private:
  at::Generator generator_;
  Tensor before_;
};

}  // namespace sextant
