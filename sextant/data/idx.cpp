#include "sextant/data/idx.h"

#include <algorithm>
#include <utility>

#include "sextant/base/check.h"
#include "sextant/data/gzip.h"

namespace sextant {
namespace {

constexpr size_t kMagicBytes = 4, kMaxDims = 4;
constexpr int kUnsignedByte = 0x08;
constexpr int64_t kMaxElements = int64_t{1} << 32;

uint32_t byte_at(std::string_view bytes, size_t at) { return static_cast<unsigned char>(bytes[at]); }

struct Header {
  std::vector<int64_t> shape;
  size_t header_bytes = 0, elements = 0;
};

// `head` is the beginning of the content: at least the header where the file is sound.
Header parse_header(std::string_view head, std::string_view source) {
  SEXTANT_CHECK(head.size() >= kMagicBytes && head.starts_with(std::string_view("\0\0", 2)), "[idx] ", source,
                " is no IDX file: it must begin with two zero bytes, a type and a number of dimensions");
  SEXTANT_CHECK(byte_at(head, 2) == kUnsignedByte, "[idx] ", source, " holds elements of type ", byte_at(head, 2),
                "; expected are unsigned bytes (type 8)");
  const size_t dims = byte_at(head, 3);
  SEXTANT_CHECK(dims >= 1 && dims <= kMaxDims, "[idx] ", source, " has ", dims, " dimensions; expected are 1 to ",
                kMaxDims);
  Header header{.shape = {}, .header_bytes = kMagicBytes + 4 * dims, .elements = 1};
  SEXTANT_CHECK(head.size() >= header.header_bytes, "[idx] ", source, " ends inside its header; fetch it again");
  int64_t elements = 1;
  for (size_t at = kMagicBytes; at < header.header_bytes; at += 4) {
    const int64_t dim = (byte_at(head, at) << 24) | (byte_at(head, at + 1) << 16) | (byte_at(head, at + 2) << 8) |
                        byte_at(head, at + 3);
    SEXTANT_CHECK(!__builtin_mul_overflow(elements, dim, &elements) && elements <= kMaxElements, "[idx] ", source,
                  " claims more than ", kMaxElements, " elements");
    header.shape.push_back(dim);
  }
  header.elements = static_cast<size_t>(elements);
  return header;
}

}  // namespace

IdxArray parse_idx(std::string bytes, std::string_view source) {
  const bool packed = is_gzip(bytes);
  const Header header = packed ? parse_header(gunzip_head(bytes, kMagicBytes + 4 * kMaxDims, source), source)
                               : parse_header(bytes, source);
  const size_t expected = header.header_bytes + header.elements;
  if (packed) bytes = gunzip(bytes, expected, source);
  SEXTANT_CHECK(bytes.size() == expected, "[idx] ", source, " has ", bytes.size(), " bytes, but its header says ",
                expected, "; it is cut short or was changed: fetch it again");
  return {.shape = header.shape, .plain = std::move(bytes), .header_bytes = header.header_bytes};
}

}  // namespace sextant
