// Files that are whole or absent. Whatever the program writes appears under its name only when it is complete: it is
// written beside, flushed to disk and renamed. A kill or a full disk leaves the old file, never half of a new one.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace sextant {

// The whole file. Throws Error when it is missing, unreadable, no regular file or larger than `max_bytes`
// (checked before anything is allocated).
std::string read_file(const std::filesystem::path& file, size_t max_bytes = size_t{1} << 32);

// Replaces `file` with `bytes` in one step, making its folder when needed. Throws Error (disk full, no permission) and
// then leaves the old file as it was.
void write_file(const std::filesystem::path& file, std::string_view bytes);

// A folder that appears in one step: fill path(), then commit(). Without commit the destructor removes it.
class NewFolder {
 public:
  // `final_path` must not exist when commit() is called; its parent is made when needed.
  explicit NewFolder(std::filesystem::path final_path);
  ~NewFolder();
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void commit();

 private:
  std::filesystem::path final_, path_;
  bool committed_ = false;
};

// Leftovers of NewFolder and write_file after a kill are named so.
bool is_leftover(const std::filesystem::path& path);

// Holds a folder for one process by a lock on `folder/lock`; the kernel releases it however the process ends.
class FolderLock {
 public:
  // Throws Error naming the holder (process id, host, since when) when another process has the folder, and when the
  // folder can't be written.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace sextant
