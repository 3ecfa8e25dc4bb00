// The diary of a run: log.jsonl, one record a line, and the same scalars as TensorBoard events. Both are append-only; a
// checkpoint notes how far they reach and a resume cuts them back to there, so a killed run leaves no line twice.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sextant/base/json.h"
#include "sextant/train/tensorboard.h"

namespace sextant {

class RunLog {
 public:
  // Opens the log in `folder` and keeps its first `bytes` bytes and the events up to `event_bytes`.
  struct Position {
    int64_t bytes = 0, event_bytes = 0;
  };
  RunLog(const std::filesystem::path& folder, Position keep);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  // Appends one record; its numbers become TensorBoard scalars "<prefix>/<key>" at its "step".
  void record(const Json& record, const std::string& prefix);

  // Everything is on disk when it returns; throws Error when the disk is full.
  Position flush();

 private:
  std::filesystem::path file_;
  std::FILE* stream_ = nullptr;
  std::unique_ptr<EventWriter> events_;
};

// All records of a run's log; an unfinished last line is left out. Throws Error naming the line that can't be read.
std::vector<Json> read_log(const std::filesystem::path& folder);

}  // namespace sextant
