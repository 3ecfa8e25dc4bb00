// Counter-based random numbers (Philox 4x32-10; Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2,
// 3", 2011). Block b of a stream is the cipher of the counter (b, 0) under the 64-bit key: four 32-bit words. Every
// function fills `out` from the blocks first, first + 1, …; the result depends on key and first only, not on the thread
// count.
#pragma once

#include <cstdint>

namespace sextant::kernels {

// Blocks that `count` numbers take: four floats a block, two 64-bit integers a block.
constexpr int64_t philox_float_blocks(int64_t count) { return (count + 3) / 4; }
constexpr int64_t philox_bits64_blocks(int64_t count) { return (count + 1) / 2; }

// One block, in three plain lines a round: the reference that the fast paths are tested against (and the published
// vectors).
void philox_block(uint64_t key, uint64_t block, uint32_t out[4]);

void philox_uniform(uint64_t key, uint64_t first, float* out, int64_t count);    // [0,1), multiples of 2^-24
void philox_normal(uint64_t key, uint64_t first, float* out, int64_t count);     // N(0,1) by Box-Muller
void philox_bits64(uint64_t key, uint64_t first, uint64_t* out, int64_t count);  // 64 random bits each

}  // namespace sextant::kernels
