// C (+)= A B for one of Winograd's 36 points, in register tiles. Included inside the loop over targets.
#if defined(SEXTANT_KERNELS_POINT_PRODUCT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEXTANT_KERNELS_POINT_PRODUCT_INL_H
#undef SEXTANT_KERNELS_POINT_PRODUCT_INL_H
#else
#define SEXTANT_KERNELS_POINT_PRODUCT_INL_H
#endif

#include <hwy/cache_control.h>

#include "sextant/kernels/amx.h"
#include "sextant/kernels/register_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {

template <class Products>
struct PointTile {
  template <int kRows, int kVectors>
  struct Of {
    // The sum starts at zero and is added last: sums in two levels, several times less error.
    static void run(const float* a, int64_t a_row, int64_t a_step, const float* b, int64_t b_step, int64_t depth,
                    float* c, int64_t c_row, bool add) {
      const Floats d;
      const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
      FloatVec sum[kRows][kVectors];
      for (int r = 0; add && r < kRows; ++r)  // C comes from far: ask for it before the loop
        for (int v = 0; v < kVectors; ++v) hwy::Prefetch(c + r * c_row + v * lanes);
      multiply_tile<Products>(a, a_row, a_step, b, b_step, depth, sum);
      HWY_UNROLL(6)  // or the sums go through memory
      for (int r = 0; r < kRows; ++r) {
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) {
          float* to = c + r * c_row + v * lanes;
          hn::StoreU(add ? hn::Add(hn::LoadU(d, to), sum[r][v]) : sum[r][v], d, to);
        }
      }
    }
  };
};

// Columns that a register tile takes at once.
HWY_INLINE int64_t group_width() { return kTileVectors * static_cast<int64_t>(hn::Lanes(Floats())); }

// Two ways in which B may lie: row by row, or in groups of columns one after the other, each [depth][its width], of
// which rows from `first` on are taken: then every load follows the one before.
struct RowMajor {
  const float* data;
  int64_t stride;
  const float* group(int64_t column, int64_t) const { return data + column; }
  int64_t step(int64_t) const { return stride; }
};
struct Grouped {
  const float* data;
  int64_t depth, first;
  const float* group(int64_t column, int64_t width) const { return data + column * depth + first * width; }
  int64_t step(int64_t width) const { return width; }
};

// C [rows,width] = A B, or += with `add`. A(i,k) at a[i * a_row + k * a_step], rows of C c_row apart; width a multiple
// of the vector. MatrixPairProducts: within an amx::Session, and with the limits of amx::multiply.
template <class Products = FloatProducts, class B>
void point_product(const float* a, int64_t a_row, int64_t a_step, const B& b, int64_t depth, float* c, int64_t c_row,
                   int64_t rows, int64_t width, bool add) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Floats()));
  const int64_t tiles = (rows + kTileRows - 1) / kTileRows;  // of nearly equal height: 9 rows are 5 + 4, not 6 + 3
  for (int64_t n = 0; n < width; n += group_width()) {
    const int64_t columns = HWY_MIN(group_width(), width - n);
    const float* from = b.group(n, columns);
    if constexpr (Products::kByMatrixUnit) {
      amx::multiply(a, a_row, from, b.step(columns), depth, c + n, c_row, rows, columns, add);
    } else {
      for (int64_t t = 0, r = 0; t < tiles; ++t) {
        const int64_t end = rows * (t + 1) / tiles;
        const auto run = kernel_for<PointTile<Products>::template Of>(end - r, columns / lanes);
        run(a + r * a_row, a_row, a_step, from, b.step(columns), depth, c + r * c_row + n, c_row, add);
        r = end;
      }
    }
  }
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
