// The safetensors format: eight bytes with the length of a JSON header (little-endian), the header, the tensors' bytes
// end to end. It can hold nothing that runs, so weights of unknown origin are safe to read. Format:
// https://github.com/huggingface/safetensors. Every length, offset, type and shape is checked against the bytes at hand
// before anything is allocated by it; what the format forbids is an error, never repaired.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sextant {

// One tensor: `bytes` are its elements in row order, little-endian.
struct TensorEntry {
  std::string dtype;  // "F32", "BF16", "I64", …: a name that safetensors_type_size knows
  std::vector<int64_t> shape;
  std::string_view bytes;
};

// Bytes an element takes; 0 for a name that is no type of the format.
int64_t safetensors_type_size(std::string_view dtype);

// A parsed file. Copies share the bytes, which live as long as any copy does.
class SafetensorsFile {
 public:
  // Takes a file's bytes; `source` names it in errors. Throws Error when they are not a whole, sound file: header
  // longer than the file or 100 MB, broken or repeated keys, unknown type, shape and bytes that don't agree, tensors
  // that overlap or leave gaps, bytes missing or left over.
  static SafetensorsFile parse(std::string bytes, std::string_view source);

  const std::map<std::string, TensorEntry>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  std::shared_ptr<const std::string> bytes_;
  std::map<std::string, TensorEntry> tensors_;
  std::map<std::string, std::string> metadata_;
};

// A whole file as bytes; equal content gives equal bytes. The header names the tensors in alphabetical order; the data
// starts at a multiple of 64 bytes and lies widest type first, so that each tensor is aligned for its type.
// Throws Error when an entry's bytes don't fit its type and shape, or a name is no UTF-8 or "__metadata__".
std::string encode_safetensors(const std::map<std::string, TensorEntry>& tensors,
                               const std::map<std::string, std::string>& metadata = {});

}  // namespace sextant
