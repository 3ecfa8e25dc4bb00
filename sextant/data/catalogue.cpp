// The rows and the search for them; fetching and adding is in catalogue_fetch.cpp.
#include "sextant/data/catalogue.h"

#include <algorithm>
#include <cstdlib>

#include "sextant/base/check.h"
#include "sextant/base/choice.h"
#include "sextant/base/files.h"
#include "sextant/base/hash.h"
#include "sextant/data/cifar.h"
#include "sextant/data/gzip.h"
#include "sextant_build_info.h"

namespace sextant::catalogue {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kIdxImages = 16, kIdxLabels = 8, kMnistPixels = 784;  // bytes of the headers, and of a picture
constexpr int64_t kCifarFile = 10000 * static_cast<int64_t>(kCifarRecord);

// The four files of MNIST and those in its form.
std::vector<DataFile> idx_files(const char* train_x, const char* train_y, const char* test_x, const char* test_y) {
  return {{"train-images-idx3-ubyte", kIdxImages + 60000 * kMnistPixels, train_x},
          {"train-labels-idx1-ubyte", kIdxLabels + 60000, train_y},
          {"t10k-images-idx3-ubyte", kIdxImages + 10000 * kMnistPixels, test_x},
          {"t10k-labels-idx1-ubyte", kIdxLabels + 10000, test_y}};
}

std::vector<Row> make_rows() {
  std::vector<Row> rows;
  rows.push_back(
      {.name = "mnist",
       .title = "MNIST, handwritten digits",
       .format = Format::kIdx,
       .train = 60000,
       .test = 10000,
       .classes = 10,
       .shape = {1, 28, 28},
       .files = idx_files("6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624",
                          "2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637"),
       .archive = {},
       .mirrors = {"https://ossci-datasets.s3.amazonaws.com/mnist/",
                   "https://storage.googleapis.com/cvdf-datasets/mnist/"},
       .folder = "mnist",
       .system_folder = {},
       .package = {},
       .licence = "CC BY-SA 3.0",
       .citation = "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, 1998"});
  rows.push_back({.name = "fashion_mnist",
                  .title = "Fashion-MNIST, articles of clothing",
                  .format = Format::kIdx,
                  .train = 60000,
                  .test = 10000,
                  .classes = 10,
                  .shape = {1, 28, 28},
                  .files = idx_files("f4a8712d7a061bf5bd6d2ca38dc4d50a", "9018921c3c673c538a1fc5bad174d6f9",
                                     "8181f5470baa50b63fa0f6fddb340f0a", "15d484375f8d13e6eb1aabb0c3f46965"),
                  .archive = {},
                  .mirrors = {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"},
                  .folder = "fashion-mnist",
                  .system_folder = "/usr/share/datasets/fashion-mnist",
                  .package = "dataset-fashion-mnist",
                  .licence = "MIT",
                  .citation = "Xiao, Rasul, Vollgraf: Fashion-MNIST, a novel image dataset, 2017"});
  std::vector<DataFile> batches;
  for (const char* name : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                           "data_batch_5.bin", "test_batch.bin"})
    batches.push_back({name, kCifarFile, ""});
  rows.push_back({.name = "cifar10",
                  .title = "CIFAR-10, small colour pictures",
                  .format = Format::kCifar,
                  .train = 50000,
                  .test = 10000,
                  .classes = 10,
                  .shape = {3, 32, 32},
                  .files = batches,
                  .archive = {"cifar-10-binary.tar.gz", 170052171, "c32a1d4ab5d03f1284b67883e8d87530"},
                  .mirrors = {"https://www.cs.toronto.edu/~kriz/"},
                  .folder = "cifar-10-batches-bin",
                  .system_folder = {},
                  .package = {},
                  .licence = "none stated by its authors",
                  .citation = "Krizhevsky: Learning multiple layers of features from tiny images, 2009"});
  const auto made = [&](const char* name, const char* title, int64_t classes, std::vector<int64_t> shape) {
    Row row;
    row.name = name, row.title = title, row.classes = classes, row.shape = std::move(shape);
    row.licence = "made by the program";
    rows.push_back(row);
  };
  made("two_moons", "Two moons, points of the plane", 2, {2});
  made("ring_gaussians", "Eight Gaussians on a ring, points of the plane", 8, {2});
  made("checkerboard", "Checkerboard, points of the plane", 0, {2});
  made("swiss_roll", "Swiss roll, points of the plane", 0, {2});
  made("shapes", "Coloured shapes, small colour pictures", 10, {3, 32, 32});
  // The net of Heusel et al. 2017 as the pytorch-fid project ported it. Its SHA-256 alone says that a file is this one.
  Row inception;
  inception.name = "inception";
  inception.title = "Inception-v3 of December 2015, the net that FID is measured with";
  inception.format = Format::kWeights;
  inception.files = {{"pt_inception-2015-12-05-6726825d.pth", 95628359, "",
                      "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"}};
  inception.mirrors = {"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"};
  inception.served_ending = "";
  inception.folder = "inception";
  inception.licence = "Apache-2.0";
  inception.citation = "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception architecture, 2015";
  rows.push_back(inception);
  rows.push_back({.name = "folder",
                  .title = "A folder of PNG or JPEG files (data.path)",
                  .format = Format::kFolder,
                  .train = 0,
                  .test = 0,
                  .classes = 0,
                  .shape = {},
                  .files = {},
                  .archive = {},
                  .mirrors = {},
                  .folder = {},
                  .system_folder = {},
                  .package = {},
                  .licence = "your own",
                  .citation = {}});
  return rows;
}

// $NAME/tail, or nothing where the variable is not set.
std::optional<fs::path> from_environment(const char* name, const char* tail) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? std::optional(fs::path(value) / tail) : std::nullopt;
}

std::optional<fs::path> user_root() {
  auto root = from_environment("XDG_DATA_HOME", "sextant");
  return root ? root : from_environment("HOME", ".local/share/sextant");
}

bool holds(const fs::path& folder, const Row& row) {
  return std::ranges::all_of(row.files, [&](const DataFile& file) { return find_file(folder, file).has_value(); });
}

// `root` itself, or the folder in it that the set usually has.
std::optional<fs::path> under(const fs::path& root, const Row& row) {
  for (const fs::path& folder : {root, root / row.name, root / row.folder, root / row.name / row.folder})
    if (holds(folder, row)) return folder;
  return std::nullopt;
}

}  // namespace

const std::vector<Row>& rows() {
  static const std::vector<Row> kRows = make_rows();
  return kRows;
}

const Row& row(const std::string& name) {
  for (const Row& row : rows())
    if (row.name == name) return row;
  std::vector<std::string> known;
  for (const Row& row : rows()) known.push_back(row.name);
  refuse_unknown("config", "data.name", name, known);
}

std::optional<fs::path> find_file(const fs::path& folder, const DataFile& file) {
  std::error_code error;
  for (const char* ending : {"", ".gz"}) {
    const fs::path path = folder / (file.name + ending);
    if (fs::is_regular_file(path, error)) return path;
  }
  return std::nullopt;
}

std::optional<fs::path> where(const Row& row, const std::string& path) {
  if (row.files.empty()) return std::nullopt;
  if (!path.empty()) return under(path, row);
  std::vector<fs::path> roots;
  if (const auto root = from_environment("SEXTANT_DATA", "")) roots.push_back(*root);
  if (const auto root = user_root()) roots.push_back(*root);
  roots.push_back(build_info::data_root() / "assets");
  if (!row.system_folder.empty()) roots.emplace_back(row.system_folder);
  for (const fs::path& root : roots)
    if (auto folder = under(root, row)) return folder;
  return std::nullopt;
}

std::string read_verified(const fs::path& path, const DataFile& file) {
  std::string bytes = read_file(path, static_cast<size_t>(file.bytes) + (size_t{1} << 20));
  if (is_gzip(bytes)) bytes = gunzip(bytes, static_cast<size_t>(file.bytes), path.string());
  SEXTANT_CHECK(static_cast<int64_t>(bytes.size()) == file.bytes, "[data] ", path.string(), " holds ", bytes.size(),
                " bytes; expected are ", file.bytes, ". It is cut short or another file: fetch it again");
  if (!file.md5.empty()) {
    const std::string md5 = md5_hex(bytes);
    SEXTANT_CHECK(md5 == file.md5, "[data] ", path.string(), " has the MD5 ", md5, "; published is ", file.md5,
                  ". It was damaged or changed: fetch it again");
  }
  if (!file.sha256.empty()) {
    const std::string sha256 = sha256_hex(bytes);
    SEXTANT_CHECK(sha256 == file.sha256, "[data] ", path.string(), " has the SHA-256 ", sha256, "; published is ",
                  file.sha256, ". It was damaged or changed: fetch it again");
  }
  return bytes;
}

fs::path home(const Row& row) {
  if (const auto root = from_environment("SEXTANT_DATA", "")) return *root / row.name;
  const auto root = user_root();
  SEXTANT_CHECK(root, "[data] no place for data is known: set SEXTANT_DATA to a folder");
  return *root / row.name;
}

std::string remedies(const Row& row) {
  std::string text =
      concat(row.name, " is not at hand; `sextant data fetch ", row.name, "` gets it, `sextant data add ", row.name,
             " PATH` takes it from a ", row.files.size() == 1 ? "file" : "folder");
  if (!row.archive.name.empty()) text += concat(" or from ", row.archive.name);
  if (!row.package.empty()) text += concat(", and so does installing the Debian package ", row.package);
  return text;
}

std::vector<Presence> list() {
  std::vector<Presence> result;
  for (const Row& row : rows()) {
    const auto folder = where(row);
    result.push_back({.row = &row, .at_hand = row.made() || folder.has_value(), .folder = folder.value_or(fs::path())});
  }
  return result;
}

void check_form(const Row& row, std::string_view bytes, const std::string& source) {
  if (row.format != Format::kCifar) return;  // the others' checksums are published
  CifarRecords records;
  parse_cifar(bytes, source, records);
}

std::vector<Verdict> verify(const std::string& name, const std::string& path) {
  const Row& wanted = row(name);
  SEXTANT_USAGE_CHECK(!wanted.files.empty(), "[data] ", name, " has no files of its own: there is nothing to verify");
  const auto folder = where(wanted, path);
  SEXTANT_CHECK(folder, "[data] ", remedies(wanted));
  std::vector<Verdict> verdicts;
  for (const DataFile& file : wanted.files) {
    Verdict verdict{
        .file = find_file(*folder, file).value_or(*folder / file.name), .good = true, .text = "as published"};
    try {
      const std::string bytes = read_verified(verdict.file, file);
      check_form(wanted, bytes, verdict.file.string());
      if (file.md5.empty() && file.sha256.empty())
        verdict.text = concat("right form; no checksum is published for it; MD5 ", md5_hex(bytes));
    } catch (const Error& error) {
      verdict.good = false;
      verdict.text = error.what();
    }
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

}  // namespace sextant::catalogue
