// What torch.save writes for a dictionary of tensors (a "state dict", .pth or .pt): a pickle that describes the
// tensors, and their bytes; as a ZIP archive since PyTorch 1.6, one after the other before. A pickle is a program for
// Python. This reader runs none of it: it knows the operations that such a dictionary is made of
// (torch/serialization.py and pickletools) and looks for tensors among its values.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "sextant/base/safetensors.h"

namespace sextant {

// True when the bytes begin as either form does.
bool is_pytorch_file(std::string_view bytes);

// A parsed file. Copies share the bytes, which live as long as any copy does.
class PytorchFile {
 public:
  // Takes a file's bytes; `source` names it in errors. What the dictionary holds beside tensors (counters, nested
  // dictionaries) is passed over. Throws Error when the file is no dictionary, holds no tensor or more than 20,000, is
  // damaged or cut short, has a value that only running code could make, a tensor that reaches beyond its storage or
  // repeats it, or tensors that share storage to more than eight times the file.
  static PytorchFile parse(std::string bytes, std::string_view source);

  const std::map<std::string, TensorEntry>& tensors() const { return tensors_; }

 private:
  std::shared_ptr<const std::string> bytes_;
  std::shared_ptr<std::deque<std::string>> gathered_;  // tensors whose elements are not in row order in the file
  std::map<std::string, TensorEntry> tensors_;
};

}  // namespace sextant
