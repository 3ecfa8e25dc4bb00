// The inner loop of every matrix product: a tile of up to 6 rows by some vectors of C stays in registers while a column
// of A and a row of B pass by. Included inside the loop over targets, hence the toggled guard.
#if defined(SEXTANT_KERNELS_REGISTER_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEXTANT_KERNELS_REGISTER_TILE_INL_H
#undef SEXTANT_KERNELS_REGISTER_TILE_INL_H
#else
#define SEXTANT_KERNELS_REGISTER_TILE_INL_H
#endif

#include <hwy/highway.h>

#include <array>
#include <cstdint>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using FloatVec = hn::Vec<Floats>;

constexpr int kTileRows = 6;
// Vectors a tile is wide at most: 6 * 4 sums fit into 32 registers, 6 * 2 into 16.
constexpr int kTileVectors = HWY_MAX_BYTES >= 64 || HWY_ARCH_ARM_A64 ? 4 : 2;

// What the loop does with a number of A (in all lanes) and a vector of B: sum + a b.
struct FloatProducts {
  static constexpr bool kByMatrixUnit = false;
  static HWY_INLINE FloatVec accumulate(FloatVec a, FloatVec b, FloatVec sum) { return hn::MulAdd(a, b, sum); }
};

// sum[i][j] += sum over k of A(i, k) B(k, j): A(i, k) at a[i * a_row + k * a_step], row k of B at b + k * b_step.
template <class Products = FloatProducts, int kRows, int kVectors>
HWY_INLINE void accumulate_tile(const float* a, int64_t a_row, int64_t a_step, const float* b, int64_t b_step,
                                int64_t depth, FloatVec (&sum)[kRows][kVectors]) {
  const Floats d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t k = 0; k < depth; ++k, a += a_step, b += b_step) {
    FloatVec bv[kVectors];
    for (int v = 0; v < kVectors; ++v) bv[v] = hn::LoadU(d, b + v * lanes);
    for (int r = 0; r < kRows; ++r) {
      const FloatVec ar = hn::Set(d, a[r * a_row]);
      for (int v = 0; v < kVectors; ++v) sum[r][v] = Products::accumulate(ar, bv[v], sum[r][v]);
    }
  }
}

// The same from zero.
template <class Products = FloatProducts, int kRows, int kVectors>
HWY_INLINE void multiply_tile(const float* a, int64_t a_row, int64_t a_step, const float* b, int64_t b_step,
                              int64_t depth, FloatVec (&sum)[kRows][kVectors]) {
  HWY_UNROLL(6)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(Floats());
  }
  accumulate_tile<Products>(a, a_row, a_step, b, b_step, depth, sum);
}

// Kernel<rows, vectors>::run for sizes known at run time, 1 <= rows <= kTileRows, 1 <= vectors <= kTileVectors.
template <template <int, int> class Kernel>
auto kernel_for(int64_t rows, int64_t vectors) {
  using Function = decltype(&Kernel<1, 1>::run);
  static constexpr auto kTable = []<int... kIndex>(std::integer_sequence<int, kIndex...>) {
    return std::array<Function, sizeof...(kIndex)>{
        &Kernel<kIndex / kTileVectors + 1, kIndex % kTileVectors + 1>::run...};
  }
  (std::make_integer_sequence<int, kTileRows * kTileVectors>());
  return kTable[static_cast<size_t>((rows - 1) * kTileVectors + vectors - 1)];
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
