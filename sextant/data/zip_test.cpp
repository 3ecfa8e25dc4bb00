#include "sextant/data/zip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "sextant/base/files.h"
#include "sextant/data/test_support.h"

namespace sextant {
namespace {

// Made by PyTorch, whose writer uses ZIP64 and pads members (tests/goldens/state_dict.py).
std::string pytorch_archive() { return read_file("tests/fuzz/corpus/pytorch/archive.pth"); }

std::string refusal(const std::string& bytes) {
  return error_text([&] { read_stored_zip(bytes, "set.zip"); });
}

std::string little(uint64_t number, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(number >> 8 * i & 255);
  return text;
}

// One member, stored, that the directory lists once for each letter of `names`; every number where PKWARE's note has
// it.
std::string small_zip(char method = 0, const std::string& content = "abc", const std::string& names = "a") {
  const std::string crc = little(::crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()), 4),
                    size = little(content.size(), 4);
  const std::string shared =
      concat(little(0, 2), little(static_cast<uint64_t>(method), 2), little(0, 4), crc, size, size);
  const std::string local = concat("PK\3\4", little(20, 2), shared, little(1, 2), little(0, 2), "a", content);
  std::string directory;
  for (const char name : names)  // each says that its header is at byte 0
    directory += concat("PK\1\2", little(20, 2), little(20, 2), shared, little(1, 2), std::string(16, '\0'), name);
  return concat(local, directory, "PK\5\6", little(0, 4), little(names.size(), 2), little(names.size(), 2),
                little(directory.size(), 4), little(local.size(), 4), little(0, 2));
}

TEST(Zip, ReadsWhatPyTorchWrites) {
  const std::string archive = pytorch_archive();
  const auto members = read_stored_zip(archive, "x");
  EXPECT_EQ(members.at("archive/byteorder"), "little");
  EXPECT_TRUE(members.contains("archive/data.pkl"));
}

TEST(Zip, ReadsAPlainArchiveAndRefusesACompressedOne) {
  const std::string sound = small_zip();
  const auto members = read_stored_zip(sound, "x");
  ASSERT_EQ(members.size(), 1u);
  EXPECT_EQ(members.at("a"), "abc");
  EXPECT_TRUE(has(refusal(small_zip(8)), "a is compressed or encrypted"));
  EXPECT_TRUE(has(refusal(small_zip(0, "abc", "aa")), "a comes twice"));
}

TEST(Zip, CutShortAndDamagedArchivesAreRefused) {
  const std::string sound = small_zip(), archive = pytorch_archive();
  for (size_t size = 0; size < sound.size(); ++size) EXPECT_NE(refusal(sound.substr(0, size)), "") << size;
  for (size_t size = 0; size < archive.size(); size += 7) EXPECT_NE(refusal(archive.substr(0, size)), "") << size;
  std::string flipped = sound;
  flipped[sound.find("abc")] ^= 1;
  EXPECT_TRUE(has(refusal(flipped), "the checksum of a is wrong"));
}

// Or a small file would keep the reader summing the same bytes for hours.
TEST(Zip, MembersThatShareBytesAreRefused) {
  const std::string content(1000, 'x');
  EXPECT_EQ(read_stored_zip(small_zip(0, content, "a"), "x").at("a"), content);
  EXPECT_TRUE(has(refusal(small_zip(0, content, "ab")), "damaged"));
}

}  // namespace
}  // namespace sextant
