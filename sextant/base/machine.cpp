#include "sextant/base/machine.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>

namespace sextant {

Machine this_machine() {
  Machine machine;
  std::ifstream info("/proc/cpuinfo");
  const std::set<std::string> wanted = {"avx2",     "fma",      "avx512f", "avx512_bf16", "avx512_vnni",
                                        "amx_bf16", "amx_tile", "asimd",   "bf16",        "sve"};
  for (std::string line; std::getline(info, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1);
    const std::string value = colon + 2 <= line.size() ? line.substr(colon + 2) : "";
    if ((key == "model name" || key == "CPU part") && machine.cpu.empty()) machine.cpu = value;
    if ((key == "flags" || key == "Features") && machine.features.empty()) {
      std::istringstream words(value);
      for (std::string word; words >> word;)
        if (wanted.contains(word)) machine.features.push_back(word);
    }
  }
  if (machine.cpu.empty()) machine.cpu = "unknown CPU";
  cpu_set_t set;
  machine.cores = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);
  machine.memory_bytes = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
  return machine;
}

int64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace sextant
