#include "sextant/data/tar.h"

#include <gtest/gtest.h>

#include "sextant/data/test_support.h"

namespace sextant {
namespace {

const std::map<std::string, int64_t> kWanted{{"a.bin", 3}, {"b.bin", 600}};
const std::string kEnd(1024, '\0');
const std::string kSound = tar_member("dir/a.bin", "aaa") + tar_member("dir/readme", "hello") +
                           tar_member("dir/", "", '5') + tar_member("b.bin", std::string(600, 'b')) + kEnd;

std::string refusal(const std::string& bytes) {
  return error_text([&] { untar(bytes, kWanted, "set.tar"); });
}

TEST(Tar, TakesTheWantedFilesAndNothingElse) {
  const auto files = untar(kSound, kWanted, "x");
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files.at("a.bin"), "aaa");
  EXPECT_EQ(files.at("b.bin"), std::string(600, 'b'));
}

TEST(Tar, MissingRepeatedMisshapenAndLinkedFilesAreRefused) {
  EXPECT_TRUE(has(refusal(tar_member("a.bin", "aaa") + kEnd), "set.tar lacks b.bin"));
  EXPECT_TRUE(has(refusal(""), "lacks a.bin"));
  EXPECT_TRUE(has(refusal(tar_member("a.bin", "aaa") + kSound), "a.bin comes twice"));
  EXPECT_TRUE(has(refusal(tar_member("a.bin", "aaaa") + kEnd), "a.bin has 4 bytes"));
  EXPECT_TRUE(
      has(refusal(tar_member("a.bin", "", '2') + tar_member("b.bin", std::string(600, 'b')) + kEnd), "lacks a.bin"));
}

TEST(Tar, CutShortOrDamagedIsRefused) {
  const size_t needed = kSound.size() - kEnd.size() - 424;  // the padding behind the last file may be missing
  for (size_t size = 0; size < needed; size += 100) EXPECT_NE(refusal(kSound.substr(0, size)), "") << size;
  std::string damaged = kSound;
  damaged[3] ^= 1;
  EXPECT_TRUE(has(refusal(damaged), "header at byte 0 is damaged"));
  damaged = kSound;
  damaged[130] = '8';  // no octal digit in the size
  EXPECT_TRUE(has(refusal(damaged), "is damaged"));
}

}  // namespace
}  // namespace sextant
