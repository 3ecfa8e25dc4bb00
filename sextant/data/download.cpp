#include "sextant/data/download.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>

#include "sextant/base/check.h"
#include "sextant/base/interrupt.h"

namespace sextant {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTriesPerMirror = 3;  // while each try brings bytes
constexpr long kMaxRedirects = 5, kPartialContent = 206, kRangeUnknown = 416;

// The growing file.
class Partial {
 public:
  explicit Partial(fs::path path) : path_(std::move(path)) {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    SEXTANT_CHECK(fd_ >= 0, "[fetch] can't write ", path_.string(), ": ", std::strerror(errno),
                  "; make the folder writable or set SEXTANT_DATA to another");
    size_ = ::lseek(fd_, 0, SEEK_END);
  }
  ~Partial() { ::close(fd_); }
  Partial(const Partial&) = delete;
  Partial& operator=(const Partial&) = delete;

  int64_t size() const { return size_; }
  const fs::path& path() const { return path_; }
  void clear() {
    SEXTANT_CHECK(::ftruncate(fd_, 0) == 0, "[fetch] can't empty ", path_.string(), ": ", std::strerror(errno));
    size_ = 0;
  }
  // False with errno where the disk does not take them.
  bool append(const char* bytes, size_t count) {
    for (size_t done = 0; done < count;) {
      const ssize_t put = ::write(fd_, bytes + done, count - done);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return false;
      done += static_cast<size_t>(put);
      size_ += put;
    }
    return true;
  }
  bool flush() { return ::fsync(fd_) == 0 || errno == EINVAL; }

 private:
  fs::path path_;
  int fd_ = -1;
  int64_t size_ = 0;
};

// One request and what its callbacks leave behind.
struct Transfer {
  CURL* curl = nullptr;
  Partial* file = nullptr;
  const DownloadOptions* options = nullptr;
  int64_t begin = 0;      // size of the file when the request began
  bool started = false;   // the first bytes of the body have come
  bool too_long = false;  // more than max_bytes
  bool stalled = false;   // no byte for stall_s
  int disk_error = 0;
  int64_t seen = -1;  // size when it last grew
  Clock::time_point seen_at = Clock::now();
};

// Callbacks are called from C: they report by fields and let no exception pass.
size_t on_bytes(const char* bytes, size_t, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  try {
    if (!std::exchange(transfer.started, true) && transfer.begin > 0) {
      long status = 0;
      ::curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
      if (status != kPartialContent) transfer.file->clear(), transfer.begin = 0;  // the server sends all of it again
    }
    transfer.too_long = transfer.file->size() + static_cast<int64_t>(count) > transfer.options->max_bytes;
    if (transfer.too_long) return 0;
    if (transfer.file->append(bytes, count)) return count;
    transfer.disk_error = errno;
  } catch (const std::exception&) {
    transfer.disk_error = errno;
  }
  return 0;
}

int on_progress(void* user, curl_off_t total, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  const auto now = Clock::now();
  if (transfer.file->size() != transfer.seen) transfer.seen = transfer.file->size(), transfer.seen_at = now;
  transfer.stalled = now - transfer.seen_at > std::chrono::seconds(transfer.options->stall_s);
  if (interrupted() || transfer.stalled) return 1;
  if (transfer.options->progress) {
    transfer.options->progress(transfer.file->size(), total > 0 ? transfer.begin + total : 0);
  }
  return 0;
}

// Asks one server for what is missing. Returns an empty text when the transfer ended well, else why it did not.
std::string transfer_from(const std::string& url, Partial& file, const DownloadOptions& options) {
  static const CURLcode started = ::curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(started == CURLE_OK ? ::curl_easy_init() : nullptr,
                                                    ::curl_easy_cleanup);
  SEXTANT_CHECK(curl, "[fetch] libcurl does not start");
  Transfer transfer{.curl = curl.get(), .file = &file, .options = &options, .begin = file.size()};
  const auto set = [&](CURLoption option, auto value) { ::curl_easy_setopt(curl.get(), option, value); };
  char cause[CURL_ERROR_SIZE] = "";
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, kMaxRedirects);
  set(CURLOPT_FAILONERROR, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_USERAGENT, "sextant");
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(cause));
  set(CURLOPT_CONNECTTIMEOUT, options.connect_s);
  if (file.size() > 0) set(CURLOPT_RANGE, concat(file.size(), "-").c_str());
  set(CURLOPT_WRITEFUNCTION, on_bytes);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, on_progress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));
  const CURLcode code = ::curl_easy_perform(curl.get());

  if (interrupted())
    throw Interrupted(
        concat("[fetch] stopped; ", file.size(), " bytes are kept: give the same command again to go on"));
  SEXTANT_CHECK(transfer.disk_error == 0, "[fetch] writing ", file.path().string(), " stopped at byte ", file.size(),
                ": ", std::strerror(transfer.disk_error), "; free some space and run again: what has come is kept");
  if (transfer.stalled) return concat("sent nothing for ", options.stall_s, " s");
  if (transfer.too_long) file.clear();  // no beginning of the right file
  if (transfer.too_long) return concat("sends more than the ", options.max_bytes, " bytes that are admitted");
  long status = 0;
  ::curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status == kRangeUnknown) return {};  // nothing is missing, or what is there is wrong: the check will tell
  if (code == CURLE_OK) return {};
  return *cause ? cause : ::curl_easy_strerror(code);
}

// The whole file from one server, or why not. What has come stays in the partial file unless it is wrong.
std::string fetch_from(const std::string& url, const fs::path& partial, const DownloadOptions& options) {
  std::string failure;
  for (int tries = 0; tries < kTriesPerMirror; ++tries) {
    Partial file(partial);
    const int64_t before = file.size();
    failure = transfer_from(url, file, options);
    if (failure.empty()) {
      try {
        SEXTANT_CHECK(file.flush(), "[fetch] flushing ", partial.string(), " failed: ", std::strerror(errno));
        if (options.check) options.check(partial);
        return {};
      } catch (const Error& error) {
        file.clear();  // wrong bytes are no beginning; where they were another mirror's, one try more from the start
        failure = error.what();
        if (before > 0) continue;
        return failure;
      }
    }
    const bool from_the_start = before > 0 && file.size() == 0;
    if (file.size() <= before && !from_the_start) return failure;
  }
  return failure;
}

}  // namespace

void download(const std::vector<std::string>& urls, const fs::path& target, const DownloadOptions& options) {
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  fs::path partial = target;
  partial += ".partial";
  std::string failures;
  for (const std::string& url : urls) {
    const std::string failure = fetch_from(url, partial, options);
    if (failure.empty()) {
      fs::rename(partial, target, error);
      SEXTANT_CHECK(!error, "[fetch] can't put ", target.string(), " in place: ", error.message());
      return;
    }
    failures += concat("\n  ", url, ": ", failure);
  }
  const auto kept = fs::file_size(partial, error);
  if (!error && kept == 0) fs::remove(partial, error);
  throw Error(concat("[fetch] no mirror gave ", target.filename().string(), ":", failures,
                     "\n  check the network and give the same command again (what has come is kept), or fetch the file "
                     "elsewhere and give its place to `sextant data add`"));
}

}  // namespace sextant
