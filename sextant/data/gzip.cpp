#include "sextant/data/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <climits>

#include "sextant/base/check.h"

namespace sextant {
namespace {

constexpr size_t kMaxRatio = 1040;  // deflate makes at most 1032 bytes out of one
constexpr int kGzip = 16 + MAX_WBITS;

// zlib's state, which ends itself.
class Inflater {
 public:
  Inflater(std::string_view bytes, std::string_view source) : rest_(bytes), source_(source) {
    SEXTANT_CHECK(::inflateInit2(&stream_, kGzip) == Z_OK, "[gzip] zlib does not start: out of memory?");
  }
  ~Inflater() { ::inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Fills as much of `out` as there is content for; returns how much.
  size_t fill(char* out, size_t size) {
    size_t done = 0;
    while (done < size && !ended_) {
      const size_t piece = std::min<size_t>(rest_.size(), UINT_MAX), room = std::min<size_t>(size - done, UINT_MAX);
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest_.data()));  // zlib only reads it
      stream_.avail_in = static_cast<uInt>(piece);
      stream_.next_out = reinterpret_cast<Bytef*>(out + done);
      stream_.avail_out = static_cast<uInt>(room);
      const int code = ::inflate(&stream_, Z_NO_FLUSH);
      rest_.remove_prefix(piece - stream_.avail_in);
      done += room - stream_.avail_out;
      if (code == Z_STREAM_END) {
        next_member();
      } else {
        SEXTANT_CHECK(code != Z_BUF_ERROR || !rest_.empty(), "[gzip] ", source_,
                      " is cut short; fetch it or copy it again");
        SEXTANT_CHECK(code == Z_OK, "[gzip] ", source_, " is damaged: ", stream_.msg ? stream_.msg : "broken stream",
                      "; fetch it or copy it again");
      }
    }
    return done;
  }

 private:
  // A gzip file may be several, one behind the other.
  void next_member() {
    if (rest_.empty()) {
      ended_ = true;
      return;
    }
    SEXTANT_CHECK(is_gzip(rest_) && ::inflateReset(&stream_) == Z_OK, "[gzip] ", source_, " has ", rest_.size(),
                  " bytes after its end; fetch it or copy it again");
  }

  z_stream stream_{};
  std::string_view rest_, source_;
  bool ended_ = false;
};

}  // namespace

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

std::string gunzip(std::string_view bytes, size_t max_bytes, std::string_view source) {
  // One byte more than is admitted, to see that nothing follows; never more than the file can unpack to.
  std::string content(std::min(max_bytes, bytes.size() * kMaxRatio) + 1, '\0');
  Inflater inflater(bytes, source);
  const size_t size = inflater.fill(content.data(), content.size());
  SEXTANT_CHECK(size < content.size(), "[gzip] ", source, " unpacks to more than the ", max_bytes,
                " bytes that it should have");
  content.resize(size);
  return content;
}

std::string gunzip_head(std::string_view bytes, size_t count, std::string_view source) {
  std::string head(count, '\0');
  Inflater inflater(bytes, source);
  head.resize(inflater.fill(head.data(), count));
  return head;
}

}  // namespace sextant
