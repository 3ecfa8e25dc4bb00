// How a picture is cut into tiles of 4x4 outputs. An edge of r = 1..3 left-over rows gets F(r,3) over a subset of the
// same six points {0, 3/4, -3/4, 3/2, -3/2, infinity}, so all tiles share one set of transformed weights, and an edge
// tile just takes no part in some of the 36 products. Inside a block tiles are ordered by kind (bottom edge, whole,
// right edge, corner): then those that take part in one product are neighbours.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sextant/kernels/pair_unit.h"
#include "sextant/kernels/winograd.h"

namespace sextant::kernels {

constexpr int kPoints = 6, kProducts = kPoints * kPoints;
constexpr int64_t kPanel = 64;  // output channels side by side in one product
constexpr int64_t kPad = 16;    // floats between products: equal distances modulo 4096 bytes would share cache sets

inline int64_t ceil_to(int64_t value, int64_t step) { return (value + step - 1) / step * step; }
// Floats that the channels from `first` on take in their panel: 64, fewer in the last one, whole vectors of any target.
inline int64_t panel_width(int64_t channels, int64_t first) {
  return std::min(kPanel, ceil_to(channels - first, kPad));
}

// Channels that are summed over in pairs of bfloat16: c stands with c + 16, in every 32. Where the pair of c lies, and
// how many places `channels` take (the last vector of a lone half is written whole); the first channel at a place.
constexpr int64_t pair_place(int64_t c) { return c / (2 * kPad) * kPad + c % kPad; }
constexpr int64_t pair_channel(int64_t place) { return place / kPad * 2 * kPad + place % kPad; }
inline int64_t pairs_of(int64_t channels) {
  return channels / (2 * kPad) * kPad + std::min(kPad, channels % (2 * kPad));
}

// Which kind of products of pairs runs. The matrix unit takes whole tiles of pairs only.
template <class F>
F* by_pair_unit(bool whole_tiles, F* matrix, F* instruction, F* emulated) {
  const PairUnit unit = pair_unit();
  if (unit == PairUnit::kMatrix && whole_tiles) return matrix;
  return unit == PairUnit::kEmulated ? emulated : instruction;
}
template <class F>
F* by_precision(Precision precision, bool whole_tiles, F* floats, F* matrix, F* instruction, F* emulated) {
  return precision == Precision::kFloat32 ? floats : by_pair_unit(whole_tiles, matrix, instruction, emulated);
}

// Does F(r,3) evaluate at point i?
constexpr bool uses_point(int r, int i) {
  if (r == 4) return true;
  if (r == 3) return i != 4;
  return r == 2 ? i < 3 || i == 5 : i < 2 || i == 5;
}

struct WinogradTile {
  int64_t image, y, x;
  int height, width;  // outputs, 1..4
};

struct TileGrid {
  explicit TileGrid(const ConvShape& s)
      : rows((s.height + 3) / 4),
        columns((s.width + 3) / 4),
        count(s.batch * rows * columns),
        last_height(static_cast<int>(s.height - 4 * (rows - 1))),
        last_width(static_cast<int>(s.width - 4 * (columns - 1))) {}
  WinogradTile tile(int64_t index) const {
    const int64_t place = index % (rows * columns), row = place / columns, column = place % columns;
    return {index / (rows * columns), 4 * row, 4 * column, row == rows - 1 ? last_height : 4,
            column == columns - 1 ? last_width : 4};
  }
  bool is_ragged() const { return last_height < 4 || last_width < 4; }
  int64_t rows, columns, count;
  int last_height, last_width;
};

// Tiles [begin, end) of the grid, ordered by kind.
class TileBlock {
 public:
  TileBlock(const TileGrid& grid, int64_t begin, int64_t end) : grid_(grid) {
    tiles_.resize(static_cast<size_t>(end - begin));
    std::array<int64_t, 4> next{};
    for (int64_t i = begin; i < end; ++i)
      for (int kind = kind_of(grid.tile(i)) + 1; kind <= 4; ++kind) ++first_[static_cast<size_t>(kind)];
    std::copy(first_.begin(), first_.begin() + 4, next.begin());
    for (int64_t i = begin; i < end; ++i) {
      const WinogradTile tile = grid.tile(i);
      tiles_[static_cast<size_t>(next[static_cast<size_t>(kind_of(tile))]++)] = tile;
    }
  }
  int64_t size() const { return static_cast<int64_t>(tiles_.size()); }
  const WinogradTile& operator[](int64_t i) const { return tiles_[static_cast<size_t>(i)]; }

  // The tiles that take part in product p = 6 i + j are first(p) .. last(p) - 1.
  int64_t first(int p) const { return row_taken(p) ? 0 : first_[1]; }
  int64_t last(int p) const { return !column_taken(p) ? first_[2] : row_taken(p) ? first_[4] : first_[3]; }

 private:
  bool row_taken(int p) const { return uses_point(grid_.last_height, p / kPoints); }  // by the bottom tiles
  bool column_taken(int p) const { return uses_point(grid_.last_width, p % kPoints); }
  static int kind_of(const WinogradTile& t) { return t.height < 4 ? (t.width < 4 ? 3 : 0) : (t.width < 4 ? 2 : 1); }

  const TileGrid& grid_;
  std::vector<WinogradTile> tiles_;
  std::array<int64_t, 5> first_{};  // of each kind
};

}  // namespace sextant::kernels
