#include "sextant/data/zip.h"

#include <zlib.h>

#include <algorithm>

#include "sextant/base/check.h"
#include "sextant/base/little_endian.h"

namespace sextant {
namespace {

constexpr std::string_view kLocal = "PK\x03\x04", kCentral = "PK\x01\x02", kEnd = "PK\x05\x06", kEnd64 = "PK\x06\x06",
                           kLocator64 = "PK\x06\x07";
constexpr size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocator64Bytes = 20;
constexpr size_t kLongestComment = 65535;
constexpr uint64_t kSeeZip64 = 0xffffffff;  // in a field of four bytes: the number is in the ZIP64 record
constexpr uint64_t kZip64Extra = 1, kEncrypted = 1;

// Reads within the archive, or throws.
class Reader {
 public:
  Reader(std::string_view archive, std::string_view source) : archive_(archive), source_(source) {}

  std::string_view part(uint64_t at, uint64_t bytes) const {
    require(at <= archive_.size() && bytes <= archive_.size() - at);
    return archive_.substr(at, bytes);
  }
  // A record that begins with its mark.
  std::string_view record(std::string_view mark, uint64_t at, uint64_t bytes) const {
    const std::string_view found = part(at, bytes);
    require(found.starts_with(mark));
    return found;
  }
  void require(bool sound) const {
    SEXTANT_CHECK(sound, "[zip] ", source_, " is cut short or damaged; fetch it again");
  }

 private:
  std::string_view archive_, source_;
};

uint64_t number(std::string_view record, size_t at, size_t bytes) { return little_endian(record.substr(at, bytes)); }

struct Directory {
  uint64_t members = 0, at = 0;
};

// From the record at the archive's end, behind which only a comment may stand.
Directory find_directory(std::string_view archive, const Reader& reader) {
  const size_t from = archive.size() - std::min(archive.size(), kEndBytes + kLongestComment);
  const size_t found = archive.substr(from).rfind(kEnd);
  reader.require(found != std::string_view::npos);
  const size_t end_at = from + found;
  const std::string_view end = reader.record(kEnd, end_at, kEndBytes);
  Directory directory{.members = number(end, 10, 2), .at = number(end, 16, 4)};
  if (end_at >= kLocator64Bytes && archive.substr(end_at - kLocator64Bytes).starts_with(kLocator64)) {
    const std::string_view locator = reader.record(kLocator64, end_at - kLocator64Bytes, kLocator64Bytes);
    const std::string_view end64 = reader.record(kEnd64, number(locator, 8, 8), kEnd64Bytes);
    directory = {.members = number(end64, 32, 8), .at = number(end64, 48, 8)};
  }
  return directory;
}

struct Member {
  uint64_t stored = 0, size = 0, header_at = 0;
};

// The three numbers of a directory entry; those too large for it stand in its ZIP64 extra field, in this order.
Member member_of(std::string_view entry, std::string_view extra, const Reader& reader) {
  Member member{.stored = number(entry, 20, 4), .size = number(entry, 24, 4), .header_at = number(entry, 42, 4)};
  while (extra.size() >= 4) {
    const uint64_t kind = number(extra, 0, 2), bytes = number(extra, 2, 2);
    reader.require(bytes <= extra.size() - 4);
    std::string_view field = extra.substr(4, bytes);
    extra.remove_prefix(4 + bytes);
    if (kind != kZip64Extra) continue;
    for (uint64_t* wanted : {&member.size, &member.stored, &member.header_at}) {
      if (*wanted != kSeeZip64) continue;
      reader.require(field.size() >= 8);
      *wanted = little_endian(field.substr(0, 8));
      field.remove_prefix(8);
    }
  }
  return member;
}

}  // namespace

bool is_zip(std::string_view bytes) { return bytes.starts_with(kLocal); }

std::map<std::string, std::string_view> read_stored_zip(std::string_view archive, std::string_view source) {
  const Reader reader(archive, source);
  const Directory directory = find_directory(archive, reader);
  std::map<std::string, std::string_view> members;
  uint64_t at = directory.at, contents = 0;
  for (uint64_t i = 0; i < directory.members; ++i) {
    const std::string_view entry = reader.record(kCentral, at, kCentralBytes);
    const uint64_t name_bytes = number(entry, 28, 2), extra_bytes = number(entry, 30, 2);
    const std::string name(reader.part(at + kCentralBytes, name_bytes));
    const std::string_view extra = reader.part(at + kCentralBytes + name_bytes, extra_bytes);
    at += kCentralBytes + name_bytes + extra_bytes + number(entry, 32, 2);
    const Member member = member_of(entry, extra, reader);
    SEXTANT_CHECK(number(entry, 10, 2) == 0 && member.stored == member.size && !(number(entry, 8, 2) & kEncrypted),
                  "[zip] ", source, ": ", name, " is compressed or encrypted, which PyTorch's files are not");
    const std::string_view local = reader.record(kLocal, member.header_at, kLocalBytes);
    const uint64_t data_at = member.header_at + kLocalBytes + number(local, 26, 2) + number(local, 28, 2);
    const std::string_view content = reader.part(data_at, member.size);
    contents += member.size;
    reader.require(contents <= archive.size());  // or members share bytes, to be summed again and again
    const uint64_t crc = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
    SEXTANT_CHECK(crc == number(entry, 16, 4), "[zip] ", source, ": the checksum of ", name,
                  " is wrong: it was damaged; fetch it again");
    SEXTANT_CHECK(members.emplace(name, content).second, "[zip] ", source, ": ", name, " comes twice");
  }
  return members;
}

}  // namespace sextant
