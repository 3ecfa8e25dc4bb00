#include "sextant/tensor/borrowed_values.h"

#include <ATen/ATen.h>

namespace sextant {

BorrowedValues::BorrowedValues(NamedTensors into, const NamedTensors& from, const std::string& source)
    : into_(std::move(into)) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : into_) own_[name] = tensor.detach().clone();
  copy_tensors_(into_, from, source);
}

BorrowedValues::~BorrowedValues() { copy_tensors_(into_, own_, "the model"); }

}  // namespace sextant
