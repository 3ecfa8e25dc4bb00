#include "sextant/base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <random>
#include <utility>

#include "sextant/base/check.h"

namespace sextant {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kLeftoverMark = ".part-";

// Another one at each call: process numbers are the same in two containers that share a disk.
fs::path beside(const fs::path& path) {
  std::random_device random;
  fs::path name = path.filename();
  name += concat(kLeftoverMark, ::getpid(), "-", std::hex, random(), random());
  return path.parent_path() / name;
}

std::string cause() { return std::strerror(errno); }

const char* remedy() {
  switch (errno) {
    case ENOSPC:
    case EDQUOT:
      return "; free some space and run again: nothing was lost";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; choose another place, or make it writable";
    default:
      return "";
  }
}

// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int close() { return ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

void make_folder(const fs::path& folder) {
  if (folder.empty()) return;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    errno = error.value();
    throw Error(concat("[files] can't make the folder ", folder.string(), ": ", error.message(), remedy()));
  }
}

void flush_folder(const fs::path& folder) {
  const Descriptor fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() >= 0) ::fsync(fd.get());  // some file systems can't flush folders: the rename itself stays atomic
}

}  // namespace

std::string read_file(const fs::path& file, size_t max_bytes) {
  const Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a pipe must not make us wait
  SEXTANT_CHECK(fd.get() >= 0 || errno != ENOENT, "[files] ", file.string(), " does not exist");
  SEXTANT_CHECK(fd.get() >= 0, "[files] can't open ", file.string(), ": ", cause());
  struct stat status {};
  SEXTANT_CHECK(::fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode), "[files] ", file.string(),
                " is not a regular file");
  const auto size = static_cast<size_t>(status.st_size);
  SEXTANT_CHECK(size <= max_bytes, "[files] ", file.string(), " has ", size, " bytes; at most ", max_bytes,
                " are admitted here");
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(fd.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    SEXTANT_CHECK(got > 0, "[files] reading ", file.string(), " stopped at byte ", done, " of ", size, ": ",
                  got < 0 ? cause() : std::string("it shrank meanwhile"));
    done += static_cast<size_t>(got);
  }
  return bytes;
}

void write_file(const fs::path& file, std::string_view bytes) {
  make_folder(file.parent_path());
  const fs::path part = beside(file);
  try {
    Descriptor fd(::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    SEXTANT_CHECK(fd.get() >= 0, "[files] can't write ", part.string(), ": ", cause(), remedy());
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t put = ::write(fd.get(), bytes.data() + done, bytes.size() - done);
      if (put < 0 && errno == EINTR) continue;
      SEXTANT_CHECK(put > 0, "[files] writing ", file.string(), " stopped at byte ", done, " of ", bytes.size(), ": ",
                    cause(), remedy());
      done += static_cast<size_t>(put);
    }
    SEXTANT_CHECK(::fsync(fd.get()) == 0 && fd.close() == 0, "[files] flushing ", file.string(), " failed: ", cause(),
                  remedy());
    SEXTANT_CHECK(::rename(part.c_str(), file.c_str()) == 0, "[files] can't put ", file.string(),
                  " in place: ", cause(), remedy());
  } catch (...) {
    ::unlink(part.c_str());
    throw;
  }
  flush_folder(file.parent_path());
}

NewFolder::NewFolder(fs::path final_path) : final_(std::move(final_path)), path_(beside(final_)) { make_folder(path_); }

NewFolder::~NewFolder() {
  std::error_code error;
  if (!committed_) fs::remove_all(path_, error);
}

void NewFolder::commit() {
  flush_folder(path_);
  SEXTANT_CHECK(::rename(path_.c_str(), final_.c_str()) == 0, "[files] can't put ", final_.string(),
                " in place: ", cause(), remedy());
  committed_ = true;
  flush_folder(final_.parent_path());
}

bool is_leftover(const fs::path& path) { return path.filename().string().find(kLeftoverMark) != std::string::npos; }

FolderLock::FolderLock(const fs::path& folder) {
  make_folder(folder);
  const fs::path file = folder / "lock";
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  SEXTANT_CHECK(descriptor_ >= 0, "[lock] can't write in ", folder.string(), ": ", cause(), remedy());
  int failed = 0;
  do {
    failed = ::flock(descriptor_, LOCK_EX | LOCK_NB);
  } while (failed && errno == EINTR);
  if (failed && errno != EWOULDBLOCK) {
    const std::string why = cause();
    ::close(descriptor_);
    throw Error(concat("[lock] the file system of ", folder.string(), " can't lock (", why,
                       "); put the folder on another one"));
  }
  if (failed) {
    char holder[256] = {};
    const ssize_t got = ::pread(descriptor_, holder, sizeof(holder) - 1, 0);
    ::close(descriptor_);
    throw Error(concat("[lock] ", folder.string(), " is in use by ", got > 0 ? holder : "another process",
                       "; wait for it, stop it, or take another folder"));
  }
  char host[128] = "unknown host", when[64] = {};
  ::gethostname(host, sizeof(host) - 1);
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
  const std::string text = concat("process ", ::getpid(), " on ", host, " since ", when);
  if (::ftruncate(descriptor_, 0) == 0) (void)!::pwrite(descriptor_, text.data(), text.size(), 0);
}

FolderLock::~FolderLock() { ::close(descriptor_); }

}  // namespace sextant
