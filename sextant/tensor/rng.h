// The only source of randomness. A counter-based generator (Philox 4x32-10, Salmon et al. 2011): a stream is a 64-bit
// key and a 64-bit position, so saving, splitting and skipping are exact and cheap, and a draw depends on neither the
// number of threads nor the device: numbers are made on the CPU and copied where they are needed. Equal seeds give
// equal bytes on CPUs of one kind; between kinds the normal draws may differ in the last bit.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

namespace sextant {

using at::Tensor;

class Rng {
 public:
  explicit Rng(uint64_t seed);

  Tensor normal(at::IntArrayRef shape);                               // float32, N(0,1)
  Tensor uniform(at::IntArrayRef shape);                              // float32 in [0,1)
  Tensor integers(int64_t low, int64_t high, at::IntArrayRef shape);  // int64 in [low, high); needs low < high
  Tensor permutation(int64_t n);                                      // int64 [n], each order equally likely
  uint64_t bits();                                                    // 64 random bits

  // An independent stream that depends on this stream's key and the name only, never on the position.
  Rng split(std::string_view stream) const;
  Rng split(uint64_t number) const;

 private:
  struct FromKey {};
  Rng(FromKey, uint64_t key) : key_(key) {}
  uint64_t take(int64_t blocks);  // reserves so many counters and returns the first
  uint64_t key_, position_ = 0;   // position counts blocks of four 32-bit words
};

}  // namespace sextant
