#include "sextant/tensor/block_cache.h"

#include <ATen/core/Tensor.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace sextant {
namespace {

constexpr size_t kPage = size_t{1} << 12, kHugePage = size_t{1} << 21;
constexpr size_t kMapped = size_t{1} << 20;  // blocks from here on come from the system directly
constexpr size_t kLeastSlack = size_t{32} << 20;
constexpr size_t kSmallest = size_t{1} << 16;
constexpr size_t kAlignment = 64;

size_t rounded(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

// Large blocks begin on a huge page where they hold one: a step touches a gigabyte, in 500 pages instead of 250,000.
// Null where there is no memory.
void* map_block(size_t size) {
  const size_t alignment = size >= 2 * kHugePage ? kHugePage : kPage;
  void* raw = mmap(nullptr, size + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  char* const first = static_cast<char*>(raw);
  char* const block = reinterpret_cast<char*>(rounded(reinterpret_cast<size_t>(first), alignment));
  if (block > first) munmap(first, static_cast<size_t>(block - first));
  munmap(block + size, alignment - static_cast<size_t>(block - first));
  if (alignment == kHugePage) madvise(block, size, MADV_HUGEPAGE);
  return block;
}

void* from_system(size_t size) { return size >= kMapped ? map_block(size) : std::aligned_alloc(kAlignment, size); }

void to_system(void* block, size_t size) {
  if (size >= kMapped) {
    munmap(block, size);
  } else {
    std::free(block);
  }
}

}  // namespace

BlockCache::~BlockCache() {
  for (const auto& [size, blocks] : idle_blocks_)
    for (const Idle& idle : blocks) to_system(idle.block, size);
}

void* BlockCache::take(size_t bytes) {
  const size_t size = rounded(bytes, kPage);
  std::unique_lock lock(mutex_);
  live_ += size;
  void* block = nullptr;
  if (const auto same = idle_blocks_.find(size); same != idle_blocks_.end() && !same->second.empty()) {
    block = same->second.back().block;  // the last one freed: perhaps still in a cache of the CPU
    same->second.pop_back();
    idle_ -= size;
  } else {
    release(size, std::max({kLeastSlack, most_live_, live_}));
    lock.unlock();  // the system may take its time
    block = from_system(size);
    lock.lock();
    if (!block) {  // what lies idle may be just what is missing
      release(idle_, 0);
      block = from_system(size);
    }
    if (!block) {
      live_ -= size;
      throw std::bad_alloc();
    }
  }
  most_live_ = std::max(most_live_, live_);
  live_blocks_.emplace(block, size);
  return block;
}

bool BlockCache::give(void* block) {
  const std::lock_guard lock(mutex_);
  const auto found = live_blocks_.find(block);
  if (found == live_blocks_.end()) return false;
  const size_t size = found->second;
  live_blocks_.erase(found);
  idle_blocks_[size].push_back({.block = block, .since = clock_++});
  live_ -= size;
  idle_ += size;
  return true;
}

// Gives idle blocks back, the longest idle first, until `bytes` are free or only `slack` is left.
void BlockCache::release(size_t bytes, size_t slack) {
  for (size_t released = 0; released < bytes && idle_ > slack;) {
    auto oldest = idle_blocks_.end();
    for (auto at = idle_blocks_.begin(); at != idle_blocks_.end(); ++at)
      if (!at->second.empty() &&
          (oldest == idle_blocks_.end() || at->second.front().since < oldest->second.front().since))
        oldest = at;
    const size_t size = oldest->first;
    to_system(oldest->second.front().block, size);
    oldest->second.erase(oldest->second.begin());
    idle_ -= size;
    released += size;
  }
}

namespace {

BlockCache& process_cache() {
  static BlockCache* const cache = new BlockCache;  // outlives every tensor, static ones too
  return *cache;
}

class CachingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    if (bytes < kSmallest) return c10::GetDefaultCPUAllocator()->allocate(bytes);
    void* block = process_cache().take(bytes);
    return {block, block, &give_back, c10::Device(c10::DeviceType::CPU)};
  }
  // oneDNN's convolutions free their scratch memory by address alone, large or small.
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }

 private:
  static void give_back(void* block) {
    if (!process_cache().give(block)) c10::GetDefaultCPUAllocator()->raw_deallocate(block);
  }
};

}  // namespace

void cache_tensor_memory() { c10::SetCPUAllocator(new CachingAllocator, 1); }

}  // namespace sextant
