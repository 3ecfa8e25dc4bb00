// The data sets that the program knows, and the weights of others that it can use, as data: their files, checksums,
// places and licences, and where they are on this machine. A new one is a row in catalogue.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::catalogue {

enum class Format { kIdx, kCifar, kFolder, kMade, kWeights };  // kMade: by the program, from nothing; kWeights: no data

// A file as a reader wants it. On disk it may be compressed (name + ".gz"); bytes and sums are of the content.
struct DataFile {
  std::string name;
  int64_t bytes = 0;
  std::string md5;     // empty: none is published, only the form can be checked
  std::string sha256;  // the same
};

// What the mirrors serve: the files above one by one, or an archive that holds them all.
struct Archive {
  std::string name;  // empty: single files
  int64_t bytes = 0;
  std::string md5;
};

struct Row {
  std::string name, title;
  Format format = Format::kMade;
  int64_t train = 0, test = 0, classes = 0;  // items; 0: as the config says
  std::vector<int64_t> shape;                // of an item
  std::vector<DataFile> files;               // training files first
  Archive archive;
  std::string served_ending = ".gz";  // behind a single file's name on the mirrors
  std::vector<std::string> mirrors;   // addresses of the folders that hold the files or the archive
  std::string folder;                 // the name that a folder with the files usually has
  std::string system_folder;          // where a Debian package puts it, and the package
  std::string package;
  std::string licence, citation;
  bool made() const { return format == Format::kMade; }
};

const std::vector<Row>& rows();

// Throws UsageError naming the known ones, the nearest first.
const Row& row(const std::string& name);

// The folder that holds all files of a set: `path` where it is given, else the first of $SEXTANT_DATA, the user's data
// folder ($XDG_DATA_HOME or ~/.local/share)/sextant, the program's own assets, and the system's. Nothing when it is not
// at hand, or the set has no files. Only names are looked at.
std::optional<std::filesystem::path> where(const Row& row, const std::string& path = {});

// The file of that folder that holds `file`, plain or compressed.
std::optional<std::filesystem::path> find_file(const std::filesystem::path& folder, const DataFile& file);

// One of `row`'s files, decompressed; throws Error unless length and sums are right.
std::string read_verified(const std::filesystem::path& path, const DataFile& file);

// Where fetch and add put a set: $SEXTANT_DATA/NAME, or the user's data folder's. Throws Error when neither is known.
std::filesystem::path home(const Row& row);

// "mnist is not at hand … `sextant data fetch mnist` … `sextant data add mnist PATH`"
std::string remedies(const Row& row);

struct Presence {
  const Row* row;
  bool at_hand;
  std::filesystem::path folder;  // empty for those that the program makes
};
std::vector<Presence> list();

// What re-reading and hashing every file of a set says.
struct Verdict {
  std::filesystem::path file;
  bool good = false;
  std::string text;  // "as published", "right form; no checksum is published for it", or what is wrong
};
// Throws Error where `bytes` have not the form that the row's format prescribes; nothing is checked where checksums are
// published.
void check_form(const Row& row, std::string_view bytes, const std::string& source);

// Throws Error with the remedies when the set is not at hand, UsageError when it has no files.
std::vector<Verdict> verify(const std::string& name, const std::string& path = {});

// Copies a set from `path` (a folder with its files, its archive, or its only file under any name) to home(), after
// verifying each. Returns the folder. Throws Error and copies nothing when one file is missing or wrong.
std::filesystem::path add(const Row& row, const std::filesystem::path& path);

// `done` of `total` bytes (0: unknown) of the file named.
using FetchProgress = std::function<void(const std::string& file, int64_t done, int64_t total)>;
struct FetchOptions {
  std::vector<std::string> mirrors;  // instead of the row's
  FetchProgress progress;
  long connect_s = 20, stall_s = 30;
};
// Fetches what is missing to home(), verifies it, and returns the folder. Throws Error (see download.h).
std::filesystem::path fetch(const Row& row, const FetchOptions& options = {});

}  // namespace sextant::catalogue
