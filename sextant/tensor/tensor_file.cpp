#include "sextant/tensor/tensor_file.h"

#include <ATen/ATen.h>

#include "sextant/base/check.h"
#include "sextant/base/files.h"
#include "sextant/tensor/shape.h"

namespace sextant {
namespace {

struct TypeRow {
  at::ScalarType type;
  const char* name;
};
constexpr TypeRow kTypes[] = {{at::kFloat, "F32"}, {at::kDouble, "F64"}, {at::kBFloat16, "BF16"},
                              {at::kHalf, "F16"},  {at::kByte, "U8"},    {at::kChar, "I8"},
                              {at::kInt, "I32"},   {at::kLong, "I64"},   {at::kBool, "BOOL"}};

}  // namespace

void save_tensors(const std::filesystem::path& file, const NamedTensors& tensors, const Metadata& metadata) {
  std::map<std::string, TensorEntry> entries;
  std::vector<Tensor> kept;  // contiguous on the CPU, alive until written
  for (const auto& [name, tensor] : tensors) {
    const auto* row = std::ranges::find(kTypes, tensor.scalar_type(), &TypeRow::type);
    SEXTANT_CHECK(row != std::end(kTypes), "[tensors] ", name, " has a type that safetensors files don't hold here");
    const Tensor& flat = kept.emplace_back(tensor.detach().to(at::kCPU).contiguous());
    entries[name] = {.dtype = row->name,
                     .shape = flat.sizes().vec(),
                     .bytes = {static_cast<const char*>(flat.const_data_ptr()), flat.nbytes()}};
  }
  write_file(file, encode_safetensors(entries, metadata));
}

TensorFile load_tensors(const std::filesystem::path& file) {
  const SafetensorsFile parsed = SafetensorsFile::parse(read_file(file), file.string());
  return {.tensors = tensors_of(parsed.tensors(), file.string()), .metadata = parsed.metadata()};
}

NamedTensors tensors_of(const std::map<std::string, TensorEntry>& entries, const std::string& source) {
  NamedTensors tensors;
  for (const auto& [name, entry] : entries) {
    const auto* row = std::ranges::find_if(kTypes, [&](const TypeRow& r) { return entry.dtype == r.name; });
    SEXTANT_CHECK(row != std::end(kTypes), "[tensors] ", source, ": ", name, " has the type ", entry.dtype,
                  ", which this program does not use");
    Tensor tensor = at::empty(entry.shape, row->type);
    if (!entry.bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), entry.bytes.data(), entry.bytes.size());
    tensors[name] = std::move(tensor);
  }
  return tensors;
}

void copy_tensors_(const NamedTensors& into, const NamedTensors& from, const std::string& source) {
  for (const auto& [name, tensor] : into) {
    const auto found = from.find(name);
    SEXTANT_CHECK(found != from.end(), "[tensors] ", source, " lacks ", name,
                  ": it belongs to another architecture; use the recipe it was trained with");
    SEXTANT_CHECK(found->second.sizes() == tensor.sizes(), "[tensors] ", source, " holds ", name, " with shape ",
                  shape_text(found->second), ", wanted is ", shape_text(tensor),
                  ": it belongs to another architecture; use the recipe it was trained with");
  }
  for (const auto& [name, tensor] : from)
    SEXTANT_CHECK(into.contains(name), "[tensors] ", source, " holds ", name,
                  ", which this model does not have; use the recipe it was trained with");
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : into) {
    Tensor target = tensor;  // a copy of the handle: the elements are shared
    target.copy_(from.at(name));
  }
}

}  // namespace sextant
