// The matrix unit of newer Intel CPUs (AMX): tiles of 16 x 16 sums, each from 16 pairs of bfloat16 by one instruction.
// Its layouts are the ones of our pairs (k with k + 16, see winograd_tiles.h): A by rows of pairs, B by rows of them,
// so it takes over where the instruction on vectors was, without a copy.
#pragma once

#include <cstdint>

namespace sextant::kernels::amx {

constexpr int64_t kTile = 16;  // rows, columns and pairs

// Has the CPU the unit, and does the system let this process use it? Asks the system once.
bool is_available();

// While one lives, the calling thread's tile registers are laid out for `multiply`. Needs is_available().
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

// C [rows,width] = A B, or += with `add`, in pairs: `depth` of them to a row of A, rows a_row, b_row and c_row floats
// apart. depth and width are multiples of kTile; rows are taken sixteen at a time, so A and C must have room for the
// next multiple of it: what stands in A there is multiplied into C there and matters to nobody.
void multiply(const float* a, int64_t a_row, const float* b, int64_t b_row, int64_t depth, float* c, int64_t c_row,
              int64_t rows, int64_t width, bool add);

}  // namespace sextant::kernels::amx
