#include "sextant/data/image_folder.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "sextant/base/files.h"
#include "sextant/base/scratch.h"
#include "sextant/data/test_support.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;

// `count` pictures of 6 x 4 in `folder`: number i has the red i, alternately PNG and JPEG.
void fill(const fs::path& folder, int count, uint8_t green) {
  for (int i = 0; i < count; ++i) {
    const auto pixels = plain_pixels(6, 4, {static_cast<uint8_t>(i), green, 0});
    write_file(folder / concat(i, i % 2 == 0 ? ".png" : ".JPG"),
               i % 2 == 0 ? png_of(6, 4, pixels) : jpeg_of(6, 4, pixels));
  }
}

TEST(ImageFolder, AClassMayBeALinkToAFolder) {
  const ScratchFolder scratch, elsewhere;
  fill(scratch.path() / "dogs", 4, 200);
  fill(elsewhere.path(), 4, 10);
  fs::create_directory_symlink(elsewhere.path(), scratch.path() / "cats");
  const Dataset dataset = load_image_folder(scratch.path(), 0);
  EXPECT_EQ(dataset.classes, 2);
  EXPECT_EQ(dataset.train.size() + dataset.test.size(), 8);
  // Twice under two names, a picture could be in both splits.
  fs::create_directory_symlink(scratch.path(), scratch.path() / "circle");
  EXPECT_THROW(load_image_folder(scratch.path(), 0), UsageError);
  fs::remove(scratch.path() / "circle");
  for (const char* name : {"another", "zebras"}) {  // one or the other may come before the folder
    fs::create_directory_symlink(scratch.path() / "dogs", scratch.path() / name);
    EXPECT_TRUE(has(error_text([&] { load_image_folder(scratch.path(), 0); }), "remove the link")) << name;
    fs::remove(scratch.path() / name);
  }
}

TEST(ImageFolder, SubfoldersAreClassesAndEveryPictureIsInOneSplit) {
  const ScratchFolder scratch;
  fill(scratch.path() / "cats", 30, 10);
  fill(scratch.path() / "dogs" / "deep", 30, 200);
  write_file(scratch.path() / "cats" / "notes.txt", "no picture");
  write_file(scratch.path() / "cats" / ".hidden.png", "no picture either");
  const Dataset dataset = load_image_folder(scratch.path(), 0);
  EXPECT_EQ(dataset.classes, 2);
  EXPECT_EQ(dataset.train.size() + dataset.test.size(), 60);
  EXPECT_GE(dataset.test.size(), 1);
  EXPECT_LE(dataset.test.size(), 15);
  EXPECT_EQ(dataset.train.x.sizes().slice(1), (std::vector<int64_t>{3, 4, 6}));
  for (const Split* split : {&dataset.train, &dataset.test})
    for (int64_t i = 0; i < split->size(); ++i) {
      const bool dog = split->x[i][1].max().item<int64_t>() > 100;
      EXPECT_EQ(split->labels[i].item<int64_t>(), dog ? 1 : 0);
    }
  const Dataset again = load_image_folder(scratch.path(), 0);
  EXPECT_TRUE(at::equal(dataset.train.x, again.train.x));
}

TEST(ImageFolder, AddingPicturesMovesNoneBetweenTheSplits) {
  const ScratchFolder scratch;
  fill(scratch.path(), 40, 0);
  const Dataset before = load_image_folder(scratch.path(), 0);
  for (int i = 0; i < 20; ++i)
    write_file(scratch.path() / concat("new", i, ".png"), png_of(6, 4, plain_pixels(6, 4, {1, 2, 250})));
  const Dataset after = load_image_folder(scratch.path(), 0);
  const auto old_ones = [](const Split& split) {
    return split.x.select(1, 2).amax({1, 2}).lt(100).sum().item<int64_t>();
  };
  EXPECT_EQ(old_ones(after.test), before.test.size());
  EXPECT_EQ(old_ones(after.train), before.train.size());
  EXPECT_FALSE(after.train.labels.defined());
  EXPECT_EQ(after.classes, 0);
}

TEST(ImageFolder, AllGreyGivesOneChannelAndSizesAreMadeEqual) {
  const ScratchFolder scratch;
  write_file(scratch.path() / "a.png", png_of(9, 4, plain_pixels(9, 4, {50}), 1));
  write_file(scratch.path() / "b.png", png_of(5, 8, plain_pixels(5, 8, {60, 60, 60})));
  EXPECT_TRUE(has(error_text([&] { load_image_folder(scratch.path(), 0); }), "set data.image_size"));
  const Dataset dataset = load_image_folder(scratch.path(), 3);
  EXPECT_EQ(dataset.train.x.sizes(), (std::vector<int64_t>{1, 1, 3, 3}));
  EXPECT_EQ(dataset.test.x.sizes(), (std::vector<int64_t>{1, 1, 3, 3}));
}

TEST(ImageFolder, ABrokenPictureIsNamed) {
  const ScratchFolder scratch;
  fill(scratch.path(), 4, 0);
  const std::string sound = png_of(6, 4, plain_pixels(6, 4, {1, 2, 3}));
  write_file(scratch.path() / "short.png", sound.substr(0, 50));
  EXPECT_TRUE(has(error_text([&] { load_image_folder(scratch.path(), 0); }), "short.png"));
  write_file(scratch.path() / "short.png", "hello");
  EXPECT_TRUE(has(error_text([&] { load_image_folder(scratch.path(), 0); }), "short.png is neither"));
}

TEST(ImageFolder, MissingEmptyAndMixedFoldersAreRefused) {
  const ScratchFolder scratch;
  EXPECT_THROW(load_image_folder(scratch.path() / "absent", 0), UsageError);
  EXPECT_THROW(load_image_folder("", 0), UsageError);
  EXPECT_THROW(load_image_folder(scratch.path(), 0), UsageError);
  fill(scratch.path(), 3, 0);
  fill(scratch.path() / "class", 3, 0);
  EXPECT_TRUE(has(error_text([&] { load_image_folder(scratch.path(), 0); }), "holds 3 pictures directly"));
}

}  // namespace
}  // namespace sextant
