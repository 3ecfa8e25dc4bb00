#include "sextant/data/shapes.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "sextant/base/check.h"

namespace sextant {
namespace {

TEST(Shapes, ClassesAreEvenAndPicturesAreThere) {
  const Dataset dataset = make_shapes(200, 50);
  EXPECT_EQ(dataset.train.x.sizes(), (std::vector<int64_t>{200, 3, 32, 32}));
  EXPECT_EQ(dataset.test.x.sizes(), (std::vector<int64_t>{50, 3, 32, 32}));
  EXPECT_EQ(dataset.classes, 10);
  EXPECT_TRUE(dataset.train.labels.bincount().eq(20).all().item<bool>());
  // Each picture shows something: its channels vary by the least contrast at which shapes are drawn.
  const Tensor flat = dataset.train.x.flatten(2).to(at::kFloat);
  const Tensor contrast = (flat.amax(2) - flat.amin(2)).amax(1);
  EXPECT_GT(contrast.min().item<float>(), 0.3f * 255);
}

TEST(Shapes, AreTheSameEveryTimeAndDifferBetweenSplits) {
  const Dataset a = make_shapes(30, 30), b = make_shapes(30, 30);
  EXPECT_TRUE(at::equal(a.train.x, b.train.x));
  EXPECT_TRUE(at::equal(a.test.labels, b.test.labels));
  EXPECT_FALSE(at::equal(a.train.x, a.test.x));
  EXPECT_THROW(make_shapes(0, 1), UsageError);
}

}  // namespace
}  // namespace sextant
