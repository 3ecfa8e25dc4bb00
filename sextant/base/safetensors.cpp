#include "sextant/base/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "sextant/base/check.h"
#include "sextant/base/json.h"

namespace sextant {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian, and so must the machine be");

constexpr std::string_view kMetadata = "__metadata__";
constexpr uint64_t kMaxHeader = 100'000'000;
constexpr size_t kLengthBytes = 8, kAlignment = 64, kMaxRank = 64;
constexpr int kMaxDepth = 3;  // of the header: { name: { shape: [

constexpr std::pair<std::string_view, int64_t> kTypes[] = {
    {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"I32", 4},     {"I16", 2},     {"I8", 1},
    {"U64", 8}, {"U32", 4}, {"U16", 2}, {"U8", 1},   {"C64", 8}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"BOOL", 1}};

// Bytes that a tensor takes; nothing where the type is unknown, a dimension is negative or the product overflows, that
// of the others beside a 0 too: whoever makes the tensor computes its strides.
std::optional<int64_t> byte_count(std::string_view dtype, const std::vector<int64_t>& shape) {
  int64_t bytes = safetensors_type_size(dtype);
  if (bytes == 0) return std::nullopt;
  bool empty = false;
  for (const int64_t dim : shape) {
    if (dim < 0 || __builtin_mul_overflow(bytes, std::max<int64_t>(dim, 1), &bytes)) return std::nullopt;
    empty = empty || dim == 0;
  }
  return empty ? 0 : bytes;
}

// The header as JSON. Refuses keys that come twice, which the JSON library would silently merge.
Json parse_header(std::string_view text, std::string_view source) {
  std::vector<std::set<std::string>> keys(kMaxDepth + 1);
  const Json::parser_callback_t guard = [&](int depth, Json::parse_event_t event, Json& value) {
    SEXTANT_CHECK(depth <= kMaxDepth, "[safetensors] ", source, ": the header nests deeper than the format has it");
    auto& seen = keys[static_cast<size_t>(depth)];
    if (event == Json::parse_event_t::key) {
      const auto key = value.get<std::string>();
      SEXTANT_CHECK(seen.insert(key).second, "[safetensors] ", source, ": \"", key, "\" comes twice in the header");
    } else if (event == Json::parse_event_t::object_start && depth < kMaxDepth) {
      keys[static_cast<size_t>(depth) + 1].clear();
    }
    return true;
  };
  try {
    Json header = Json::parse(text.begin(), text.end(), guard);
    SEXTANT_CHECK(header.is_object(), "[safetensors] ", source, ": the header is no JSON object");
    return header;
  } catch (const Json::exception& error) {
    throw Error(concat("[safetensors] ", source, ": the header is no JSON: ", error.what()));
  }
}

// A list of non-negative integers.
std::optional<std::vector<int64_t>> integers(const Json& json, size_t max_count) {
  if (!json.is_array() || json.size() > max_count) return std::nullopt;
  std::vector<int64_t> numbers;
  for (const Json& item : json) {
    if (!item.is_number_unsigned() || item.get<uint64_t>() > INT64_MAX) return std::nullopt;
    numbers.push_back(item.get<int64_t>());
  }
  return numbers;
}

TensorEntry parse_entry(const std::string& name, const Json& json, std::string_view data, std::string_view source) {
  const std::string where = concat("[safetensors] ", source, ": tensor \"", name, "\" ");
  SEXTANT_CHECK(json.is_object() && json.size() == 3 && json.contains("dtype") && json.contains("shape") &&
                    json.contains("data_offsets"),
                where, "must have exactly dtype, shape and data_offsets");
  SEXTANT_CHECK(json["dtype"].is_string(), where, "has a dtype that is no string");
  TensorEntry entry{.dtype = json["dtype"].get<std::string>(), .shape = {}, .bytes = {}};
  SEXTANT_CHECK(safetensors_type_size(entry.dtype) > 0, where, "has the unknown dtype \"", entry.dtype, "\"");
  const auto shape = integers(json["shape"], kMaxRank);
  SEXTANT_CHECK(shape, where, "has a shape that is no list of sizes");
  const auto offsets = integers(json["data_offsets"], 2);
  SEXTANT_CHECK(offsets && offsets->size() == 2, where, "needs two data_offsets, begin and end");
  const auto begin = static_cast<uint64_t>((*offsets)[0]), end = static_cast<uint64_t>((*offsets)[1]);
  SEXTANT_CHECK(begin <= end && end <= data.size(), where, "lies at bytes ", begin, " to ", end, " of ", data.size(),
                "; the file is cut short or was changed");
  const auto expected = byte_count(entry.dtype, *shape);
  SEXTANT_CHECK(expected && static_cast<uint64_t>(*expected) == end - begin, where, "has ", end - begin,
                " bytes, which its dtype and shape don't give");
  entry.shape = *shape;
  entry.bytes = data.substr(begin, end - begin);
  return entry;
}

// Laid end to end in the order of their offsets, the tensors must give the data exactly.
void check_coverage(const std::map<std::string, TensorEntry>& tensors, std::string_view data, std::string_view source) {
  std::vector<std::string_view> pieces;
  for (const auto& [name, entry] : tensors) pieces.push_back(entry.bytes);
  std::ranges::sort(pieces, {}, [](std::string_view piece) { return std::pair(piece.data(), piece.size()); });
  const char* at = data.data();
  for (const std::string_view piece : pieces) {
    SEXTANT_CHECK(piece.data() == at, "[safetensors] ", source, ": tensors overlap or leave a gap at byte ",
                  piece.data() - data.data(), " of the data");
    at += piece.size();
  }
  SEXTANT_CHECK(at == data.data() + data.size(), "[safetensors] ", source, ": ", data.data() + data.size() - at,
                " bytes belong to no tensor");
}

}  // namespace

int64_t safetensors_type_size(std::string_view dtype) {
  const auto* row = std::ranges::find(kTypes, dtype, &std::pair<std::string_view, int64_t>::first);
  return row == std::end(kTypes) ? 0 : row->second;
}

SafetensorsFile SafetensorsFile::parse(std::string bytes, std::string_view source) {
  SafetensorsFile file;
  file.bytes_ = std::make_shared<const std::string>(std::move(bytes));
  const std::string_view all = *file.bytes_;
  SEXTANT_CHECK(all.size() >= kLengthBytes, "[safetensors] ", source, " has ", all.size(),
                " bytes; the length of the header alone takes 8. Is it a safetensors file?");
  uint64_t header_size = 0;
  std::memcpy(&header_size, all.data(), kLengthBytes);
  SEXTANT_CHECK(header_size <= std::min<uint64_t>(all.size() - kLengthBytes, kMaxHeader), "[safetensors] ", source,
                " claims a header of ", header_size, " bytes in a file of ", all.size(),
                "; it is cut short or no safetensors file");
  const std::string_view data = all.substr(kLengthBytes + header_size);
  const Json header = parse_header(all.substr(kLengthBytes, header_size), source);
  for (const auto& [name, json] : header.items()) {
    if (name != kMetadata) {
      file.tensors_.emplace(name, parse_entry(name, json, data, source));
      continue;
    }
    SEXTANT_CHECK(json.is_object(), "[safetensors] ", source, ": ", kMetadata, " is no JSON object");
    for (const auto& [key, value] : json.items()) {
      SEXTANT_CHECK(value.is_string(), "[safetensors] ", source, ": metadata \"", key, "\" is no string");
      file.metadata_[key] = value.get<std::string>();
    }
  }
  check_coverage(file.tensors_, data, source);
  return file;
}

std::string encode_safetensors(const std::map<std::string, TensorEntry>& tensors,
                               const std::map<std::string, std::string>& metadata) {
  std::vector<const std::pair<const std::string, TensorEntry>*> layout;
  for (const auto& item : tensors) {
    const auto& [name, entry] = item;
    const auto expected = byte_count(entry.dtype, entry.shape);
    SEXTANT_CHECK(expected && static_cast<size_t>(*expected) == entry.bytes.size(), "[safetensors] tensor \"", name,
                  "\" of type ", entry.dtype, " comes with ", entry.bytes.size(), " bytes, which don't fit its shape");
    SEXTANT_CHECK(name != kMetadata, "[safetensors] no tensor can have the name ", kMetadata);
    layout.push_back(&item);
  }
  std::ranges::stable_sort(layout, std::ranges::greater{},
                           [](const auto* item) { return safetensors_type_size(item->second.dtype); });
  std::map<std::string_view, size_t> begins;
  size_t size = 0;
  for (const auto* item : layout) begins[item->first] = std::exchange(size, size + item->second.bytes.size());

  Json header = Json::object();
  if (!metadata.empty()) header[std::string(kMetadata)] = metadata;
  for (const auto& [name, entry] : tensors)
    header[name] = {{"dtype", entry.dtype},
                    {"shape", entry.shape},
                    {"data_offsets", {begins[name], begins[name] + entry.bytes.size()}}};
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception& error) {
    throw Error(concat("[safetensors] a name or the metadata is no UTF-8 text: ", error.what()));
  }
  text.append((kAlignment - (kLengthBytes + text.size()) % kAlignment) % kAlignment, ' ');

  const uint64_t header_size = text.size();
  SEXTANT_CHECK(header_size <= kMaxHeader, "[safetensors] the header would have ", header_size, " bytes; ", kMaxHeader,
                " are admitted");
  std::string bytes(reinterpret_cast<const char*>(&header_size), kLengthBytes);
  bytes.reserve(kLengthBytes + text.size() + size);
  bytes += text;
  for (const auto* item : layout) bytes += item->second.bytes;
  return bytes;
}

}  // namespace sextant
