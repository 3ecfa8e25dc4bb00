#include "sextant/train/tensorboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "sextant/base/check.h"
#include "sextant/base/files.h"
#include "sextant/base/hash.h"
#include "sextant/base/little_endian.h"

namespace sextant {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHead = 12, kTail = 4;  // length and its checksum; checksum of the data

// CRCs of data that holds CRCs are weak, so the format rotates and shifts them.
uint32_t masked_crc(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xa282ead8u; }

template <class Unsigned>
void put_fixed(std::string& out, Unsigned value) {  // little-endian
  for (size_t i = 0; i < sizeof(value); ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// A protobuf field's key. Wire types: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.
void put_key(std::string& out, uint64_t field, uint64_t wire_type) { put_varint(out, field << 3 | wire_type); }

void put_bytes(std::string& out, uint64_t field, std::string_view bytes) {
  put_key(out, field, 2);
  put_varint(out, bytes.size());
  out += bytes;
}

// Event: wall_time = 1 (double), step = 2 (int64), file_version = 3 (string), summary = 5.
std::string event_head(double wall_time_s) {
  std::string event;
  put_key(event, 1, 1);
  put_fixed(event, std::bit_cast<uint64_t>(wall_time_s));
  return event;
}

std::string cause() { return std::strerror(errno); }

}  // namespace

int64_t whole_records_end(const fs::path& file, int64_t limit) {
  if (!fs::exists(file)) return 0;
  const std::string bytes = read_file(file);
  const std::string_view all = std::string_view(bytes).substr(0, static_cast<size_t>(std::max<int64_t>(limit, 0)));
  size_t end = 0;
  while (all.size() - end >= kHead + kTail) {
    const std::string_view head = all.substr(end, kHead);
    const uint64_t length = little_endian(head.substr(0, 8));
    if (little_endian(head.substr(8, 4)) != masked_crc(head.substr(0, 8))) break;
    if (length > all.size() - end - kHead - kTail) break;
    const std::string_view data = all.substr(end + kHead, length);
    if (little_endian(all.substr(end + kHead + length, kTail)) != masked_crc(data)) break;
    end += kHead + length + kTail;
  }
  return static_cast<int64_t>(end);
}

EventWriter::EventWriter(fs::path file, int64_t keep_bytes) : file_(std::move(file)) {
  SEXTANT_CHECK(file_.filename().string().find("tfevents") != std::string::npos,
                "[tensorboard] expected a file name with 'tfevents' in it, or TensorBoard won't find it; got ",
                file_.string());
  std::error_code ignored;  // open() then tells the cause
  fs::create_directories(file_.parent_path(), ignored);
  const int64_t whole = whole_records_end(file_);
  SEXTANT_CHECK(whole > 0 || !fs::exists(file_) || fs::file_size(file_) < 64, "[tensorboard] ", file_.string(),
                " holds no events; move it away");
  written_ = whole_records_end(file_, keep_bytes);
  descriptor_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  SEXTANT_CHECK(descriptor_ >= 0, "[tensorboard] can't write ", file_.string(), ": ", cause());
  if (::ftruncate(descriptor_, written_) != 0) {
    const std::string text = concat("[tensorboard] can't cut ", file_.string(), " to ", written_, " bytes: ", cause());
    ::close(descriptor_);
    throw Error(text);
  }
}

EventWriter::~EventWriter() {
  try {
    flush();
  } catch (const std::exception&) {  // flush() told whoever asked
  }
  ::close(descriptor_);
}

void EventWriter::append(std::string_view event) {
  const size_t start = pending_.size();
  put_fixed(pending_, static_cast<uint64_t>(event.size()));
  put_fixed(pending_, masked_crc(std::string_view(pending_).substr(start)));
  pending_ += event;
  put_fixed(pending_, masked_crc(event));
}

void EventWriter::scalar(std::string_view tag, int64_t step, double value, double wall_time_s) {
  if (written_ == 0 && pending_.empty()) {  // TensorBoard takes the first event's time as the start of the run
    std::string version = event_head(wall_time_s);
    put_bytes(version, 3, "brain.Event:2");
    append(version);
  }
  // Summary: value = 1 (repeated). Value: tag = 1 (string), simple_value = 2 (float).
  std::string entry, summary, event = event_head(wall_time_s);
  put_bytes(entry, 1, tag);
  put_key(entry, 2, 5);
  put_fixed(entry, std::bit_cast<uint32_t>(static_cast<float>(value)));
  put_bytes(summary, 1, entry);
  put_key(event, 2, 0);
  put_varint(event, static_cast<uint64_t>(step));
  put_bytes(event, 5, summary);
  append(event);
  if (pending_.size() >= 65536) flush();
}

int64_t EventWriter::flush() {
  size_t done = 0;
  while (done < pending_.size()) {
    const ssize_t put = ::pwrite(descriptor_, pending_.data() + done, pending_.size() - done, written_);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      const std::string why = cause();
      pending_.erase(0, done);
      throw Error(concat("[tensorboard] writing ", file_.string(), " stopped at byte ", written_, ": ", why));
    }
    done += static_cast<size_t>(put);
    written_ += put;
  }
  pending_.clear();
  return written_;
}

}  // namespace sextant
