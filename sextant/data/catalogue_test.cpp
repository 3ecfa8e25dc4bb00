#include "sextant/data/catalogue.h"

#include <gtest/gtest.h>

#include "sextant/base/files.h"
#include "sextant/base/hash.h"
#include "sextant/base/scratch.h"
#include "sextant/data/cifar.h"
#include "sextant/data/test_server.h"
#include "sextant/data/test_support.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;
using catalogue::DataFile;
using catalogue::Row;

const std::string kImages = idx_of({2, 2, 2}, "abcdefgh"), kLabels = idx_of({2}, std::string("\1\0", 2));

// Two files in the form of MNIST.
Row small_row() {
  Row row;
  row.name = "small";
  row.format = catalogue::Format::kIdx;
  row.classes = 2;
  row.files = {{"images", static_cast<int64_t>(kImages.size()), md5_hex(kImages)},
               {"labels", static_cast<int64_t>(kLabels.size()), md5_hex(kLabels)}};
  row.folder = "small-files";
  return row;
}

const std::string kRecords = std::string(1, '\3') + std::string(kCifarPixels, 'p');
const std::string kArchive = gzip_of(tar_member("dir/batch.bin", kRecords) + std::string(1024, '\0'));

// One file in an archive, in the form of CIFAR-10.
Row archive_row() {
  Row row;
  row.name = "packed";
  row.format = catalogue::Format::kCifar;
  row.classes = 10;
  row.files = {{"batch.bin", static_cast<int64_t>(kRecords.size()), ""}};
  row.archive = {"packed.tar.gz", static_cast<int64_t>(kArchive.size()), md5_hex(kArchive)};
  return row;
}

// One file of weights that the mirrors serve as it is, known by its SHA-256.
Row weights_row() {
  Row row;
  row.name = "weights";
  row.format = catalogue::Format::kWeights;
  row.files = {{"net.pth", static_cast<int64_t>(kRecords.size()), "", sha256_hex(kRecords)}};
  row.served_ending = "";
  return row;
}

// Data folders of its own, whatever the machine has.
class Catalogue : public testing::Test {
 protected:
  Catalogue() {
    ::setenv("SEXTANT_DATA", home_.c_str(), 1);
    ::setenv("XDG_DATA_HOME", (scratch_.path() / "xdg").c_str(), 1);
  }
  ~Catalogue() override {
    ::unsetenv("SEXTANT_DATA");
    ::unsetenv("XDG_DATA_HOME");
  }
  const ScratchFolder scratch_;
  const fs::path home_ = scratch_.path() / "home", other_ = scratch_.path() / "other";
};

TEST_F(Catalogue, RowsAreCompleteAndUnknownNamesFindTheNearest) {
  for (const Row& row : catalogue::rows()) {
    EXPECT_FALSE(row.title.empty() || row.licence.empty()) << row.name;
    EXPECT_EQ(&catalogue::row(row.name), &row);
    if (row.files.empty()) continue;
    EXPECT_FALSE(row.mirrors.empty() || row.citation.empty()) << row.name;
    for (const std::string& mirror : row.mirrors) EXPECT_EQ(mirror.back(), '/') << row.name;
  }
  EXPECT_TRUE(has(error_text([] { catalogue::row("mnits"); }), "did you mean 'mnist'"));
}

TEST_F(Catalogue, PlacesAreSearchedInOrder) {
  const Row row = small_row();
  EXPECT_FALSE(catalogue::where(row));
  const fs::path last = scratch_.path() / "xdg" / "sextant" / "small", first = home_ / "small-files";
  write_file(last / "images.gz", gzip_of(kImages));
  EXPECT_FALSE(catalogue::where(row)) << "one of two files is not the set";
  write_file(last / "labels", kLabels);
  EXPECT_EQ(catalogue::where(row), last);
  write_file(first / "images", kImages);
  write_file(first / "labels", kLabels);
  EXPECT_EQ(catalogue::where(row), first);
  EXPECT_EQ(catalogue::where(row, last.string()), last);
  EXPECT_FALSE(catalogue::where(row, other_.string())) << "a path that is given is not silently replaced";
}

TEST_F(Catalogue, MnistComesWithTheProgram) {
  for (const catalogue::Presence& presence : catalogue::list())
    EXPECT_TRUE(presence.at_hand || presence.row->name != "mnist") << "assets/mnist is missing";
  for (const catalogue::Verdict& verdict : catalogue::verify("mnist")) EXPECT_TRUE(verdict.good) << verdict.text;
}

TEST_F(Catalogue, ReadVerifiedRefusesShortLongAndFlippedFiles) {
  const DataFile file = small_row().files[0];
  const auto refusal = [&](const std::string& bytes) {
    write_file(other_ / "images", bytes);
    return error_text([&] { catalogue::read_verified(other_ / "images", file); });
  };
  EXPECT_EQ(refusal(kImages), "");
  EXPECT_EQ(refusal(gzip_of(kImages)), "");
  EXPECT_TRUE(has(refusal(kImages.substr(1)), "cut short or another file"));
  EXPECT_TRUE(has(refusal(kImages + "x"), "another file"));
  std::string flipped = kImages;
  flipped.back() ^= 1;
  EXPECT_TRUE(has(refusal(flipped), "was damaged or changed"));
  EXPECT_TRUE(has(refusal(gzip_of(flipped)), "was damaged or changed"));
}

TEST_F(Catalogue, AddCopiesAfterVerifyingEverything) {
  const Row row = small_row();
  write_file(other_ / "images.gz", gzip_of(kImages));
  EXPECT_TRUE(has(error_text([&] { catalogue::add(row, other_); }), "does not hold the files of small"));
  write_file(other_ / "labels", kLabels + "x");
  EXPECT_THROW(catalogue::add(row, other_), Error);
  EXPECT_FALSE(fs::exists(home_ / "small" / "images.gz")) << "nothing is copied when one file is wrong";
  write_file(other_ / "labels", kLabels);
  EXPECT_EQ(catalogue::add(row, other_), home_ / "small");
  EXPECT_EQ(catalogue::where(row), home_ / "small");
  EXPECT_EQ(read_file(home_ / "small" / "labels"), kLabels);
  EXPECT_THROW(catalogue::add(catalogue::row("two_moons"), other_), UsageError);
}

TEST_F(Catalogue, AddTakesAnArchiveWhoseSumIsRight) {
  write_file(other_ / "a.tar.gz", kArchive);
  catalogue::add(archive_row(), other_ / "a.tar.gz");
  EXPECT_EQ(read_file(home_ / "packed" / "batch.bin"), kRecords);
  write_file(other_ / "b.tar.gz", kArchive.substr(0, 20));
  EXPECT_TRUE(has(error_text([&] { catalogue::add(archive_row(), other_ / "b.tar.gz"); }), "has the MD5"));
}

TEST_F(Catalogue, AnOnlyFileIsAddedUnderAnyNameIfItsSumIsRight) {
  write_file(other_ / "downloaded", kRecords);
  EXPECT_EQ(catalogue::add(weights_row(), other_ / "downloaded"), home_ / "weights");
  EXPECT_EQ(read_file(home_ / "weights" / "net.pth"), kRecords);
  std::string flipped = kRecords;
  flipped.back() ^= 1;
  write_file(other_ / "downloaded", flipped);
  EXPECT_TRUE(has(error_text([&] { catalogue::add(weights_row(), other_ / "downloaded"); }), "has the SHA-256"));
  EXPECT_EQ(read_file(home_ / "weights" / "net.pth"), kRecords) << "what was there stays";
}

TEST_F(Catalogue, AFileIsFetchedAsTheMirrorServesIt) {
  const TestServer server({{"/net.pth", {.body = kRecords}}});
  catalogue::fetch(weights_row(), {.mirrors = {server.url("/")}, .progress = {}});
  EXPECT_EQ(read_file(home_ / "weights" / "net.pth"), kRecords);
}

TEST_F(Catalogue, FetchBringsFilesHomeAndRepairsADamagedOne) {
  const Row row = small_row();
  const TestServer server({{"/m/images.gz", {.body = gzip_of(kImages)}}, {"/m/labels.gz", {.body = gzip_of(kLabels)}}});
  const catalogue::FetchOptions options{.mirrors = {server.url("/none/"), server.url("/m/")}, .progress = {}};
  EXPECT_EQ(catalogue::fetch(row, options), home_ / "small");
  EXPECT_EQ(catalogue::where(row), home_ / "small");
  const size_t requests = server.requests().size();
  catalogue::fetch(row, options);
  EXPECT_EQ(server.requests().size(), requests) << "nothing is asked when all is there";
  write_file(home_ / "small" / "images", "damaged");  // stands before images.gz
  catalogue::fetch(row, options);
  EXPECT_EQ(catalogue::read_verified(*catalogue::find_file(home_ / "small", row.files[0]), row.files[0]), kImages);
}

TEST_F(Catalogue, FetchUnpacksAnArchiveAndRemovesIt) {
  const TestServer server({{"/packed.tar.gz", {.body = kArchive}}});
  catalogue::fetch(archive_row(), {.mirrors = {server.url("/")}, .progress = {}});
  EXPECT_EQ(read_file(home_ / "packed" / "batch.bin"), kRecords);
  EXPECT_FALSE(fs::exists(home_ / "packed" / "packed.tar.gz"));
}

TEST_F(Catalogue, WrongContentIsNeverPutInPlace) {
  const TestServer server({{"/images.gz", {.body = gzip_of(kLabels)}}, {"/packed.tar.gz", {.body = "no archive"}}});
  EXPECT_THROW(catalogue::fetch(small_row(), {.mirrors = {server.url("/")}, .progress = {}}), Error);
  EXPECT_THROW(catalogue::fetch(archive_row(), {.mirrors = {server.url("/")}, .progress = {}}), Error);
  EXPECT_FALSE(catalogue::where(small_row()) || catalogue::where(archive_row()));
}

}  // namespace
}  // namespace sextant
