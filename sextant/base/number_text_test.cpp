#include "sextant/base/number_text.h"

#include <gtest/gtest.h>

namespace sextant {
namespace {

TEST(NumberText, Durations) {
  EXPECT_EQ(duration_text(0.85), "850 ms");
  EXPECT_EQ(duration_text(59.96), "1 min 00 s");
  EXPECT_EQ(duration_text(133.2), "2 min 13 s");
  EXPECT_EQ(duration_text(3 * 3600 + 5 * 60 + 1), "3 h 05 min");
  EXPECT_EQ(duration_text(-1), "unknown");
}

}  // namespace
}  // namespace sextant
