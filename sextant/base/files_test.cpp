#include "sextant/base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "sextant/base/check.h"
#include "sextant/base/hash.h"
#include "sextant/base/scratch.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;

TEST(Files, WriteThenReadGivesTheSameBytes) {
  const ScratchFolder scratch;
  const std::string bytes("a\0b\xff", 4);
  write_file(scratch.path() / "deep" / "er" / "file", bytes);
  EXPECT_EQ(read_file(scratch.path() / "deep" / "er" / "file"), bytes);
  write_file(scratch.path() / "deep" / "er" / "file", "new");
  EXPECT_EQ(read_file(scratch.path() / "deep" / "er" / "file"), "new");
}

TEST(Files, TooLargeMissingAndFolderAreRefused) {
  const ScratchFolder scratch;
  write_file(scratch.path() / "file", "12345");
  EXPECT_THROW(read_file(scratch.path() / "file", 4), Error);
  EXPECT_THROW(read_file(scratch.path() / "absent"), Error);
  EXPECT_THROW(read_file(scratch.path()), Error);
}

TEST(Files, NewFolderAppearsOnlyWhenCommitted) {
  const ScratchFolder scratch;
  const fs::path target = scratch.path() / "checkpoint";
  {
    NewFolder folder(target);
    write_file(folder.path() / "a", "1");
    EXPECT_TRUE(is_leftover(folder.path()));
  }
  EXPECT_TRUE(fs::is_empty(scratch.path()));
  NewFolder folder(target);
  write_file(folder.path() / "a", "1");
  folder.commit();
  EXPECT_EQ(read_file(target / "a"), "1");
}

TEST(Files, AFailedWriteLeavesTheOldFile) {
  const ScratchFolder scratch;
  const fs::path file = scratch.path() / std::string(250, 'x');  // no room for the longer name beside
  std::ofstream(file) << "old";
  EXPECT_THROW(write_file(file, "new"), Error);
  EXPECT_EQ(read_file(file), "old");
}

// Two containers that share a disk have the same process numbers.
TEST(Files, TwoWritersNeverMeetInOnePlaceBeside) {
  const ScratchFolder scratch;
  NewFolder one(scratch.path() / "folder"), two(scratch.path() / "folder");
  EXPECT_NE(one.path(), two.path());
  EXPECT_TRUE(is_leftover(one.path()) && is_leftover(two.path()));
}

TEST(Files, APipeIsRefusedAtOnce) {
  const ScratchFolder scratch;
  ASSERT_EQ(::mkfifo((scratch.path() / "pipe").c_str(), 0600), 0);
  EXPECT_THROW(read_file(scratch.path() / "pipe"), Error);
}

TEST(FolderLock, ASecondProcessIsToldWhoHoldsIt) {
  const ScratchFolder scratch;
  const FolderLock lock(scratch.path());
  const pid_t child = ::fork();
  if (child == 0) {
    int verdict = 1;
    try {
      const FolderLock second(scratch.path());
    } catch (const Error& error) {
      verdict = std::string(error.what()).find(concat("process ", ::getppid())) != std::string::npos ? 0 : 2;
    }
    ::_exit(verdict);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Hash, PublishedVectors) {
  // FIPS 180-2 and RFC 1321 test vectors; RFC 3720 appendix B.4 for CRC-32C; the FNV reference's own vector.
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(md5_hex("abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(fnv1a("foobar"), 0x85944171f73967e8u);
}

}  // namespace
}  // namespace sextant
