// What the tests of this floor share: files made in memory, and the text of an error.
#pragma once

#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <jpeglib.h>  // wants <cstdio> before it

#include "sextant/base/check.h"

namespace sextant {

// The text of the Error that `work` throws; empty where it throws none.
inline std::string error_text(const std::function<void()>& work) {
  try {
    work();
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline std::string gzip_of(const std::string& content) {
  z_stream stream{};
  ::deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string bytes(::deflateBound(&stream, content.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  ::deflate(&stream, Z_FINISH);
  bytes.resize(stream.total_out);
  ::deflateEnd(&stream);
  return bytes;
}

inline std::string big_endian(uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((number >> shift) & 255);
  return bytes;
}

// An IDX file of unsigned bytes.
inline std::string idx_of(const std::vector<uint32_t>& shape, const std::string& elements) {
  std::string bytes("\0\0\x08", 3);
  bytes += static_cast<char>(shape.size());
  for (const uint32_t dim : shape) bytes += big_endian(dim);
  return bytes + elements;
}

// `pixels` are rows of `channels` (1, 3 or 4) bytes a pixel.
inline std::string png_of(uint32_t width, uint32_t height, const std::vector<uint8_t>& pixels, int channels = 3) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = channels == 1 ? PNG_FORMAT_GRAY : channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
  png_alloc_size_t size = 0;
  ::png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr);
  std::string bytes(size, '\0');
  ::png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr);
  bytes.resize(size);
  return bytes;
}

// Quality 95; `channels` 1 (grey) or 3.
inline std::string jpeg_of(uint32_t width, uint32_t height, const std::vector<uint8_t>& pixels, int channels = 3) {
  jpeg_compress_struct encoder{};
  jpeg_error_mgr errors{};
  encoder.err = ::jpeg_std_error(&errors);
  ::jpeg_create_compress(&encoder);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  ::jpeg_mem_dest(&encoder, &out, &size);
  encoder.image_width = width;
  encoder.image_height = height;
  encoder.input_components = channels;
  encoder.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  ::jpeg_set_defaults(&encoder);
  ::jpeg_set_quality(&encoder, 95, TRUE);
  ::jpeg_start_compress(&encoder, TRUE);
  while (encoder.next_scanline < height) {
    auto* row =
        const_cast<uint8_t*>(pixels.data()) + size_t{encoder.next_scanline} * width * static_cast<size_t>(channels);
    ::jpeg_write_scanlines(&encoder, &row, 1);
  }
  ::jpeg_finish_compress(&encoder);
  ::jpeg_destroy_compress(&encoder);
  const std::string bytes(reinterpret_cast<const char*>(out), size);
  std::free(out);
  return bytes;
}

// One colour everywhere.
inline std::vector<uint8_t> plain_pixels(uint32_t width, uint32_t height, const std::vector<uint8_t>& colour) {
  std::vector<uint8_t> pixels;
  for (uint32_t i = 0; i < width * height; ++i) pixels.insert(pixels.end(), colour.begin(), colour.end());
  return pixels;
}

// A tar member with a sound header (ustar, mode 644).
inline std::string tar_member(const std::string& name, const std::string& content, char type = '0') {
  std::string header(512, '\0');
  const auto put = [&](size_t at, const std::string& text) { std::copy(text.begin(), text.end(), header.data() + at); };
  char number[16];
  put(0, name);
  put(100, "0000644");
  std::snprintf(number, sizeof(number), "%011lo", static_cast<unsigned long>(content.size()));
  put(124, number);
  put(148, "        ");
  header[156] = type;
  put(257, "ustar");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(number, sizeof(number), "%06o", sum);
  put(148, number);
  header[154] = '\0';
  return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}

}  // namespace sextant
