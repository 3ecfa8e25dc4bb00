// Bringing a data set home: over HTTP, or from a folder or an archive that the user has.
#include <utility>

#include "sextant/base/check.h"
#include "sextant/base/files.h"
#include "sextant/base/hash.h"
#include "sextant/data/catalogue.h"
#include "sextant/data/download.h"
#include "sextant/data/gzip.h"
#include "sextant/data/tar.h"

namespace sextant::catalogue {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kHeaders = int64_t{1} << 20;  // what a tar or gzip file may have beside its contents

int64_t content_bytes(const Row& row) {
  int64_t bytes = 0;
  for (const DataFile& file : row.files) bytes += file.bytes;
  return bytes;
}

void check_archive(const Row& row, const fs::path& path) {
  const std::string md5 = md5_file(path);
  SEXTANT_CHECK(md5 == row.archive.md5, "[data] ", path.string(), " has the MD5 ", md5, "; published is ",
                row.archive.md5, ". It is cut short, damaged or another file: fetch it again");
}

// Takes the files out of a checked archive.
void unpack(const Row& row, const fs::path& archive, const fs::path& folder) {
  const std::string tar = gunzip(read_file(archive, static_cast<size_t>(row.archive.bytes)),
                                 static_cast<size_t>(content_bytes(row) + kHeaders), archive.string());
  std::map<std::string, int64_t> wanted;
  for (const DataFile& file : row.files) wanted[file.name] = file.bytes;
  const auto files = untar(tar, wanted, archive.string());
  for (const auto& [name, bytes] : files) check_form(row, bytes, name);
  for (const auto& [name, bytes] : files) write_file(folder / name, bytes);
}

std::vector<std::string> addresses(const std::vector<std::string>& mirrors, const std::string& name) {
  std::vector<std::string> urls;
  for (const std::string& mirror : mirrors) urls.push_back(mirror + name);
  return urls;
}

// True where a good copy lies there already.
bool is_good(const fs::path& folder, const Row& row, const DataFile& file) {
  const auto path = find_file(folder, file);
  if (!path) return false;
  try {
    check_form(row, read_verified(*path, file), path->string());
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

fs::path add(const Row& row, const fs::path& path) {
  SEXTANT_USAGE_CHECK(!row.files.empty(), "[data] ", row.name,
                      " has no files to add; it is made by the program or read "
                      "from data.path");
  const fs::path target = home(row);
  SEXTANT_USAGE_CHECK(!path.empty(), "[data] give the folder that holds the files of ", row.name);
  std::error_code error;
  if (fs::is_regular_file(path, error)) {
    if (row.archive.name.empty() && row.files.size() == 1) {
      const std::string bytes = read_verified(path, row.files[0]);
      const FolderLock lock(target);
      write_file(target / row.files[0].name, bytes);
      return target;
    }
    SEXTANT_USAGE_CHECK(!row.archive.name.empty(), "[data] ", path.string(), " is a file; give the folder that holds ",
                        row.files[0].name);
    check_archive(row, path);
    const FolderLock lock(target);
    unpack(row, path, target);
    return target;
  }
  const auto folder = where(row, path.string());
  SEXTANT_CHECK(folder, "[data] ", path.string(), " does not hold the files of ", row.name, ": ", row.files[0].name,
                " (or that with .gz) and ", row.files.size() - 1, " more");
  std::vector<std::pair<fs::path, fs::path>> copies;
  for (const DataFile& file : row.files) {
    const fs::path from = *find_file(*folder, file);
    check_form(row, read_verified(from, file), from.string());
    copies.emplace_back(from, target / from.filename());
  }
  const FolderLock lock(target);
  for (const auto& [from, to] : copies) {
    if (fs::equivalent(from, to, error)) continue;
    write_file(to, read_file(from));
    if (to.extension() == ".gz") fs::remove(fs::path(to).replace_extension(), error);  // an older one without .gz
  }
  return target;
}

fs::path fetch(const Row& row, const FetchOptions& options) {
  const std::vector<std::string>& mirrors = options.mirrors.empty() ? row.mirrors : options.mirrors;
  SEXTANT_USAGE_CHECK(!row.files.empty(), "[data] ", row.name,
                      " needs no fetching: it is made by the program or read from data.path");
  const fs::path target = home(row);
  const FolderLock lock(target);
  DownloadOptions download_options{
      .max_bytes = 0, .check = {}, .progress = {}, .connect_s = options.connect_s, .stall_s = options.stall_s};
  const auto fetch_one = [&](const std::string& name, int64_t max_bytes, std::function<void(const fs::path&)> check) {
    download_options.max_bytes = max_bytes;
    download_options.check = std::move(check);
    if (options.progress)
      download_options.progress = [&, name](int64_t done, int64_t total) { options.progress(name, done, total); };
    download(addresses(mirrors, name), target / name, download_options);
  };
  if (row.archive.name.empty()) {
    for (const DataFile& file : row.files) {
      if (is_good(target, row, file)) continue;
      fetch_one(file.name + row.served_ending, file.bytes + kHeaders,
                [&](const fs::path& path) { read_verified(path, file); });
      std::error_code error;
      if (!row.served_ending.empty()) fs::remove(target / file.name, error);  // a damaged one without .gz
    }
    return target;
  }
  bool complete = true;
  for (const DataFile& file : row.files) complete = complete && is_good(target, row, file);
  if (complete) return target;
  fetch_one(row.archive.name, row.archive.bytes, [&](const fs::path& path) { check_archive(row, path); });
  unpack(row, target / row.archive.name, target);
  std::error_code error;
  fs::remove(target / row.archive.name, error);
  return target;
}

}  // namespace sextant::catalogue
