// The logistic likelihood of bytes (math/logistic.h): with rate r = 1 / scale and the ends a, b = (x ± h - mean) r of a
// byte's cell, h = 1/510,
//   -log P(x) = softplus(-a) + softplus(b) - log(1 - exp(-2 h r)),
// without the first term for x = 1, without the second for x = 0, and without the last for both. x [B,D] holds bytes /
// 255. Rows do not depend on the number of threads.
#pragma once

#include <cstdint>

namespace sextant::kernels {

// nll [B], nats, summed over D in double; `dmean` [B,D] its gradient by the mean, and dlog_scale [B] by the logarithm
// of the scale. rate > 0.
void logistic_nll(int64_t rows, int64_t columns, const float* x, const float* mean, double rate, double* nll,
                  float* dmean, double* dlog_scale);

// The same in plain loops in double.
void logistic_nll_reference(int64_t rows, int64_t columns, const float* x, const float* mean, double rate, double* nll,
                            float* dmean, double* dlog_scale);

}  // namespace sextant::kernels
