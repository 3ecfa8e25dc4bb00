// The order in which a split is read, for ever, resumable at any batch.
#pragma once

#include "sextant/base/fields.h"
#include "sextant/data/dataset.h"
#include "sextant/tensor/rng.h"

namespace sextant {

// Range of the numbers that a model sees. Points of the plane are passed on as they are.
enum class PixelRange { kUnit, kSymmetric };  // [0,1], [-1,1]
constexpr auto enum_names(PixelRange) {
  return std::array{std::pair{PixelRange::kUnit, "unit"}, std::pair{PixelRange::kSymmetric, "symmetric"}};
}

// x float32 [B,…] in the model's range; labels int64 [B] or undefined.
struct Batch {
  Tensor x;
  Tensor labels;
};

// Items `first` … `first + count - 1` of a split in file order, converted to the model's range.
Batch slice(const Split& split, int64_t first, int64_t count, PixelRange range);

// Bytes to the model's range, uint8 -> float32; floats pass.
Tensor to_model_range(const Tensor& x, PixelRange range);

struct StreamConfig {
  int64_t batch_size = 128;
  bool drop_last = false;  // leave out the last, smaller batch of an epoch
  bool flip = false;       // mirror pictures left to right with probability 1/2
};

// A BatchStream yields shuffled batches for ever, each epoch in a new order that depends only on the seed and the
// number of the epoch. The split must outlive it. One stream belongs to one thread.
class BatchStream {
 public:
  // Throws UsageError unless 1 <= batch_size, and batch_size <= split.size() where drop_last.
  BatchStream(const Split& split, const StreamConfig& config, PixelRange range, const Rng& rng);

  int64_t batches_per_epoch() const;
  Batch next();
  // Number of batches handed out so far; seek(n) makes next() return batch n, whatever came before.
  int64_t position() const { return position_; }
  void seek(int64_t position);

 private:
  const Split& split_;
  StreamConfig config_;
  PixelRange range_;
  Rng rng_;
  int64_t position_ = 0;
  int64_t epoch_ = -1;  // of order_
  Tensor order_;        // int64 [N]
};

}  // namespace sextant
