#include "sextant/tensor/device.h"

#include <gtest/gtest.h>

#include "sextant/tensor/rng.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

class Tf32 : public testing::Test {
 protected:
  void TearDown() override { allow_tf32(false); }
};

TEST_F(Tf32, IsAllowedOnlyWhereItWasAskedForAndNamedBesideCuda) {
  for (const bool allowed : {true, false}) {
    allow_tf32(allowed);
    EXPECT_EQ(tf32_allowed(), allowed);
    EXPECT_EQ(device_text(at::kCPU), "cpu");
    EXPECT_EQ(device_text(at::kCUDA).find("TF32") != std::string::npos, allowed);
    EXPECT_EQ(device_text(at::kCUDA).find("cuda ("), 0u);
  }
}

// Factors of 10 bits: errors of about 2^-11, where float32 has 2^-24.
TEST_F(Tf32, RoundsConvolutionsOnAGpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "LibTorch sees no CUDA device";
  const Tensor x = Rng(1).normal({8, 64, 16, 16}), w = Rng(2).normal({64, 64, 3, 3});
  const Tensor exact = at::conv2d(x.to(at::kDouble), w.to(at::kDouble));
  const auto error = [&](bool allowed) {
    allow_tf32(allowed);
    const Tensor y = at::conv2d(x.to(at::kCUDA), w.to(at::kCUDA)).to(at::kCPU, at::kDouble);
    return ((y - exact).norm() / exact.norm()).item<double>();
  };
  EXPECT_LT(error(false), 1e-5);
  EXPECT_GT(error(true), 1e-5);
}

}  // namespace
}  // namespace sextant
