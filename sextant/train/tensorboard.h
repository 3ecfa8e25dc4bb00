// TensorBoard's event files, written by hand: records of (length, masked CRC-32C of it, data, masked CRC-32C of the
// data), each holding one protobuf `Event`; the first names the format, the others one scalar each (a `Summary` with a
// simple_value). Source: tensorflow/core/lib/io/record_writer.cc and tensorflow/core/util/event.proto.
// A resume goes on in the same file, cut back to where the checkpoint was written, so that no step stands twice; what a
// kill left torn at the end is cut off as well. A view for people: the truth is the jsonl beside it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>

namespace sextant {

// Bytes of `file` up to the end of its last whole record that ends at `limit` or before: everything behind is torn,
// damaged or newer. 0 for a file that is absent or empty. Throws Error when it can't be read.
int64_t whole_records_end(const std::filesystem::path& file, int64_t limit = std::numeric_limits<int64_t>::max());

class EventWriter {
 public:
  // Starts `file`, whose name must contain "tfevents" (TensorBoard looks for that), making its folder; or goes on in it
  // after its first `keep_bytes` bytes, or its whole records if they are fewer. Throws Error when the file can't be
  // written, or when it holds something else than events.
  explicit EventWriter(std::filesystem::path file, int64_t keep_bytes = std::numeric_limits<int64_t>::max());
  // Flushes; an error then is lost, so call flush() first.
  ~EventWriter();
  EventWriter(const EventWriter&) = delete;
  EventWriter& operator=(const EventWriter&) = delete;

  // One scalar. `tag` "train/loss" groups by its first part; `value` is stored as float, NaN and infinities too;
  // `wall_time_s` counts seconds since 1970. Written at the latest after 64 KiB.
  void scalar(std::string_view tag, int64_t step, double value, double wall_time_s);

  // Hands everything to the system, so that a kill of the process loses nothing. Returns the length of the file, the
  // `keep_bytes` of a later resume. Throws Error (disk full); the records then wait for the next flush.
  int64_t flush();

 private:
  void append(std::string_view event);

  std::filesystem::path file_;
  int descriptor_ = -1;
  int64_t written_ = 0;
  std::string pending_;
};

}  // namespace sextant
