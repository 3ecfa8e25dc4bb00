// Other values in a model's tensors for a while: the average of its weights, those of an earlier epoch.
#pragma once

#include <string>

#include "sextant/tensor/tensor_file.h"

namespace sextant {

// While it lives, `into` holds the values of `from`; then its own again.
class BorrowedValues {
 public:
  // Throws as copy_tensors_ does, and leaves `into` as it was.
  BorrowedValues(NamedTensors into, const NamedTensors& from, const std::string& source);
  ~BorrowedValues();
  BorrowedValues(const BorrowedValues&) = delete;
  BorrowedValues& operator=(const BorrowedValues&) = delete;

 private:
  NamedTensors into_, own_;
};

}  // namespace sextant
