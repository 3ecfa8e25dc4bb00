#include "sextant/base/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "sextant/base/check.h"
#include "sextant/base/number_text.h"

namespace sextant {
namespace {

constexpr std::chrono::milliseconds kTerminalInterval{100};
constexpr std::chrono::seconds kPlainInterval{10};

size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string_view cut_to(std::string_view text, size_t characters) {
  for (size_t i = 0; i < text.size(); ++i)
    if ((text[i] & 0xC0) != 0x80 && characters-- == 0) return text.substr(0, i);  // bytes that begin a character
  return text;
}

Progress::Progress(std::string title, int64_t total, int64_t done, double items_per_step, bool quiet)
    : title_(std::move(title)),
      total_(total),
      first_(done),
      items_per_step_(items_per_step),
      quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      shown_(start_) {}

Progress::~Progress() {
  if (open_) std::fputs("\n", stderr);
}

bool Progress::due(int64_t done) {
  if (quiet_ || done == last_) return false;
  const auto now = Clock::now();
  const Clock::duration interval = terminal_ ? Clock::duration(kTerminalInterval) : Clock::duration(kPlainInterval);
  if (now - shown_ < interval && done < total_) return false;
  shown_ = now;
  last_ = done;
  return true;
}

void Progress::show(int64_t done, const std::string& detail) {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done - first_) / seconds : 0;
  std::string line = concat(title_, "  ", total_ > 0 ? 100 * done / total_ : 100, " %  ", detail);
  if (rate > 0)
    line += concat("  ", fixed(rate * items_per_step_, 0), " items/s  ",
                   duration_text(static_cast<double>(total_ - done) / rate), " left");
  if (terminal_) {
    // A line that wraps can't be rewritten in place.
    const std::string_view fitting = cut_to(line, terminal_columns() - 1);
    std::fprintf(stderr, "\r\033[2K%.*s", static_cast<int>(fitting.size()), fitting.data());
    open_ = true;
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  std::fflush(stderr);
}

}  // namespace sextant
