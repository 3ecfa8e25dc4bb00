// One file over HTTP, from the first of several mirrors that gives the right bytes (libcurl).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace sextant {

struct DownloadOptions {
  int64_t max_bytes = 0;                                      // stop a server that sends more
  std::function<void(const std::filesystem::path&)> check;    // throws Error when the whole file is not the right one
  std::function<void(int64_t done, int64_t total)> progress;  // bytes; total 0: unknown. Must not throw
  long connect_s = 20, stall_s = 30;                          // seconds without a connection, without a byte
};

// Fetches into `target`. The bytes gather in `target`.partial, which a later call continues where the server can
// (Range); it is checked and renamed when it is whole, and removed when it is wrong. Throws Error that tells for each
// of `urls` why it failed and what to do, Interrupted after SIGINT or SIGTERM, Error at once when the disk is full.
void download(const std::vector<std::string>& urls, const std::filesystem::path& target,
              const DownloadOptions& options);

}  // namespace sextant
