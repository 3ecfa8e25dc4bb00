#include "sextant/data/zip.h"

#include <gtest/gtest.h>

#include "sextant/base/files.h"
#include "sextant/data/test_support.h"

namespace sextant {
namespace {

// Made by PyTorch, whose writer uses ZIP64 and pads members (tests/goldens/state_dict.py).
std::string pytorch_archive() { return read_file("tests/fuzz/corpus/pytorch/archive.pth"); }

std::string refusal(const std::string& bytes) {
  return error_text([&] { read_stored_zip(bytes, "set.zip"); });
}

// One member, stored; every number where PKWARE's note has it.
std::string small_zip(char method = 0) {
  const std::string name = "a", content = "abc", crc("\xc2\x41\x24\x35", 4), three("\3\0\0\0", 4);
  const std::string shared = std::string("\0\0", 2) + method + std::string("\0\0\0\0\0", 5) + crc + three + three;
  const std::string local = "PK\3\4" + std::string("\x14\0", 2) + shared + std::string("\1\0\0\0", 4) + name + content;
  const std::string entry = "PK\1\2" + std::string("\x14\0\x14\0", 4) + shared + std::string("\1\0", 2) +
                            std::string(16, '\0') + name;  // its header is at byte 0
  std::string end = "PK\5\6" + std::string("\0\0\0\0\1\0\1\0", 8);
  end += std::string(1, static_cast<char>(entry.size())) + std::string(3, '\0');
  end += std::string(1, static_cast<char>(local.size())) + std::string(3, '\0') + std::string(2, '\0');
  return local + entry + end;
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
}

TEST(Zip, CutShortAndDamagedArchivesAreRefused) {
  const std::string sound = small_zip(), archive = pytorch_archive();
  for (size_t size = 0; size < sound.size(); ++size) EXPECT_NE(refusal(sound.substr(0, size)), "") << size;
  for (size_t size = 0; size < archive.size(); size += 7) EXPECT_NE(refusal(archive.substr(0, size)), "") << size;
  std::string flipped = sound;
  flipped[sound.find("abc")] ^= 1;
  EXPECT_TRUE(has(refusal(flipped), "the checksum of a is wrong"));
}

}  // namespace
}  // namespace sextant
