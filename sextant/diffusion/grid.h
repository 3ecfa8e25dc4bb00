// The times that a sampler visits.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace sextant {

// t_0 > … > t_S = 0: S steps, the last of which lands on the data. Samplers take any such list.
using Grid = std::vector<double>;

// Which S steps of a chain of T are visited, counted from 1:
//   trailing   round(T - k T/S), k = 0 …: begins at T (Lin et al. 2024)
//   linspace   even from 1 to T, rounded: begins at T
//   leading    1 + floor(k T/S): the DDIM paper's uniform rule; begins below T (at 901 for S = 10, T = 1000)
//   quadratic  1 + floor((k sqrt(0.8 T)/(S-1))^2): the DDIM paper's CIFAR-10 rule; begins at 0.8 T. Near 0 several k
//              may give one step: it is then visited once, and there are fewer than S
enum class Spacing { kTrailing, kLinspace, kLeading, kQuadratic };
constexpr auto enum_names(Spacing) {
  return std::array{std::pair{Spacing::kTrailing, "trailing"}, std::pair{Spacing::kLinspace, "linspace"},
                    std::pair{Spacing::kLeading, "leading"}, std::pair{Spacing::kQuadratic, "quadratic"}};
}

// Throws UsageError unless 1 <= steps <= T.
Grid make_grid(Spacing spacing, int64_t steps, int64_t T);

// Throws Error unless the times fall from at most 1 to exactly 0.
void check_grid(const Grid& grid);

}  // namespace sextant
