#include "sextant/data/tar.h"

#include <algorithm>
#include <optional>

#include "sextant/base/check.h"

namespace sextant {
namespace {

constexpr size_t kBlock = 512;
constexpr size_t kNameBytes = 100, kSizeAt = 124, kSizeBytes = 12, kSumAt = 148, kSumBytes = 8, kTypeAt = 156;

// An octal number in a field that spaces and zero bytes may surround.
std::optional<uint64_t> octal(std::string_view field) {
  const size_t first = field.find_first_not_of(' ');
  if (first == std::string_view::npos) return std::nullopt;
  uint64_t number = 0;
  size_t at = first;
  for (; at < field.size() && field[at] >= '0' && field[at] <= '7'; ++at)
    number = number * 8 + static_cast<uint64_t>(field[at] - '0');
  const bool ends_well = field.find_first_not_of(std::string_view("\0 ", 2), at) == std::string_view::npos;
  return at > first && ends_well ? std::optional(number) : std::nullopt;
}

// The sum of a header's bytes, the sum's own field taken as spaces.
uint64_t header_sum(std::string_view header) {
  uint64_t sum = kSumBytes * ' ';
  for (size_t i = 0; i < kBlock; ++i)
    if (i < kSumAt || i >= kSumAt + kSumBytes) sum += static_cast<unsigned char>(header[i]);
  return sum;
}

std::string base_name(std::string_view header) {
  std::string_view name = header.substr(0, kNameBytes);
  name = name.substr(0, name.find('\0'));
  return std::string(name.substr(name.find_last_of('/') + 1));
}

}  // namespace

std::map<std::string, std::string_view> untar(std::string_view archive, const std::map<std::string, int64_t>& wanted,
                                              std::string_view source) {
  std::map<std::string, std::string_view> files;
  for (size_t at = 0; at + kBlock <= archive.size();) {
    const std::string_view header = archive.substr(at, kBlock);
    if (header.find_first_not_of('\0') == std::string_view::npos) break;  // the mark of the end
    const auto sum = octal(header.substr(kSumAt, kSumBytes)), size = octal(header.substr(kSizeAt, kSizeBytes));
    SEXTANT_CHECK(sum && size && *sum == header_sum(header), "[tar] ", source, ": the header at byte ", at,
                  " is damaged; fetch it again");
    at += kBlock;
    SEXTANT_CHECK(*size <= archive.size() - at, "[tar] ", source, " is cut short; fetch it again");
    const std::string name = base_name(header);
    const auto want = wanted.find(name);
    if (want != wanted.end() && (header[kTypeAt] == '0' || header[kTypeAt] == '\0')) {
      SEXTANT_CHECK(*size == static_cast<uint64_t>(want->second), "[tar] ", source, ": ", name, " has ", *size,
                    " bytes; expected are ", want->second);
      SEXTANT_CHECK(files.emplace(name, archive.substr(at, *size)).second, "[tar] ", source, ": ", name,
                    " comes twice");
    }
    at += std::min<size_t>((*size + kBlock - 1) / kBlock * kBlock, archive.size() - at);
  }
  for (const auto& [name, bytes] : wanted)
    SEXTANT_CHECK(files.contains(name), "[tar] ", source, " lacks ", name, "; is it the right archive?");
  return files;
}

}  // namespace sextant
