// What the program runs on: for provenance, for `doctor`, and to tell whether a resumed run can give the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sextant {

struct Machine {
  std::string cpu;                    // model name as the system gives it
  std::vector<std::string> features;  // those that matter to speed: avx2, avx512f, avx512_bf16, amx_bf16, …
  int64_t cores = 1;                  // that this process may use
  int64_t memory_bytes = 0;
};
Machine this_machine();

// Most memory that this process has held so far.
int64_t peak_memory_bytes();

}  // namespace sextant
