#include "sextant/tensor/rng.h"

#include <ATen/ops/empty.h>

#include <numeric>
#include <utility>

#include "sextant/base/check.h"
#include "sextant/base/hash.h"
#include "sextant/kernels/philox.h"

namespace sextant {
namespace {

// The finaliser of splitmix64 (Steele, Lea, Flood 2014): neighbouring seeds and names give unrelated keys.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// A random number in [0, n): the upper half of a 64 x 64 bit product. The bias is below n / 2^64.
uint64_t below(uint64_t bits, uint64_t n) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(bits) * n) >> 64);
}

}  // namespace

Rng::Rng(uint64_t seed) : key_(mix(seed)) {}

uint64_t Rng::take(int64_t blocks) { return std::exchange(position_, position_ + static_cast<uint64_t>(blocks)); }

Tensor Rng::normal(at::IntArrayRef shape) {
  Tensor out = at::empty(shape, at::kFloat);
  const int64_t count = out.numel();
  kernels::philox_normal(key_, take(kernels::philox_float_blocks(count)), out.data_ptr<float>(), count);
  return out;
}

Tensor Rng::uniform(at::IntArrayRef shape) {
  Tensor out = at::empty(shape, at::kFloat);
  const int64_t count = out.numel();
  kernels::philox_uniform(key_, take(kernels::philox_float_blocks(count)), out.data_ptr<float>(), count);
  return out;
}

Tensor Rng::integers(int64_t low, int64_t high, at::IntArrayRef shape) {
  SEXTANT_CHECK(low < high, "[rng] integers need low < high; got [", low, ", ", high, ")");
  Tensor out = at::empty(shape, at::kLong);
  int64_t* numbers = out.data_ptr<int64_t>();
  const int64_t count = out.numel();
  kernels::philox_bits64(key_, take(kernels::philox_bits64_blocks(count)), reinterpret_cast<uint64_t*>(numbers), count);
  const uint64_t span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  for (int64_t i = 0; i < count; ++i)
    numbers[i] = static_cast<int64_t>(static_cast<uint64_t>(low) + below(static_cast<uint64_t>(numbers[i]), span));
  return out;
}

// Fisher-Yates.
Tensor Rng::permutation(int64_t n) {
  Tensor out = at::empty({n}, at::kLong);
  int64_t* order = out.data_ptr<int64_t>();
  std::iota(order, order + n, int64_t{0});
  const Tensor bits = at::empty({n}, at::kLong);
  auto* random = reinterpret_cast<uint64_t*>(bits.data_ptr<int64_t>());
  kernels::philox_bits64(key_, take(kernels::philox_bits64_blocks(n)), random, n);
  for (int64_t i = n - 1; i > 0; --i) std::swap(order[i], order[below(random[i], static_cast<uint64_t>(i) + 1)]);
  return out;
}

uint64_t Rng::bits() {
  uint64_t value = 0;
  kernels::philox_bits64(key_, take(kernels::philox_bits64_blocks(1)), &value, 1);
  return value;
}

Rng Rng::split(std::string_view stream) const { return Rng(FromKey{}, mix(key_ ^ mix(fnv1a(stream)))); }
Rng Rng::split(uint64_t number) const { return Rng(FromKey{}, mix(key_ ^ mix(~number))); }

}  // namespace sextant
