#include "program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sextant/base/files.h"
#include "sextant_build_info.h"

namespace sextant::testing_program {

Process::Process(const std::vector<std::string>& arguments, const std::filesystem::path& folder) : folder_(folder) {
  const std::string out = (output_.path() / "out").string(), err = (output_.path() / "err").string();
  std::vector<std::string> words = {SEXTANT_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ != 0) return;
  const int out_fd = ::open(out.c_str(), O_WRONLY | O_CREAT, 0600),
            err_fd = ::open(err.c_str(), O_WRONLY | O_CREAT, 0600);
  ::setenv("XDG_DATA_HOME", folder.c_str(), 1);  // whatever data the machine has
  ::unsetenv("SEXTANT_DATA");
  if (::chdir(folder.c_str()) != 0 || ::dup2(out_fd, 1) < 0 || ::dup2(err_fd, 2) < 0) ::_exit(126);
  ::execv(SEXTANT_PROGRAM, argv.data());
  ::_exit(127);
}

Process::~Process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

bool Process::running() {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

Said Process::wait() {
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .out = read_file(output_.path() / "out"),
          .err = read_file(output_.path() / "err")};
}

Said run(const std::vector<std::string>& arguments, const std::filesystem::path& folder) {
  return Process(arguments, folder).wait();
}

std::filesystem::path source_root() { return build_info::kSourceDir; }

std::vector<std::string> smoke_training(const std::filesystem::path& out) {
  std::vector<std::string> words = {"train", (source_root() / "recipes" / "vae-mnist.toml").string(), "--out",
                                    out.string()};
  for (const char* setting : {"data.limit=2000", "data.test_limit=100", "model.hidden=[64]", "train.epochs=8",
                              "train.keep_epochs=[3]", "train.log_every=5", "train.ema_decay=0.99"}) {
    words.emplace_back("--set");
    words.emplace_back(setting);
  }
  return words;
}

}  // namespace sextant::testing_program
