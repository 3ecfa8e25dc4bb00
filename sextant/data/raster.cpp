#include "sextant/data/raster.h"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstdio>

#include <jpeglib.h>  // wants <cstdio> before it

#include "sextant/base/check.h"

namespace sextant {
namespace {

constexpr int64_t kChannels = 3;
// The least that a file must have for its pixels: deflate makes at most 1032 bytes out of one; JPEG spends a bit or
// more on each block of 64 pixels. A short file that claims more is refused before its pixels get memory.
constexpr int64_t kMaxPngBytesPerByte = 1040, kMaxJpegPixelsPerByte = 1024;
constexpr int kMaxJpegScans = 100;

void check_size(int64_t width, int64_t height, int64_t most_pixels, std::string_view source) {
  SEXTANT_CHECK(width >= 1 && height >= 1 && width <= kMaxRasterSide && height <= kMaxRasterSide &&
                    width * height <= kMaxRasterPixels,
                "[picture] ", source, " has ", width, " x ", height, " pixels; at most ", kMaxRasterPixels,
                " are admitted: scale it down");
  SEXTANT_CHECK(width * height <= most_pixels, "[picture] ", source, " claims ", width, " x ", height,
                " pixels, which a file of its length can't hold; it is cut short or damaged");
}

Raster decode_png(std::string_view bytes, std::string_view source) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  struct Free {
    png_image* image;
    ~Free() { ::png_image_free(image); }
  } const free{&image};
  const auto check = [&](bool fine) {
    SEXTANT_CHECK(fine, "[picture] ", source, " is no sound PNG file: ", image.message);
  };
  check(::png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) != 0);
  // A pixel takes a bit or more.
  check_size(image.width, image.height, static_cast<int64_t>(bytes.size()) * kMaxPngBytesPerByte * 8, source);
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // else libpng takes 16 bits for linear light and brightens them
  image.format = PNG_FORMAT_RGB;
  Raster raster{.width = image.width, .height = image.height, .bytes = {}};
  raster.bytes.resize(PNG_IMAGE_SIZE(image));
  const png_color white{255, 255, 255};
  check(::png_image_finish_read(&image, &white, raster.bytes.data(), 0, nullptr) != 0);
  return raster;
}

// libjpeg reports an error by a function that must not return: it jumps back into decode_jpeg_unsafe, the only frame
// that is crossed, which holds nothing that would need a destructor.
struct JpegState {
  jpeg_decompress_struct decoder;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

JpegState& state_of(j_common_ptr decoder) { return *static_cast<JpegState*>(decoder->client_data); }

void jpeg_fail(j_common_ptr decoder) {
  JpegState& state = state_of(decoder);
  (*decoder->err->format_message)(decoder, state.message);
  std::longjmp(state.back, 1);
}

// Warnings mean damaged data, which the library would paint over with grey.
void jpeg_message(j_common_ptr decoder, int level) {
  if (level < 0) jpeg_fail(decoder);
}

// A short progressive file can ask for endless passes over a large picture.
void jpeg_progress(j_common_ptr decoder) {
  JpegState& state = state_of(decoder);
  if (state.decoder.input_scan_number <= kMaxJpegScans) return;
  std::snprintf(state.message, sizeof(state.message), "more than %d scans", kMaxJpegScans);
  std::longjmp(state.back, 1);
}

void start_jpeg(JpegState& state) {
  state.decoder.err = ::jpeg_std_error(&state.errors);
  state.errors.error_exit = jpeg_fail;
  state.errors.emit_message = jpeg_message;
  state.decoder.client_data = &state;
}

// Reads the header, asks `resize` for memory, fills it. False: state.message says why.
template <class Resize>
bool decode_jpeg_unsafe(JpegState& state, const unsigned char* bytes, size_t size, const Resize& resize) {
  if (setjmp(state.back) != 0) return false;
  jpeg_decompress_struct& decoder = state.decoder;
  ::jpeg_create_decompress(&decoder);
  decoder.client_data = &state;
  state.progress.progress_monitor = jpeg_progress;
  decoder.progress = &state.progress;
  ::jpeg_mem_src(&decoder, bytes, size);
  ::jpeg_read_header(&decoder, TRUE);
  decoder.out_color_space = JCS_RGB;
  unsigned char* rows = resize(static_cast<int64_t>(decoder.image_width), static_cast<int64_t>(decoder.image_height));
  if (rows == nullptr) return false;
  ::jpeg_start_decompress(&decoder);
  while (decoder.output_scanline < decoder.output_height) {
    JSAMPROW row = rows + static_cast<size_t>(decoder.output_scanline) * decoder.output_width * kChannels;
    ::jpeg_read_scanlines(&decoder, &row, 1);
  }
  ::jpeg_finish_decompress(&decoder);
  return true;
}

Raster decode_jpeg(std::string_view bytes, std::string_view source) {
  JpegState state{};
  start_jpeg(state);
  struct Free {
    JpegState* state;
    ~Free() { ::jpeg_destroy_decompress(&state->decoder); }
  } const free{&state};
  Raster raster;
  std::exception_ptr refused;  // an exception must not cross the library's frames
  const auto resize = [&](int64_t width, int64_t height) -> unsigned char* {
    try {
      check_size(width, height, static_cast<int64_t>(bytes.size()) * kMaxJpegPixelsPerByte, source);
      raster = {.width = width, .height = height, .bytes = {}};
      raster.bytes.resize(static_cast<size_t>(width * height * kChannels));
      return raster.bytes.data();
    } catch (...) {
      refused = std::current_exception();
      return nullptr;
    }
  };
  const bool fine =
      decode_jpeg_unsafe(state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), resize);
  if (refused) std::rethrow_exception(refused);
  SEXTANT_CHECK(fine, "[picture] ", source, " is no sound JPEG file: ", state.message);
  return raster;
}

// Weights of the inputs first … first + weights.size() - 1 of one output.
struct Tap {
  int64_t first = 0;
  std::vector<float> weights;
};

// The triangle filter from `size` to `side` places.
std::vector<Tap> triangle_taps(int64_t size, int64_t side) {
  const double scale = static_cast<double>(size) / static_cast<double>(side), radius = std::max(scale, 1.0);
  std::vector<Tap> taps(static_cast<size_t>(side));
  for (int64_t i = 0; i < side; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(0, static_cast<int64_t>(std::floor(centre - radius)));
    const int64_t last = std::min<int64_t>(size - 1, static_cast<int64_t>(std::ceil(centre + radius)));
    std::vector<double> weights;
    double sum = 0;
    for (int64_t j = first; j <= last; ++j) {
      weights.push_back(std::max(0.0, 1 - std::abs((static_cast<double>(j) + 0.5 - centre) / radius)));
      sum += weights.back();
    }
    Tap& tap = taps[static_cast<size_t>(i)];
    tap.first = first;
    for (const double weight : weights) tap.weights.push_back(static_cast<float>(weight / sum));
  }
  return taps;
}

// Scales `count` lines: out[line][i][c] = sum of tap i over in[line][·][c]. Strides are in numbers.
template <class In>
void scale_lines(const In* in, int64_t line, int64_t step, float* out, int64_t out_line, int64_t out_step,
                 int64_t count, const std::vector<Tap>& taps) {
  for (int64_t l = 0; l < count; ++l)
    for (size_t i = 0; i < taps.size(); ++i)
      for (int64_t c = 0; c < kChannels; ++c) {
        const In* from = in + l * line + taps[i].first * step + c;
        float sum = 0;
        for (const float weight : taps[i].weights) sum += weight * static_cast<float>(*from), from += step;
        out[l * out_line + static_cast<int64_t>(i) * out_step + c] = sum;
      }
}

}  // namespace

Raster decode_raster(std::string_view bytes, std::string_view source) {
  if (bytes.starts_with("\x89PNG")) return decode_png(bytes, source);
  if (bytes.starts_with("\xff\xd8")) return decode_jpeg(bytes, source);
  throw Error(
      concat("[picture] ", source, " is neither a PNG nor a JPEG file; convert it or take it out of the folder"));
}

Raster centre_square(const Raster& raster, int64_t side) {
  SEXTANT_CHECK(side >= 1, "[picture] a side of ", side, " pixels; give 1 or more");
  const int64_t square = std::min(raster.width, raster.height);
  const int64_t left = (raster.width - square) / 2, top = (raster.height - square) / 2;
  const std::vector<Tap> taps = triangle_taps(square, side);
  std::vector<float> narrow(static_cast<size_t>(square * side * kChannels)),
      small(static_cast<size_t>(side * side * kChannels));
  scale_lines(raster.bytes.data() + (top * raster.width + left) * kChannels, raster.width * kChannels, kChannels,
              narrow.data(), side * kChannels, kChannels, square, taps);
  scale_lines(narrow.data(), kChannels, side * kChannels, small.data(), kChannels, side * kChannels, side, taps);
  Raster result{.width = side, .height = side, .bytes = std::vector<uint8_t>(small.size())};
  std::ranges::transform(small, result.bytes.begin(), [](float value) {
    return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0f, 255.0f)));
  });
  return result;
}

}  // namespace sextant
