// Tensors by name in safetensors files: weights, optimiser state, anything that a run keeps.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

#include "sextant/base/safetensors.h"

namespace sextant {

using at::Tensor;
using NamedTensors = std::map<std::string, Tensor>;
using Metadata = std::map<std::string, std::string>;

struct TensorFile {
  NamedTensors tensors;
  Metadata metadata;
};

// Writes beside and renames. Tensors of any layout on any device; equal content gives equal bytes.
// float32, float64, bfloat16, float16, uint8, int8, int32, int64 and bool are known; others throw Error.
void save_tensors(const std::filesystem::path& file, const NamedTensors& tensors, const Metadata& metadata = {});

// Reads all of it onto the CPU. Every length, offset and type is checked before anything is allocated; a broken file
// throws Error that says what is wrong with it.
TensorFile load_tensors(const std::filesystem::path& file);

// Tensors with the bytes of a parsed file's entries, on the CPU. Throws Error naming `source` where one has a type that
// this program does not use.
NamedTensors tensors_of(const std::map<std::string, TensorEntry>& entries, const std::string& source);

// Copies `from` into the tensors of `into`, name by name (into keeps device, type and layout). Throws Error that names
// the first missing, surplus or misshapen tensor: the weights belong to another architecture.
void copy_tensors_(const NamedTensors& into, const NamedTensors& from, const std::string& source);

}  // namespace sextant
