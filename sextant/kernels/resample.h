// Changing the resolution of channels_last activations, fused with what the U-Net does around it. Kernels write each
// number once and do not depend on the number of threads.
#pragma once

#include <cstdint>

namespace sextant::kernels {

// y [N,H/2,W/2,C] = the largest of each 2x2 square of x [N,H,W,C], H and W at least 2; an odd last row or column is
// left out, its gradient is 0. `place`, as large as y, remembers which: 0..3 in reading order, the first of equals; NaN
// counts as the largest, as in LibTorch.
struct PoolShape {
  int64_t batch, height, width, channels;  // of x
};
void max_pool(const PoolShape& shape, const float* x, float* y, uint8_t* place);
void max_pool_backward(const PoolShape& shape, const float* dy, const uint8_t* place, float* dx);

// y [N,H,W,C1+C2] = nearest-neighbour enlargement of low [N,H/f,W/f,C1], then skip [N,H,W,C2], pixel by pixel.
struct ConcatShape {
  int64_t batch, height, width;  // of y; multiples of factor
  int64_t low_channels, skip_channels, factor = 2;
};
void upsample_concat(const ConcatShape& shape, const float* low, const float* skip, float* y);
// dlow sums the f x f pixels that a low one was copied to; dskip copies. Either may be null.
void upsample_concat_backward(const ConcatShape& shape, const float* dy, float* dlow, float* dskip);

// The same in plain loops.
void max_pool_reference(const PoolShape& shape, const float* x, float* y, uint8_t* place);
void max_pool_backward_reference(const PoolShape& shape, const float* dy, const uint8_t* place, float* dx);
void upsample_concat_reference(const ConcatShape& shape, const float* low, const float* skip, float* y);
void upsample_concat_backward_reference(const ConcatShape& shape, const float* dy, float* dlow, float* dskip);

}  // namespace sextant::kernels
