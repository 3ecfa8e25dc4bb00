// SIGINT and SIGTERM ask, they don't kill: long work looks here between steps, finishes the step, saves and says how to
// go on. A second signal ends the process at once.
#pragma once

namespace sextant {

// Installs the handlers; called once, by main().
void catch_interrupts();

// True once a signal has come.
bool interrupted();

// For tests.
void pretend_interrupted(bool value);

}  // namespace sextant
