// A logistic density over each pixel, integrated over the cell of its byte: a probability of the data as they are
// stored, so its code length is a number of bits (Salimans et al. 2017, section 2.1; Kingma et al. 2016, appendix).
#pragma once

#include <ATen/core/Tensor.h>

namespace sextant {

using at::Tensor;

// log P(x), summed over all but the first dimension: [B], nats. x holds bytes / 255 in [0,1]; the cell of a byte
// reaches 1/510 to both sides, those of 0 and 255 to infinity. P of a cell is F(upper) - F(lower) with F(v) =
// sigmoid((v - mean) / exp(log_scale)). mean has x's shape, log_scale one element. Throws Error on other shapes.
Tensor discretised_logistic_log_likelihood(const Tensor& x, const Tensor& mean, const Tensor& log_scale);

}  // namespace sextant
