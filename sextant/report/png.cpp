#include "sextant/report/png.h"

#include <png.h>

#include <csetjmp>

#include "sextant/base/check.h"
#include "sextant/base/files.h"

namespace sextant {
namespace {

struct Sink {
  std::string bytes, error;
};

// libpng reports errors by a long jump, so what it calls and what it jumps over owns nothing.
void append(png_structp png, png_bytep data, size_t size) {
  static_cast<Sink*>(png_get_io_ptr(png))->bytes.append(reinterpret_cast<const char*>(data), size);
}
void fail(png_structp png, png_const_charp message) {
  static_cast<Sink*>(png_get_error_ptr(png))->error = message;
  png_longjmp(png, 1);
}
void ignore(png_structp, png_const_charp) {}

bool write_all(png_structp png, png_infop info, const Picture& picture, int filters) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_set_IHDR(png, info, static_cast<png_uint_32>(picture.width), static_cast<png_uint_32>(picture.height), 8,
               picture.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(png, 9);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, filters);
  png_write_info(png, info);
  const size_t stride = static_cast<size_t>(picture.width * picture.channels);
  for (size_t y = 0; y < static_cast<size_t>(picture.height); ++y)
    png_write_row(png, picture.pixels.data() + y * stride);
  png_write_end(png, nullptr);
  return true;
}

std::string encode(const Picture& picture, int filters) {
  Sink sink;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &sink, fail, ignore);
  SEXTANT_CHECK(png != nullptr, "[png] libpng ", PNG_LIBPNG_VER_STRING, " can't start; another version is installed");
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &sink, append, nullptr);
  const bool done = info != nullptr && write_all(png, info, picture, filters);
  png_destroy_write_struct(&png, &info);
  SEXTANT_CHECK(done, "[png] libpng could not encode ", picture.width, "x", picture.height, ": ", sink.error);
  return std::move(sink.bytes);
}

}  // namespace

void check_picture(const Picture& picture, const char* where) {
  SEXTANT_CHECK(picture.width > 0 && picture.height > 0 && picture.width <= 1'000'000 && picture.height <= 1'000'000,
                "[", where, "] expected a picture of 1 to 1000000 pixels a side; got ", picture.width, "x",
                picture.height);
  SEXTANT_CHECK(picture.channels == 1 || picture.channels == 3, "[", where,
                "] expected 1 channel (grey) or 3 (RGB); got ", picture.channels);
  SEXTANT_CHECK(static_cast<int64_t>(picture.pixels.size()) == picture.width * picture.height * picture.channels, "[",
                where, "] expected ", picture.width * picture.height * picture.channels, " bytes for ", picture.width,
                "x", picture.height, "x", picture.channels, "; got ", picture.pixels.size());
}

std::string encode_png(const Picture& picture) {
  check_picture(picture, "png");
  // Digits and other flat pictures shrink best unfiltered, photographs filtered; trying both costs little.
  std::string flat = encode(picture, PNG_FILTER_NONE), filtered = encode(picture, PNG_ALL_FILTERS);
  return flat.size() <= filtered.size() ? flat : filtered;
}

void write_png(const std::filesystem::path& file, const Picture& picture) { write_file(file, encode_png(picture)); }

}  // namespace sextant
