// Walking over numbers vector by vector: the last ones one by one, or, of a pixel's channels, as part of a vector.
// Included inside the loop over targets, hence the toggled guard.
#if defined(SEXTANT_KERNELS_CHANNELS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEXTANT_KERNELS_CHANNELS_INL_H
#undef SEXTANT_KERNELS_CHANNELS_INL_H
#else
#define SEXTANT_KERNELS_CHANNELS_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using FloatVec = hn::Vec<Floats>;

// Access to a whole vector of channels, or to the last few of a pixel (the rest reads as zero).
struct WholeVector {
  HWY_INLINE FloatVec load(const float* from) const { return hn::LoadU(Floats(), from); }
  HWY_INLINE void store(FloatVec v, float* to) const { hn::StoreU(v, Floats(), to); }
};
struct PartOfVector {
  size_t count;
  FloatVec load(const float* from) const {
    HWY_ALIGN float buffer[hn::MaxLanes(Floats())] = {};
    std::memcpy(buffer, from, count * sizeof(float));
    return hn::Load(Floats(), buffer);
  }
  void store(FloatVec v, float* to) const {
    HWY_ALIGN float buffer[hn::MaxLanes(Floats())];
    hn::Store(v, Floats(), buffer);
    std::memcpy(to, buffer, count * sizeof(float));
  }
};

// body(tag, i) for whole vectors of `count` floats, then number by number.
template <class Body>
HWY_INLINE void for_vectors(int64_t count, const Body& body) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Floats()));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(Floats(), i);
  for (; i < count; ++i) body(hn::CappedTag<float, 1>(), i);
}

// body(c, access) for each vector of `channels` channels.
template <class Body>
HWY_INLINE void for_channels(int64_t channels, const Body& body) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Floats()));
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) body(c, WholeVector());
  if (c < channels) body(c, PartOfVector{static_cast<size_t>(channels - c)});
}

// Vectors in a block of channels whose running sums stay in registers.
constexpr int kBlockVectors = HWY_MAX_BYTES >= 64 || HWY_ARCH_ARM_A64 ? 4 : 2;

// body(c, number of vectors as a constant, access): blocks of kBlockVectors, then single vectors, then the rest.
template <class Body>
HWY_INLINE void for_channel_blocks(int64_t channels, const Body& body) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Floats()));
  const std::integral_constant<int, 1> one;
  int64_t c = 0;
  for (; c + kBlockVectors * lanes <= channels; c += kBlockVectors * lanes)
    body(c, std::integral_constant<int, kBlockVectors>(), WholeVector());
  for (; c + lanes <= channels; c += lanes) body(c, one, WholeVector());
  if (c < channels) body(c, one, PartOfVector{static_cast<size_t>(channels - c)});
}

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
