// What our kernels take.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace sextant {

using at::Tensor;

// float32 on the CPU.
inline bool is_plain(const Tensor& t) { return t.device().is_cpu() && t.scalar_type() == at::kFloat; }

// An autograd function takes a missing tensor as nullopt, never as an undefined one.
inline std::optional<Tensor> if_defined(const Tensor& t) { return t.defined() ? std::optional(t) : std::nullopt; }

}  // namespace sextant
