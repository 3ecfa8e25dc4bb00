// Errors. A broken contract at a public border, or a file that is not what it claims to be, throws `Error` with a text
// of the form "[where] what was expected; what came; what to do". main() reports it; who catches it before adds
// something to it. `UsageError` says that the command line, a recipe or an option is wrong (exit code 2); every other
// `Error` means that the work failed (1).
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace sextant {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class UsageError : public Error {
 public:
  using Error::Error;
};

// Stopped by SIGINT or SIGTERM after saving what there was to save; the text says how to go on (exit code 130).
class Interrupted : public Error {
 public:
  using Error::Error;
};

// The parts, streamed one after the other.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

}  // namespace sextant

// Throws sextant::Error with the streamed parts unless `condition` holds; SEXTANT_USAGE_CHECK throws UsageError.
#define SEXTANT_CHECK(condition, ...)                         \
  do {                                                        \
    if (!(condition)) [[unlikely]]                            \
      throw ::sextant::Error(::sextant::concat(__VA_ARGS__)); \
  } while (false)
#define SEXTANT_USAGE_CHECK(condition, ...)                        \
  do {                                                             \
    if (!(condition)) [[unlikely]]                                 \
      throw ::sextant::UsageError(::sextant::concat(__VA_ARGS__)); \
  } while (false)
