// The elementwise half of an affine coupling layer (Dinh et al. 2017, eq. 4, 5 and 7) with a bounded scale:
//   s = scale tanh(h_s),  y = x exp(s) + t where mask = 0,  y = x where mask = 1,  log|det| = sum of s where mask = 0
// in one pass over memory. x, y [N,P,C]: P pixels of C channels (a point of the plane is one pixel); h [N,P,2C] holds,
// for each pixel, h_s of its channels and then t; scale [C]; mask [P,C] of zeros and ones. Rows are shared among
// threads in fixed pieces, so results do not depend on their number.
#pragma once

#include <cstdint>

namespace sextant::kernels {

struct CouplingShape {
  int64_t batch, pixels, channels;
};

// log_det [N], nats; summed in double.
void coupling_forward(const CouplingShape& shape, const float* x, const float* h, const float* scale, const float* mask,
                      float* y, float* log_det);

// From dy [N,P,C] and dlog_det [N]: dx [N,P,C], dh [N,P,2C] and dscale [C]. dx is the gradient on this path only: h
// depends on the masked x too.
void coupling_backward(const CouplingShape& shape, const float* x, const float* h, const float* scale,
                       const float* mask, const float* dy, const float* dlog_det, float* dx, float* dh, float* dscale);

// The same in plain loops in double.
void coupling_forward_reference(const CouplingShape& shape, const float* x, const float* h, const float* scale,
                                const float* mask, float* y, float* log_det);
void coupling_backward_reference(const CouplingShape& shape, const float* x, const float* h, const float* scale,
                                 const float* mask, const float* dy, const float* dlog_det, float* dx, float* dh,
                                 float* dscale);

}  // namespace sextant::kernels
