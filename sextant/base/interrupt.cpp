#include "sextant/base/interrupt.h"

#include <atomic>
#include <csignal>

namespace sextant {
namespace {

std::atomic<bool> asked{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch lock-free atomics only");

void on_signal(int signal) {
  if (asked.exchange(true)) {
    std::signal(signal, SIG_DFL);  // the second one means it
    std::raise(signal);
  }
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return asked.load(); }
void pretend_interrupted(bool value) { asked.store(value); }

}  // namespace sextant
