#include "sextant/diffusion/grid.h"

#include <cmath>

#include "sextant/base/check.h"

namespace sextant {
namespace {

// Step number k = 0 … S-1 from the end, counted from 1.
int64_t step_at(Spacing spacing, int64_t k, int64_t S, int64_t T) {
  const double from_start = static_cast<double>(S - 1 - k), s = static_cast<double>(S), t = static_cast<double>(T);
  switch (spacing) {
    case Spacing::kTrailing:
      return std::llround(t - static_cast<double>(k) * t / s);
    case Spacing::kLinspace:
      return S == 1 ? T : std::llround(1 + from_start * (t - 1) / (s - 1));
    case Spacing::kLeading:
      return 1 + (S - 1 - k) * T / S;
    case Spacing::kQuadratic:
      return S == 1 ? 1 + static_cast<int64_t>(0.8 * t)
                    : 1 + static_cast<int64_t>(std::pow(from_start * std::sqrt(0.8 * t) / (s - 1), 2) + 1e-9);
  }
  throw Error("[grid] unknown spacing");
}

}  // namespace

Grid make_grid(Spacing spacing, int64_t steps, int64_t T) {
  SEXTANT_USAGE_CHECK(steps >= 1 && steps <= T,
                      "[grid] the number of sampling steps must be between 1 and the chain's ", T, "; got ", steps);
  Grid grid;
  int64_t before = T + 1;
  for (int64_t k = 0; k < steps; ++k) {
    const int64_t step = step_at(spacing, k, steps, T);
    if (step == before) continue;
    grid.push_back(static_cast<double>(step) / static_cast<double>(T));
    before = step;
  }
  grid.push_back(0);
  return grid;
}

void check_grid(const Grid& grid) {
  bool falls = grid.size() >= 2 && grid.front() <= 1 && grid.back() == 0;
  for (size_t i = 1; falls && i < grid.size(); ++i) falls = grid[i] < grid[i - 1];
  SEXTANT_CHECK(falls, "[grid] its times must fall from at most 1 to 0; make_grid makes such");
}

}  // namespace sextant
