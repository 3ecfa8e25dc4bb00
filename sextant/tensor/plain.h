// What our kernels take.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace sextant {

using at::Tensor;

// float32 on the CPU.
inline bool is_plain(const Tensor& t) { return t.device().is_cpu() && t.scalar_type() == at::kFloat; }

// Where a kernel reads and writes the numbers of a plain tensor; null for an undefined one.
inline const float* floats_in(const Tensor& t) { return t.defined() ? t.const_data_ptr<float>() : nullptr; }
inline float* floats_out(const Tensor& t) { return t.defined() ? t.data_ptr<float>() : nullptr; }

// An autograd function takes a missing tensor as nullopt, never as an undefined one.
inline std::optional<Tensor> if_defined(const Tensor& t) { return t.defined() ? std::optional(t) : std::nullopt; }

}  // namespace sextant
