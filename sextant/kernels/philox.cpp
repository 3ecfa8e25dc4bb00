// Philox 4x32-10 (Salmon et al. 2011), one block a vector lane, and the maps from its words to numbers.
// uniform: the upper 24 bits of a word over 2^24. normal (Box & Muller 1958): words 0 and 2 give the radius
// sqrt(-2 ln u) with u = (w / 2 + 1/2) / 2^31 in [2^-32, 1], so the logarithm is finite and |z| <= 6.67; words 1 and 3
// give the angle, reduced to its quadrant in exact integer arithmetic. Polynomials after Cephes (Moshier).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sextant/kernels/philox.cpp"
#include "sextant/kernels/simd.h"
// Keep this order: the targets must be known before the loop over them.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "sextant/base/check.h"
#include "sextant/kernels/philox.h"
#include "sextant/kernels/philox_cipher.h"
#include "sextant/kernels/threads.h"
#include "sextant/kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sextant::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Words = hn::ScalableTag<uint32_t>;
using Floats = hn::ScalableTag<float>;
using WordVec = hn::Vec<Words>;
using FloatVec = hn::Vec<Floats>;

struct Block {
  WordVec word[4];
};

struct Product {
  WordVec high, low;
};

// 32 x 32 -> 64 bits in every lane, from two products of the even lanes.
HWY_INLINE Product multiply(WordVec a, WordVec b) {
  const Words d;
  const hn::RepartitionToWide<Words> wide;
  const auto even = hn::MulEven(a, b);
  const auto odd = hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(wide, a))), b);
  return {hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even))),
          hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even))};
}

// Blocks first, first + 1, ... of the stream, one a lane.
HWY_INLINE Block cipher(uint64_t key, uint64_t first) {
  const Words d;
  const auto low = hn::Set(d, static_cast<uint32_t>(first));
  WordVec c0 = hn::Add(low, hn::Iota(d, 0)), c2 = hn::Zero(d), c3 = c2;
  const auto carry = hn::VecFromMask(d, hn::Lt(c0, low));  // all ones is -1
  WordVec c1 = hn::Sub(hn::Set(d, static_cast<uint32_t>(first >> 32)), carry);
  uint32_t key0 = static_cast<uint32_t>(key), key1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const Product a = multiply(c0, hn::Set(d, kPhiloxMultiplier[0])),
                  b = multiply(c2, hn::Set(d, kPhiloxMultiplier[1]));
    c0 = hn::Xor(hn::Xor(b.high, c1), hn::Set(d, key0));
    c2 = hn::Xor(hn::Xor(a.high, c3), hn::Set(d, key1));
    c1 = b.low, c3 = a.low;
    key0 += kPhiloxWeyl[0], key1 += kPhiloxWeyl[1];
  }
  return {{c0, c1, c2, c3}};
}

HWY_INLINE FloatVec to_float(WordVec w) {  // below 2^31
  return hn::ConvertTo(Floats(), hn::BitCast(hn::RebindToSigned<Words>(), w));
}

struct SinCos {
  FloatVec sine, cosine;
};

// Of the angle w / 2^32 turns: the nearest quarter turn q, and the rest, within an eighth of a turn.
HWY_INLINE SinCos sin_cos_of_turn(WordVec w) {
  const Floats d;
  const Words dw;
  const hn::RebindToSigned<Words> di;
  const auto q = hn::ShiftRight<30>(hn::Add(w, hn::Set(dw, 1u << 29)));
  const auto rest = hn::BitCast(di, hn::Sub(w, hn::ShiftLeft<30>(q)));
  const auto x = hn::Mul(hn::ConvertTo(d, rest), hn::Set(d, 1.46291807926715968e-9f));  // 2 pi / 2^32
  const auto z = hn::Mul(x, x);
  auto s = hn::MulAdd(hn::Set(d, -1.9515295891e-4f), z, hn::Set(d, 8.3321608736e-3f));
  s = hn::MulAdd(s, z, hn::Set(d, -1.6666654611e-1f));
  s = hn::MulAdd(hn::Mul(s, z), x, x);
  auto c = hn::MulAdd(hn::Set(d, 2.443315711809948e-5f), z, hn::Set(d, -1.388731625493765e-3f));
  c = hn::MulAdd(c, z, hn::Set(d, 4.166664568298827e-2f));
  c = hn::MulAdd(hn::Mul(c, z), z, hn::NegMulAdd(hn::Set(d, 0.5f), z, hn::Set(d, 1.0f)));
  // Quarter turns: (sin, cos) -> (cos, -sin) -> (-sin, -cos) -> (-cos, sin).
  const auto swap = hn::MaskFromVec(hn::BitCast(d, hn::Neg(hn::BitCast(di, hn::And(q, hn::Set(dw, 1))))));
  const auto sine_sign = hn::ShiftLeft<30>(hn::And(q, hn::Set(dw, 2)));
  const auto cosine_sign = hn::ShiftLeft<30>(hn::And(hn::Add(q, hn::Set(dw, 1)), hn::Set(dw, 2)));
  return {hn::Xor(hn::IfThenElse(swap, c, s), hn::BitCast(d, sine_sign)),
          hn::Xor(hn::IfThenElse(swap, s, c), hn::BitCast(d, cosine_sign))};
}

// Two normals from two words.
HWY_INLINE void box_muller(WordVec& a, WordVec& b) {
  const Floats d;
  const auto u = hn::Mul(hn::Add(to_float(hn::ShiftRight<1>(a)), hn::Set(d, 0.5f)), hn::Set(d, 0x1p-31f));
  const auto radius = hn::Sqrt(hn::Mul(hn::Set(d, -2.0f), log_of(Floats(), u)));
  const SinCos turn = sin_cos_of_turn(b);
  a = hn::BitCast(Words(), hn::Mul(radius, turn.cosine));
  b = hn::BitCast(Words(), hn::Mul(radius, turn.sine));
}

struct ToBits {
  static HWY_INLINE void apply(Block&) {}
};
struct ToUniform {
  static HWY_INLINE void apply(Block& block) {
    for (auto& w : block.word)
      w = hn::BitCast(Words(), hn::Mul(to_float(hn::ShiftRight<8>(w)), hn::Set(Floats(), 0x1p-24f)));
  }
};
struct ToNormal {
  static HWY_INLINE void apply(Block& block) {
    box_muller(block.word[0], block.word[1]);
    box_muller(block.word[2], block.word[3]);
  }
};

// `words` 32-bit results of the blocks first, first + 1, ...; the last vector goes through a buffer.
template <class Map>
HWY_INLINE void fill(uint64_t key, uint64_t first, uint32_t* out, int64_t words) {
  const Words d;
  const int64_t step = 4 * static_cast<int64_t>(hn::Lanes(d));
  for (int64_t at = 0; at < words; at += step, first += static_cast<uint64_t>(step / 4)) {
    Block block = cipher(key, first);
    Map::apply(block);
    const auto& w = block.word;
    if (at + step <= words) {
      hn::StoreInterleaved4(w[0], w[1], w[2], w[3], d, out + at);
    } else {
      HWY_ALIGN uint32_t rest[4 * hn::MaxLanes(d)];
      hn::StoreInterleaved4(w[0], w[1], w[2], w[3], d, rest);
      std::memcpy(out + at, rest, static_cast<size_t>(words - at) * sizeof(uint32_t));
    }
  }
}

void fill_bits(uint64_t key, uint64_t first, uint32_t* out, int64_t n) { fill<ToBits>(key, first, out, n); }
void fill_uniform(uint64_t key, uint64_t first, uint32_t* out, int64_t n) { fill<ToUniform>(key, first, out, n); }
void fill_normal(uint64_t key, uint64_t first, uint32_t* out, int64_t n) { fill<ToNormal>(key, first, out, n); }

}  // namespace sextant::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sextant::kernels {
HWY_EXPORT(fill_bits);
HWY_EXPORT(fill_uniform);
HWY_EXPORT(fill_normal);

namespace {

static_assert(std::endian::native == std::endian::little, "a 64-bit integer is two words, the low one first");
constexpr int64_t kWordsPerJob = 1 << 15;  // about 50 microseconds of normals: worth waking a thread

template <class Fill>
void in_jobs(const char* where, uint64_t first, void* out, int64_t count, int64_t words, const Fill& fill) {
  SEXTANT_CHECK(count >= 0, "[", where, "] count must not be negative; got ", count, "; pass the size of the buffer");
  SEXTANT_CHECK(out || count == 0, "[", where, "] needs a buffer for ", count, " numbers; got null; allocate it first");
  parallel_jobs((words + kWordsPerJob - 1) / kWordsPerJob, [&](int64_t job) {
    const int64_t at = job * kWordsPerJob;
    fill(first + static_cast<uint64_t>(at / 4), static_cast<uint32_t*>(out) + at, std::min(kWordsPerJob, words - at));
  });
}

}  // namespace

void philox_block(uint64_t key, uint64_t block, uint32_t out[4]) {
  const auto words = philox_cipher({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0},
                                   {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)});
  std::copy(words.begin(), words.end(), out);
}

void philox_uniform(uint64_t key, uint64_t first, float* out, int64_t count) {
  in_jobs("philox_uniform", first, out, count, count, [&](uint64_t block, uint32_t* to, int64_t words) {
    HWY_DYNAMIC_DISPATCH(fill_uniform)(key, block, to, words);
  });
}

void philox_normal(uint64_t key, uint64_t first, float* out, int64_t count) {
  in_jobs("philox_normal", first, out, count, count, [&](uint64_t block, uint32_t* to, int64_t words) {
    HWY_DYNAMIC_DISPATCH(fill_normal)(key, block, to, words);
  });
}

void philox_bits64(uint64_t key, uint64_t first, uint64_t* out, int64_t count) {
  in_jobs("philox_bits64", first, out, count, 2 * count, [&](uint64_t block, uint32_t* to, int64_t words) {
    HWY_DYNAMIC_DISPATCH(fill_bits)(key, block, to, words);
  });
}

}  // namespace sextant::kernels
#endif
