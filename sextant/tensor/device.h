// Where tensors live and how that device multiplies: what results are recorded with.
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace sextant {

// On CUDA convolutions of float32 multiply in float32, unless TF32 is allowed here: factors rounded to 10 bits of
// mantissa, several times as fast. LibTorch itself allows it from the start. For the whole process; the CPU knows no
// TF32 and does not change.
void allow_tf32(bool allowed);
bool tf32_allowed();

// "cpu", or such as "cuda (NVIDIA H100, TF32)".
std::string device_text(at::Device device);

}  // namespace sextant
