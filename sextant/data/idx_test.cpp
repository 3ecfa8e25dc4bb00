#include "sextant/data/idx.h"

#include <gtest/gtest.h>

#include "sextant/data/gzip.h"
#include "sextant/data/test_support.h"

namespace sextant {
namespace {

const std::string kSound = idx_of({2, 3}, "abcdef");

std::string refusal(const std::string& bytes) {
  const std::string text = error_text([&] { parse_idx(bytes, "images.idx"); });
  EXPECT_TRUE(text.empty() || has(text, "images.idx")) << text;
  return text;
}

TEST(Idx, PlainAndCompressedGiveTheSameArray) {
  for (const std::string& bytes : {kSound, gzip_of(kSound)}) {
    const IdxArray array = parse_idx(bytes, "x");
    EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(array.elements(), "abcdef");
    EXPECT_EQ(array.plain, kSound);
  }
}

TEST(Idx, CutShortAnywhereIsRefused) {
  const std::string packed = gzip_of(kSound);
  for (size_t size = 0; size < kSound.size(); ++size) EXPECT_NE(refusal(kSound.substr(0, size)), "") << size;
  for (size_t size = 0; size < packed.size(); ++size) EXPECT_NE(refusal(packed.substr(0, size)), "") << size;
}

TEST(Idx, TooLongIsRefused) {
  EXPECT_TRUE(has(refusal(kSound + "g"), "its header says"));
  EXPECT_TRUE(has(refusal(gzip_of(kSound + "g")), "more than the"));
  EXPECT_TRUE(has(refusal(gzip_of(kSound) + "g"), "after its end"));
}

TEST(Idx, AnotherTypeIsRefused) {
  std::string floats = kSound;
  floats[2] = 0x0d;
  EXPECT_TRUE(has(refusal(floats), "elements of type 13"));
  EXPECT_TRUE(has(refusal(gzip_of(floats)), "elements of type 13"));
  EXPECT_TRUE(has(refusal("{\"this\": \"is JSON\"}"), "no IDX file"));
  EXPECT_TRUE(has(refusal(idx_of({}, "")), "0 dimensions"));
  EXPECT_TRUE(has(refusal(idx_of({1, 1, 1, 1, 1}, "a")), "5 dimensions"));
}

TEST(Idx, HugeCountsAreRefusedBeforeAnyMemoryIsTaken) {
  EXPECT_TRUE(has(refusal(idx_of({4294967295u, 4294967295u, 4294967295u}, "")), "claims more than"));
  EXPECT_TRUE(has(refusal(idx_of({4000000000u}, "abc")), "its header says 4000000008"));
  EXPECT_TRUE(has(refusal(gzip_of(idx_of({4000000000u}, "abc"))), "its header says 4000000008"));
}

TEST(Idx, AFlippedBitInACompressedFileNeverGivesOtherContent) {
  const std::string sound = idx_of({20, 20}, std::string(400, 'x')), packed = gzip_of(sound);
  size_t refused = 0;
  constexpr size_t kHeader = 10;  // its flags, time and system carry no check
  for (size_t bit = kHeader * 8; bit < packed.size() * 8; ++bit) {
    std::string flipped = packed;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    std::string content = sound;  // a few bits are padding
    const std::string text = error_text([&] { content = parse_idx(flipped, "x").plain; });
    refused += text.empty() ? 0 : 1;
    EXPECT_EQ(content, sound) << "bit " << bit;
  }
  EXPECT_GT(refused, (packed.size() - kHeader) * 8 * 9 / 10);
}

TEST(Gzip, ContentRoundTripsAndMembersAreJoined) {
  const std::string content(100000, 'a');
  EXPECT_EQ(gunzip(gzip_of(content), content.size(), "x"), content);
  EXPECT_EQ(gunzip(gzip_of("one ") + gzip_of("two"), 100, "x"), "one two");
  EXPECT_EQ(gunzip(gzip_of(""), 0, "x"), "");
  EXPECT_EQ(gunzip_head(gzip_of(content), 5, "x"), "aaaaa");
  EXPECT_EQ(gunzip_head(gzip_of("ab"), 5, "x"), "ab");
}

TEST(Gzip, ABombStopsAtTheLimit) {
  const std::string bomb = gzip_of(std::string(10'000'000, '\0'));
  EXPECT_LT(bomb.size(), 20000u);
  EXPECT_TRUE(has(error_text([&] { gunzip(bomb, 1000, "bomb.gz"); }), "bomb.gz unpacks to more than the 1000 bytes"));
}

}  // namespace
}  // namespace sextant
