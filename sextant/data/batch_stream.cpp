#include "sextant/data/batch_stream.h"

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>

#include "sextant/base/check.h"
#include "sextant/tensor/shape.h"

namespace sextant {
namespace {

// One pass over `count` bytes; `flip_row` > 0 mirrors each row of so many. Divisions, not products with reciprocals:
// 255 and 127.5 then give exactly 1 and 0. The loops without a mirror are left to the vectoriser.
template <class Convert>
void convert_bytes(const uint8_t* in, float* out, int64_t count, int64_t flip_row, const Convert& convert) {
  if (flip_row == 0) {
    for (int64_t i = 0; i < count; ++i) out[i] = convert(static_cast<float>(in[i]));
    return;
  }
  for (int64_t row = 0; row < count; row += flip_row)
    for (int64_t i = 0; i < flip_row; ++i) out[row + i] = convert(static_cast<float>(in[row + flip_row - 1 - i]));
}

void to_range(const uint8_t* in, float* out, int64_t count, int64_t flip_row, PixelRange range) {
  if (range == PixelRange::kUnit) {
    convert_bytes(in, out, count, flip_row, [](float byte) { return byte / 255.0f; });
  } else {
    convert_bytes(in, out, count, flip_row, [](float byte) { return byte / 127.5f - 1.0f; });
  }
}

constexpr int64_t kPixelsWorthAThread = 1 << 15;  // fewer are converted sooner than a thread wakes

// The items `rows` of a split; `mirror` is null or tells for each item whether to flip it.
Batch gather(const Split& split, const int64_t* rows, int64_t count, PixelRange range, const bool* mirror) {
  const Tensor& x = split.x;
  std::vector<int64_t> shape = x.sizes().vec();
  shape[0] = count;
  const int64_t item = x.numel() / x.size(0), width = x.size(-1);
  Batch batch{.x = at::empty(shape, at::kFloat), .labels = {}};
  float* out = batch.x.data_ptr<float>();
  if (x.scalar_type() == at::kByte) {
    const uint8_t* in = x.const_data_ptr<uint8_t>();
    at::parallel_for(0, count, std::max<int64_t>(1, kPixelsWorthAThread / item), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        to_range(in + rows[i] * item, out + i * item, item, mirror != nullptr && mirror[i] ? width : 0, range);
    });
  } else {
    const float* in = x.const_data_ptr<float>();
    for (int64_t i = 0; i < count; ++i) std::copy_n(in + rows[i] * item, item, out + i * item);
  }
  if (split.labels.defined()) {
    batch.labels = at::empty({count}, at::kLong);
    const int64_t* in = split.labels.const_data_ptr<int64_t>();
    std::transform(rows, rows + count, batch.labels.data_ptr<int64_t>(), [in](int64_t row) { return in[row]; });
  }
  return batch;
}

void check_split(const Split& split) {
  const Tensor& x = split.x;
  SEXTANT_CHECK(x.defined() && x.dim() >= 2 && x.size(0) > 0 && x.is_contiguous() &&
                    (x.scalar_type() == at::kByte || x.scalar_type() == at::kFloat),
                "[batches] a split must hold contiguous bytes or floats [N,…]; got ", shape_text(x));
  SEXTANT_CHECK(!split.labels.defined() || (split.labels.scalar_type() == at::kLong && split.labels.is_contiguous() &&
                                            split.labels.dim() == 1 && split.labels.size(0) == x.size(0)),
                "[batches] labels must be int64 [", x.size(0), "]; got ", shape_text(split.labels));
}

}  // namespace

Batch slice(const Split& split, int64_t first, int64_t count, PixelRange range) {
  check_split(split);
  SEXTANT_CHECK(first >= 0 && count >= 1 && first <= split.size() - count, "[batches] items ", first, " to ",
                first + count - 1, " asked of a split of ", split.size());
  const Tensor rows = at::arange(first, first + count, at::kLong);
  return gather(split, rows.const_data_ptr<int64_t>(), count, range, nullptr);
}

Tensor to_model_range(const Tensor& x, PixelRange range) {
  if (x.is_floating_point()) return x;
  SEXTANT_CHECK(x.scalar_type() == at::kByte, "[batches] expected bytes or floats; got another type of ",
                shape_text(x));
  const Tensor bytes = x.contiguous();
  Tensor out = at::empty(x.sizes(), at::kFloat);
  to_range(bytes.const_data_ptr<uint8_t>(), out.data_ptr<float>(), bytes.numel(), 0, range);
  return out;
}

BatchStream::BatchStream(const Split& split, const StreamConfig& config, PixelRange range, const Rng& rng)
    : split_(split), config_(config), range_(range), rng_(rng) {
  check_split(split);
  SEXTANT_USAGE_CHECK(config.batch_size >= 1, "[batches] batch_size is ", config.batch_size, "; give 1 or more");
  SEXTANT_USAGE_CHECK(!config.drop_last || config.batch_size <= split.size(), "[batches] no batch of ",
                      config.batch_size, " can be made of ", split.size(),
                      " items; lower batch_size or set drop_last to false");
  SEXTANT_USAGE_CHECK(!config.flip || split.x.dim() == 4, "[batches] only pictures can be mirrored; set flip to false");
}

int64_t BatchStream::batches_per_epoch() const {
  const int64_t size = split_.size(), batch = config_.batch_size;
  return config_.drop_last ? size / batch : (size + batch - 1) / batch;
}

Batch BatchStream::next() {
  const int64_t epoch = position_ / batches_per_epoch(), number = position_ % batches_per_epoch();
  const Rng rng = rng_.split(static_cast<uint64_t>(epoch));
  if (epoch != epoch_) {
    order_ = Rng(rng).permutation(split_.size());
    epoch_ = epoch;
  }
  const int64_t first = number * config_.batch_size, count = std::min(config_.batch_size, split_.size() - first);
  Tensor mirror;
  if (config_.flip) {
    const Tensor coin = rng.split("flip").split(static_cast<uint64_t>(number)).uniform({count});
    mirror = coin.lt(0.5);
  }
  ++position_;
  return gather(split_, order_.const_data_ptr<int64_t>() + first, count, range_,
                config_.flip ? mirror.const_data_ptr<bool>() : nullptr);
}

void BatchStream::seek(int64_t position) {
  SEXTANT_CHECK(position >= 0, "[batches] can't go to batch ", position);
  position_ = position;
}

}  // namespace sextant
