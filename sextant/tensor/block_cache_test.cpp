#include "sextant/tensor/block_cache.h"

#include <ATen/ATen.h>
#include <c10/core/Allocator.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

namespace sextant {
namespace {

constexpr size_t kMegabyte = size_t{1} << 20;

TEST(BlockCache, AFreedBlockServesTheNextRequestOfItsSize) {
  BlockCache cache;
  for (const size_t bytes : {size_t{70'000}, kMegabyte, 5 * kMegabyte + 123}) {
    void* first = cache.take(bytes);
    EXPECT_EQ(reinterpret_cast<size_t>(first) % 64, 0u);
    std::memset(first, 7, bytes);
    EXPECT_TRUE(cache.give(first));
    void* other = cache.take(2 * bytes);
    EXPECT_NE(other, first);
    EXPECT_EQ(cache.take(bytes), first);
    EXPECT_TRUE(cache.give(first));
    EXPECT_TRUE(cache.give(other));
    EXPECT_FALSE(cache.give(other)) << "it is not out any more";
  }
}

// Whatever the order of requests: live and idle bytes together stay below twice the largest sum of live bytes so far,
// or 32 MB above it.
TEST(BlockCache, NeverHoldsMoreThanTwiceWhatWasEverLive) {
  BlockCache cache;
  uint64_t state = 1;
  const auto draw = [&](uint64_t below) {  // Knuth's MMIX generator
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
  };
  std::vector<std::pair<void*, size_t>> live;
  size_t most = 0;
  for (int i = 0; i < 3000; ++i) {
    if (live.empty() || (draw(2) && live.size() < 30)) {
      const size_t bytes = (1 + draw(24)) * kMegabyte;
      live.emplace_back(cache.take(bytes), bytes);
    } else {
      std::swap(live[draw(live.size())], live.back());
      cache.give(live.back().first);
      live.pop_back();
    }
    most = std::max(most, cache.live_bytes());
    ASSERT_LE(cache.live_bytes() + cache.idle_bytes(), most + std::max(32 * kMegabyte, most)) << i;
  }
  EXPECT_GT(cache.idle_bytes(), most / 3);  // and does not give back for nothing
  for (const auto& [block, bytes] : live) cache.give(block);
  EXPECT_EQ(cache.live_bytes(), 0u);
}

TEST(BlockCache, ThreadsNeverShareABlock) {
  BlockCache cache;
  std::vector<std::thread> threads;
  std::atomic<int> torn = 0;
  for (unsigned char id = 1; id <= 4; ++id)
    threads.emplace_back([&cache, &torn, id] {
      for (int i = 0; i < 400; ++i) {
        const size_t bytes = (1 + static_cast<size_t>(i) % 3) * kMegabyte;
        auto* block = static_cast<unsigned char*>(cache.take(bytes));
        block[0] = block[bytes / 2] = block[bytes - 1] = id;
        std::this_thread::yield();
        if (block[0] != id || block[bytes / 2] != id || block[bytes - 1] != id) ++torn;
        cache.give(block);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(torn, 0);
}

TEST(BlockCache, MoreThanThereIsThrowsAndCountsNothing) {
  BlockCache cache;
  EXPECT_THROW(cache.take(size_t{1} << 60), std::bad_alloc);
  EXPECT_EQ(cache.live_bytes(), 0u);
  std::vector<void*> blocks;  // nor does it widen what may lie idle
  for (size_t i = 0; i < 100; ++i) {
    blocks.push_back(cache.take((1 + i) * kMegabyte));
    cache.give(blocks.back());
  }
  EXPECT_LE(cache.idle_bytes(), 200 * kMegabyte);
}

TEST(BlockCache, IdleBlocksMakeWayBeforeItSaysThatThereIsNoMemory) {
  BlockCache cache;
  cache.give(cache.take(20 * kMegabyte));
  EXPECT_EQ(cache.idle_bytes(), 20 * kMegabyte);
  EXPECT_THROW(cache.take(size_t{1} << 60), std::bad_alloc);
  EXPECT_EQ(cache.idle_bytes(), 0u);
}

// As the program runs: LibTorch takes and frees memory by address alone, in oneDNN's convolutions for one.
TEST(CacheTensorMemory, LibTorchFreesWhatItTookWithoutAHandle) {
  cache_tensor_memory();
  c10::Allocator* allocator = c10::GetAllocator(c10::DeviceType::CPU);
  for (const size_t bytes : {size_t{1}, size_t{1000}, size_t{70'000}, 3 * kMegabyte}) {
    void* block = allocator->raw_allocate(bytes);
    std::memset(block, 7, bytes);
    allocator->raw_deallocate(block);
  }
  const at::Tensor y = at::conv2d(at::ones({4, 192, 17, 17}), at::ones({192, 192, 1, 7}), {}, 1, at::IntArrayRef{0, 3});
  EXPECT_EQ(y.max().item<float>(), 192 * 7);
}

}  // namespace
}  // namespace sextant
