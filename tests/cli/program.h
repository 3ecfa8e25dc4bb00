// Runs the built program as a user would and keeps what it said.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "sextant/base/json.h"
#include "sextant/base/scratch.h"

namespace sextant::testing_program {

struct Said {
  int code = -1;  // exit code, or 128 + signal
  std::string out, err;
  Json json() const { return parse_json(out, "stdout"); }
};

// A process of the program in `folder`; its threads are limited to two.
class Process {
 public:
  Process(const std::vector<std::string>& arguments, const std::filesystem::path& folder);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  pid_t pid() const { return pid_; }
  bool running();
  Said wait();

 private:
  std::filesystem::path folder_;
  ScratchFolder output_;
  pid_t pid_ = -1;
};

Said run(const std::vector<std::string>& arguments, const std::filesystem::path& folder);

// The repository root, and the arguments of a training that takes about a second.
std::filesystem::path source_root();
std::vector<std::string> smoke_training(const std::filesystem::path& out);

}  // namespace sextant::testing_program
