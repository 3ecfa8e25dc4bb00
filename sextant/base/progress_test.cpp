#include "sextant/base/progress.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sextant {
namespace {

TEST(Progress, ALineIsCutBetweenCharacters) {
  EXPECT_EQ(cut_to("abc", 5), "abc");
  EXPECT_EQ(cut_to("abc", 3), "abc");
  EXPECT_EQ(cut_to("abc", 2), "ab");
  EXPECT_EQ(cut_to("a\xce\xb2\xe2\x88\x92z", 3), "a\xce\xb2\xe2\x88\x92");  // a, beta, minus, z
  EXPECT_EQ(cut_to("a\xce\xb2", 1), "a");
  EXPECT_EQ(cut_to("abc", 0), "");
}

TEST(Progress, ADetailIsMadeOnlyWhenALineIsDueAndTheLastOneAlwaysIs) {
  testing::internal::CaptureStderr();
  int made = 0;
  {
    Progress progress("work", 1000, 0, 1.0);
    for (int i = 1; i <= 1000; ++i)
      progress.update(i, [&] {
        ++made;
        return std::string("detail");
      });
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_LE(made, 3);
  EXPECT_NE(text.find("work  100 %  detail"), std::string::npos) << text;
}

TEST(PhasedProgress, EachPhaseHasALineAndADoneOneIsNotShownAgain) {
  testing::internal::CaptureStderr();
  const auto detail = [] { return std::string("detail"); };
  PhasedProgress progress(false);
  progress.update("first", 0, 0, detail);  // the size is not known yet
  for (const int64_t done : {2, 2, 2}) progress.update("first", done, 2, detail);
  for (const int64_t done : {1, 3}) progress.update("second", done, 3, detail);
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::ranges::count(text, '%'), 2) << text;
  EXPECT_LT(text.find("first  100 %"), text.find("second  100 %")) << text;
}

TEST(Progress, AQuietOneSaysNothing) {
  testing::internal::CaptureStderr();
  Progress progress("work", 2, 0, 1.0, true);
  progress.update(2, [] { return std::string("detail"); });
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace sextant
