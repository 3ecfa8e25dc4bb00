// The progress line of long work: on stderr, rewritten in place on a terminal, a plain line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sextant {

class Progress {
 public:
  // `title` stands before the line ("vae-mnist"); `total` steps of which `done` are done already; `items_per_step`
  // gives items/s. A quiet one prints nothing.
  Progress(std::string title, int64_t total, int64_t done = 0, double items_per_step = 1.0, bool quiet = false);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Tells where the work stands; `detail()` makes the text ("epoch 3/10 · loss 108.3") and is called only if a line is
  // due.
  template <class Detail>
  void update(int64_t done, const Detail& detail) {
    if (due(done)) show(done, detail());
  }

 private:
  using Clock = std::chrono::steady_clock;
  bool due(int64_t done);
  void show(int64_t done, const std::string& detail);

  std::string title_;
  int64_t total_, first_, last_ = -1;
  double items_per_step_;
  bool quiet_, terminal_, open_ = false;
  Clock::time_point start_, shown_;
};

// Work in phases, each with a line of its own, which closes when the phase is done.
class PhasedProgress {
 public:
  explicit PhasedProgress(bool quiet) : quiet_(quiet) {}

  // As Progress::update; a new `phase` starts a new line. Nothing is shown while `total` is unknown (0), or again of a
  // phase that is done.
  template <class Detail>
  void update(const std::string& phase, int64_t done, int64_t total, const Detail& detail) {
    if (total <= 0 || (!line_ && phase == phase_)) return;
    if (phase != phase_) line_ = std::make_unique<Progress>(phase_ = phase, total, done, 1.0, quiet_);
    line_->update(done, detail);
    if (done >= total) line_.reset();
  }

 private:
  bool quiet_;
  std::string phase_;
  std::unique_ptr<Progress> line_;
};

// The first `characters` characters of UTF-8 text.
std::string_view cut_to(std::string_view text, size_t characters);

}  // namespace sextant
