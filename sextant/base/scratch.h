// A folder for tests and half-done work that is removed when its owner goes.
#pragma once

#include <filesystem>
#include <string>

#include "sextant/base/check.h"

namespace sextant {

class ScratchFolder {
 public:
  // Makes a fresh folder under the system's temporary folder, readable by its owner only.
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sextant-XXXXXX").string();
    SEXTANT_CHECK(::mkdtemp(name.data()) != nullptr, "[scratch] can't make ", name,
                  "; set TMPDIR to a writable folder");
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace sextant
