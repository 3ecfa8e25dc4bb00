#include "sextant/train/run_log.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "sextant/base/check.h"
#include "sextant/base/files.h"

namespace sextant {
namespace fs = std::filesystem;

RunLog::RunLog(const fs::path& folder, Position keep) : file_(folder / "log.jsonl") {
  std::error_code error;
  fs::create_directories(folder, error);
  const uintmax_t size = fs::exists(file_) ? fs::file_size(file_) : 0, kept = static_cast<uintmax_t>(keep.bytes);
  SEXTANT_CHECK(size >= kept, "[log] ", file_.string(), " has ", size, " bytes where the checkpoint knows of ", kept,
                "; restore it, or remove the run's folder to begin again");
  if (size > kept) fs::resize_file(file_, kept, error);
  SEXTANT_CHECK(!error, "[log] can't cut ", file_.string(), " back: ", error.message(), "; make the folder writable");
  stream_ = std::fopen(file_.c_str(), "ab");
  SEXTANT_CHECK(stream_, "[log] can't write ", file_.string(), ": ", std::strerror(errno),
                "; make the folder writable");
  std::setvbuf(stream_, nullptr, _IOLBF, BUFSIZ);  // a line a write: who watches the file sees each record at once
  events_ = std::make_unique<EventWriter>(folder / "events.out.tfevents.sextant", keep.event_bytes);
}

RunLog::~RunLog() { std::fclose(stream_); }

void RunLog::record(const Json& record, const std::string& prefix) {
  const std::string line = record.dump() + "\n";
  SEXTANT_CHECK(std::fwrite(line.data(), 1, line.size(), stream_) == line.size(), "[log] can't write ", file_.string(),
                ": ", std::strerror(errno), "; free some space: the last checkpoint is sound");
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  for (const auto& [key, value] : record.items())
    if (value.is_number() && key != "step" && key != "epoch")
      events_->scalar(prefix + "/" + key, record.at("step").get<int64_t>(), value.get<double>(), now);
}

RunLog::Position RunLog::flush() {
  SEXTANT_CHECK(std::fflush(stream_) == 0 && ::fsync(::fileno(stream_)) == 0, "[log] can't write ", file_.string(),
                ": ", std::strerror(errno), "; free some space: the last checkpoint is sound");
  return {.bytes = static_cast<int64_t>(fs::file_size(file_)), .event_bytes = events_->flush()};
}

std::vector<Json> read_log(const fs::path& folder) {
  const fs::path file = folder / "log.jsonl";
  const std::string text = read_file(file);
  std::vector<Json> records;
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    records.push_back(parse_json(std::string_view(text).substr(begin, end - begin),
                                 concat(file.string(), " line ", records.size() + 1)));
  return records;
}

}  // namespace sextant
