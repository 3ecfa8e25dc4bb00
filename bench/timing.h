// The smallest of several repeats, in seconds: what disturbs a run only makes it slower. Ours and the peers' must be as
// many: the smallest of more is smaller.
#pragma once

#include <algorithm>
#include <chrono>

template <class Act>
double smallest(int repeats, int warm_up, const Act& act) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9;
  for (int i = -warm_up; i < repeats; ++i) {
    const auto start = Clock::now();
    act();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (i >= 0) best = std::min(best, seconds);
  }
  return best;
}
