#include "sextant/data/raster.h"

#include <gtest/gtest.h>
#include <png.h>

#include <numeric>

#include "sextant/data/test_support.h"

namespace sextant {
namespace {

std::string refusal(const std::string& bytes) {
  return error_text([&] { decode_raster(bytes, "cat.img"); });
}

std::vector<uint8_t> ramp(size_t count) {
  std::vector<uint8_t> bytes(count);
  std::iota(bytes.begin(), bytes.end(), uint8_t{0});
  return bytes;
}

TEST(Raster, PngComesBackByteForByte) {
  const Raster raster = decode_raster(png_of(5, 4, ramp(60)), "x");
  EXPECT_EQ(raster.width, 5);
  EXPECT_EQ(raster.height, 4);
  EXPECT_EQ(raster.bytes, ramp(60));
}

TEST(Raster, GreyBecomesThreeEqualChannelsAndTransparencyLiesOnWhite) {
  EXPECT_EQ(decode_raster(png_of(2, 1, {7, 200}, 1), "x").bytes, (std::vector<uint8_t>{7, 7, 7, 200, 200, 200}));
  EXPECT_EQ(decode_raster(png_of(2, 1, {9, 8, 7, 255, 9, 8, 7, 0}, 4), "x").bytes,
            (std::vector<uint8_t>{9, 8, 7, 255, 255, 255}));
  EXPECT_EQ(decode_raster(jpeg_of(8, 8, plain_pixels(8, 8, {77}), 1), "x").bytes, plain_pixels(8, 8, {77, 77, 77}));
}

// One row of grey values of 16 bits, written without the simplified interface that the reader uses.
std::string png16_of(const std::vector<uint16_t>& row) {
  std::string bytes;
  png_structp png = ::png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = ::png_create_info_struct(png);
  ::png_set_write_fn(
      png, &bytes,
      [](png_structp p, png_bytep data, size_t size) {
        static_cast<std::string*>(::png_get_io_ptr(p))->append(reinterpret_cast<const char*>(data), size);
      },
      nullptr);
  ::png_set_IHDR(png, info, static_cast<png_uint_32>(row.size()), 1, 16, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  ::png_write_info(png, info);
  std::vector<uint8_t> big_endian;
  for (const uint16_t value : row) {
    big_endian.push_back(static_cast<uint8_t>(value >> 8));
    big_endian.push_back(static_cast<uint8_t>(value & 255));
  }
  ::png_write_row(png, big_endian.data());
  ::png_write_end(png, nullptr);
  ::png_destroy_write_struct(&png, &info);
  return bytes;
}

TEST(Raster, SixteenBitsAreRoundedToEight) {
  const Raster raster = decode_raster(png16_of({0, 64 * 257, 128 * 257, 200 * 257 + 100, 65535}), "x");
  EXPECT_EQ(raster.bytes, (std::vector<uint8_t>{0, 0, 0, 64, 64, 64, 128, 128, 128, 200, 200, 200, 255, 255, 255}));
}

TEST(Raster, JpegComesBackNearlyEqual) {
  const std::vector<uint8_t> pixels = plain_pixels(16, 8, {200, 30, 90});
  const Raster raster = decode_raster(jpeg_of(16, 8, pixels), "x");
  EXPECT_EQ(raster.width, 16);
  EXPECT_EQ(raster.height, 8);
  ASSERT_EQ(raster.bytes.size(), pixels.size());
  for (size_t i = 0; i < pixels.size(); ++i) EXPECT_NEAR(raster.bytes[i], pixels[i], 3);  // quality 95
}

TEST(Raster, CutShortAnywhereIsRefused) {
  const std::string png = png_of(5, 4, ramp(60)), jpeg = jpeg_of(16, 8, ramp(384));
  constexpr size_t kPngEnd = 12, kJpegEnd = 2;  // the marks of the end, behind the last pixel
  for (size_t size = 0; size < png.size() - kPngEnd; ++size) EXPECT_NE(refusal(png.substr(0, size)), "") << size;
  for (size_t size = 0; size < jpeg.size() - kJpegEnd; ++size) EXPECT_NE(refusal(jpeg.substr(0, size)), "") << size;
  EXPECT_TRUE(has(refusal(jpeg.substr(0, jpeg.size() / 2)), "cat.img is no sound JPEG"));
}

TEST(Raster, ABitFlippedInAPngsPixelsIsRefused) {
  std::string png = png_of(5, 4, ramp(60));
  const size_t pixels = png.find("IDAT") + 8;
  png[pixels] ^= 4;
  EXPECT_TRUE(has(refusal(png), "cat.img is no sound PNG"));
}

TEST(Raster, OtherFilesAreRefused) {
  EXPECT_TRUE(has(refusal("GIF89a"), "neither a PNG nor a JPEG"));
  EXPECT_TRUE(has(refusal(""), "neither a PNG nor a JPEG"));
}

TEST(Raster, AHeaderThatClaimsMoreThanTheFileCanHoldIsRefused) {
  std::string jpeg = jpeg_of(16, 8, ramp(384));
  const size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, std::string("\x20\x00\x20\x00", 4));  // 8192 x 8192
  EXPECT_TRUE(has(refusal(jpeg), "claims 8192 x 8192 pixels"));
  jpeg.replace(frame + 5, 4, std::string("\xff\xdc\xff\xdc", 4));
  EXPECT_TRUE(has(refusal(jpeg), "at most 67108864 are admitted"));
  std::string png = png_of(5, 4, ramp(60));
  png.replace(16, 8, big_endian(60000) + big_endian(60000));
  png.replace(29, 4,
              big_endian(static_cast<uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(png.data() + 12), 17))));
  EXPECT_TRUE(has(refusal(png), "at most 67108864 are admitted"));
}

TEST(CentreSquare, TheSameSizeChangesNothing) {
  const Raster raster{.width = 4, .height = 4, .bytes = ramp(48)};
  EXPECT_EQ(centre_square(raster, 4).bytes, raster.bytes);
}

TEST(CentreSquare, CutsTheMiddleOut) {
  std::vector<uint8_t> pixels = plain_pixels(6, 2, {0, 0, 0});
  for (const size_t column : {2u, 3u})
    for (const size_t row : {0u, 1u}) pixels[(row * 6 + column) * 3] = 100;
  EXPECT_EQ(centre_square({.width = 6, .height = 2, .bytes = pixels}, 2).bytes, plain_pixels(2, 2, {100, 0, 0}));
}

TEST(CentreSquare, APlainColourStaysAtEverySize) {
  for (const int64_t side : {1, 3, 7, 20}) {
    const Raster raster = centre_square({.width = 9, .height = 7, .bytes = plain_pixels(9, 7, {10, 99, 255})}, side);
    const auto pixels = static_cast<uint32_t>(side);
    EXPECT_EQ(raster.bytes, plain_pixels(pixels, pixels, {10, 99, 255})) << side;
  }
}

TEST(CentreSquare, ShrinkingAFineChequerGivesItsMeanNotAnAlias) {
  std::vector<uint8_t> pixels;
  for (int row = 0; row < 64; ++row)
    for (int column = 0; column < 64; ++column) pixels.insert(pixels.end(), 3, (row + column) % 2 == 0 ? 0 : 254);
  for (const uint8_t byte : centre_square({.width = 64, .height = 64, .bytes = pixels}, 7).bytes)
    EXPECT_NEAR(byte, 127, 3);
}

}  // namespace
}  // namespace sextant
