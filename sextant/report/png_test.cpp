#include "sextant/report/png.h"

#include <gtest/gtest.h>
#include <png.h>

#include "sextant/base/check.h"
#include "sextant/base/files.h"
#include "sextant/base/scratch.h"
#include "sextant/report/image_grid.h"

namespace sextant {
namespace {

// An independent reader: libpng's simplified interface, asked for the channels that the file should have.
Picture decode(const std::string& bytes, int64_t channels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()), 0) << image.message;
  EXPECT_EQ(image.format, channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB);
  Picture out{image.width, image.height, channels, std::vector<uint8_t>(PNG_IMAGE_SIZE(image))};
  EXPECT_NE(png_image_finish_read(&image, nullptr, out.pixels.data(), 0, nullptr), 0) << image.message;
  return out;
}

Picture pattern(int64_t width, int64_t height, int64_t channels, int64_t seed = 0) {
  Picture p{width, height, channels, {}};
  for (int64_t i = 0; i < width * height * channels; ++i)
    p.pixels.push_back(static_cast<uint8_t>((i * 37 + i * i / 3 + seed) % 256));
  return p;
}

TEST(Png, RoundTripKeepsEveryPixelAndTheSameBytesComeTwice) {
  const ScratchFolder scratch;
  for (const int64_t channels : {1, 3})
    for (const auto& [w, h] : {std::pair{1, 1}, {7, 3}, {28, 28}, {3, 200}}) {
      const Picture p = pattern(w, h, channels);
      write_png(scratch.path() / "a.png", p);
      const std::string bytes = read_file(scratch.path() / "a.png");
      const Picture back = decode(bytes, channels);
      EXPECT_EQ(back.width, w);
      EXPECT_EQ(back.height, h);
      EXPECT_EQ(back.pixels, p.pixels);
      EXPECT_EQ(encode_png(p), bytes);
    }
}

TEST(Png, PicturesThatContradictThemselvesAreRefused) {
  EXPECT_THROW(encode_png({}), Error);
  EXPECT_THROW(encode_png({2, 2, 2, std::vector<uint8_t>(8)}), Error);
  EXPECT_THROW(encode_png({2, 2, 1, std::vector<uint8_t>(5)}), Error);
  EXPECT_THROW(encode_png({-1, -4, 1, std::vector<uint8_t>(4)}), Error);
}

TEST(ImageGrid, EveryPixelOfEveryPictureIsFoundAtItsPlace) {
  const int64_t w = 3, h = 2, gap = 2, zoom = 3;
  ImageGrid grid{.columns = 2, .gap = gap, .zoom = zoom};
  for (int64_t i = 0; i < 5; ++i) grid.pictures.push_back(pattern(w, h, i == 3 ? 3 : 1, i));
  grid.background = {1, 2, 3};
  const Picture out = compose(grid);
  EXPECT_EQ(out.channels, 3);
  EXPECT_EQ(out.width, zoom * (2 * w + gap));
  EXPECT_EQ(out.height, zoom * (3 * h + 2 * gap));
  int64_t ground = 0;
  for (int64_t y = 0; y < out.height; ++y)
    for (int64_t x = 0; x < out.width; ++x) {
      const uint8_t* pixel = &out.pixels[static_cast<size_t>((y * out.width + x) * 3)];
      const int64_t px = x / zoom % (w + gap), py = y / zoom % (h + gap);
      const int64_t index = y / zoom / (h + gap) * 2 + x / zoom / (w + gap);
      if (px >= w || py >= h || index > 4) {
        ++ground;
        EXPECT_EQ(std::vector<uint8_t>(pixel, pixel + 3), (std::vector<uint8_t>{1, 2, 3}));
        continue;
      }
      const Picture& p = grid.pictures[static_cast<size_t>(index)];
      const auto at = static_cast<size_t>((py * w + px) * p.channels);
      for (size_t c = 0; c < 3; ++c) EXPECT_EQ(pixel[c], p.pixels[at + (p.channels == 3 ? c : 0)]);
    }
  EXPECT_EQ(ground, out.width * out.height - 5 * w * h * zoom * zoom);
}

TEST(ImageGrid, GreyPicturesOnGreyStayGrey) {
  ImageGrid grid{.pictures = {pattern(4, 4, 1)}, .columns = 10, .background = {9, 9, 9}};
  const Picture out = compose(grid);
  EXPECT_EQ(out.channels, 1);
  EXPECT_EQ(out.pixels, grid.pictures[0].pixels);
}

TEST(ImageGrid, MixedSizesWrongLabelsAndNoPicturesAreRefused) {
  ImageGrid grid{.pictures = {pattern(2, 2, 1), pattern(2, 2, 1)}, .columns = 2};
  EXPECT_NO_THROW(compose(grid));
  EXPECT_THROW(compose({}), Error);
  grid.row_labels = {"one", "two"};
  EXPECT_THROW(compose(grid), Error);
  grid.row_labels.clear();
  grid.column_labels = {"one"};
  EXPECT_THROW(to_svg(grid), Error);
  grid.column_labels.clear();
  grid.pictures.push_back(pattern(3, 2, 1));
  EXPECT_THROW(compose(grid), Error);
}

}  // namespace
}  // namespace sextant
