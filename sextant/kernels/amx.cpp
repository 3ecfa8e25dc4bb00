// Written as instructions, so that a compiler for older CPUs can build it. Registers 0 to 3 are sums, 4 and 5 tiles of
// A, 6 and 7 tiles of B: 2 x 2 sums at a time, one load to a product. The compiler allots no tile registers of its own.
#include "sextant/kernels/amx.h"

#include "sextant/base/check.h"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sextant::kernels::amx {
namespace {

struct alignas(64) TileLayout {  // the operand of ldtilecfg
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
constexpr TileLayout kLayout;
static_assert(sizeof(TileLayout) == 64);

bool cpu_has_tiles() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned kBfloat16 = 1u << 22, kTiles = 1u << 24;
  return (d & kBfloat16) != 0 && (d & kTiles) != 0;
}

#define SEXTANT_TILE_LOAD(tile, from, stride) \
  asm volatile("tileloadd (%0,%1,1), %%tmm" #tile ::"r"(from), "r"(stride) : "memory")
#define SEXTANT_TILE_STORE(tile, to, stride) \
  asm volatile("tilestored %%tmm" #tile ", (%0,%1,1)" ::"r"(to), "r"(stride) : "memory")
#define SEXTANT_TILE_ZERO(tile) asm volatile("tilezero %%tmm" #tile ::)
#define SEXTANT_TILE_PRODUCT(sum, a, b) asm volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #sum ::)

// kRows x kColumns tiles of C, each 1 or 2; strides in bytes.
template <int kRows, int kColumns>
void multiply_tiles(const float* a, int64_t a_row, const float* b, int64_t b_row, int64_t depth, float* c,
                    int64_t c_row, bool add) {
  float* const below = c + kTile * c_row / static_cast<int64_t>(sizeof(float));
  if (add) {
    SEXTANT_TILE_LOAD(0, c, c_row);
    if constexpr (kColumns == 2) SEXTANT_TILE_LOAD(1, c + kTile, c_row);
    if constexpr (kRows == 2) SEXTANT_TILE_LOAD(2, below, c_row);
    if constexpr (kRows == 2 && kColumns == 2) SEXTANT_TILE_LOAD(3, below + kTile, c_row);
  } else {
    SEXTANT_TILE_ZERO(0);
    if constexpr (kColumns == 2) SEXTANT_TILE_ZERO(1);
    if constexpr (kRows == 2) SEXTANT_TILE_ZERO(2);
    if constexpr (kRows == 2 && kColumns == 2) SEXTANT_TILE_ZERO(3);
  }
  const float* const a_below = a + kTile * a_row / static_cast<int64_t>(sizeof(float));
  const int64_t b_step = kTile * b_row / static_cast<int64_t>(sizeof(float));
  for (int64_t k = 0; k < depth; k += kTile, b += b_step) {
    SEXTANT_TILE_LOAD(6, b, b_row);
    SEXTANT_TILE_LOAD(4, a + k, a_row);
    SEXTANT_TILE_PRODUCT(0, 4, 6);
    if constexpr (kColumns == 2) {
      SEXTANT_TILE_LOAD(7, b + kTile, b_row);
      SEXTANT_TILE_PRODUCT(1, 4, 7);
    }
    if constexpr (kRows == 2) {
      SEXTANT_TILE_LOAD(5, a_below + k, a_row);
      SEXTANT_TILE_PRODUCT(2, 5, 6);
      if constexpr (kColumns == 2) SEXTANT_TILE_PRODUCT(3, 5, 7);
    }
  }
  SEXTANT_TILE_STORE(0, c, c_row);
  if constexpr (kColumns == 2) SEXTANT_TILE_STORE(1, c + kTile, c_row);
  if constexpr (kRows == 2) SEXTANT_TILE_STORE(2, below, c_row);
  if constexpr (kRows == 2 && kColumns == 2) SEXTANT_TILE_STORE(3, below + kTile, c_row);
}

}  // namespace

bool is_available() {
  static const bool available = [] {
    constexpr int64_t kAskForPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return cpu_has_tiles() && syscall(SYS_arch_prctl, kAskForPermission, kTileData) == 0;
  }();
  return available;
}

Session::Session() { asm volatile("ldtilecfg %0" ::"m"(kLayout)); }
Session::~Session() { asm volatile("tilerelease" ::); }

void multiply(const float* a, int64_t a_row, const float* b, int64_t b_row, int64_t depth, float* c, int64_t c_row,
              int64_t rows, int64_t width, bool add) {
  static constexpr decltype(&multiply_tiles<1, 1>) kTable[2][2] = {{multiply_tiles<1, 1>, multiply_tiles<1, 2>},
                                                                   {multiply_tiles<2, 1>, multiply_tiles<2, 2>}};
  constexpr int64_t kBytes = sizeof(float);
  for (int64_t n = 0; n < width; n += 2 * kTile)
    for (int64_t r = 0; r < rows; r += 2 * kTile)
      kTable[rows - r > kTile][width - n > kTile](a + r * a_row, a_row * kBytes, b + n, b_row * kBytes, depth,
                                                  c + r * c_row + n, c_row * kBytes, add);
}

}  // namespace sextant::kernels::amx

#else

namespace sextant::kernels::amx {
bool is_available() { return false; }
Session::Session() { SEXTANT_CHECK(false, "[amx] this CPU has no such unit; ask is_available() first"); }
Session::~Session() = default;
void multiply(const float*, int64_t, const float*, int64_t, int64_t, float*, int64_t, int64_t, int64_t, bool) {}
}  // namespace sextant::kernels::amx

#endif
