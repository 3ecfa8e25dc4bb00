#include "sextant/data/image_folder.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/base/files.h"
#include "sextant/base/hash.h"
#include "sextant/base/machine.h"
#include "sextant/data/raster.h"

namespace sextant {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 28;
constexpr uint64_t kTestEvery = 10;

struct Item {
  std::string name;   // path within the folder
  std::string group;  // its first folder; empty directly in the folder
  uint64_t hash = 0;
};

bool is_picture(const fs::path& file) {
  std::string ending = file.extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

std::vector<Item> find_pictures(const fs::path& folder) {
  std::error_code error;
  SEXTANT_USAGE_CHECK(fs::is_directory(folder, error), "[image folder] ", folder.string(),
                      " is no folder; set data.path to a folder of PNG or JPEG files");
  std::vector<Item> items;
  // Links are followed, since a class may lie elsewhere, but each place once: they may lead round in a circle.
  std::set<fs::path> seen = {fs::canonical(folder, error)};
  fs::recursive_directory_iterator walk(folder, fs::directory_options::follow_directory_symlink, error);
  for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    if (is_hidden(walk->path())) {
      walk.disable_recursion_pending();
    } else if (std::error_code broken; walk->is_directory(broken)) {
      SEXTANT_USAGE_CHECK(seen.insert(fs::canonical(walk->path(), error)).second, "[image folder] ",
                          walk->path().string(), " is a folder that was read already under another name; remove the ",
                          "link to it");
    } else if (is_picture(walk->path()) && walk->is_regular_file(error)) {
      const fs::path name = walk->path().lexically_relative(folder);
      items.push_back({.name = name.generic_string(),
                       .group = name.has_parent_path() ? name.begin()->string() : "",
                       .hash = fnv1a(name.generic_string())});
    }
  }
  SEXTANT_CHECK(!error, "[image folder] can't read ", folder.string(), ": ", error.message());
  std::ranges::sort(items, {}, &Item::name);
  SEXTANT_USAGE_CHECK(items.size() >= 2, "[image folder] ", folder.string(), " holds ", items.size(),
                      " PNG or JPEG files; two are the least (one to train on, one to test with)");
  const auto loose = static_cast<size_t>(std::ranges::count(items, std::string(), &Item::group));
  SEXTANT_USAGE_CHECK(loose == 0 || loose == items.size(), "[image folder] ", folder.string(), " holds ", loose,
                      " pictures directly and others in subfolders; put all into subfolders (classes) or none");
  return items;
}

Raster read_picture(const fs::path& file, int64_t image_size) {
  const Raster raster = decode_raster(read_file(file, kMaxFileBytes), file.string());
  return image_size > 0 ? centre_square(raster, image_size) : raster;
}

bool is_grey(const Raster& raster) {
  for (size_t i = 0; i < raster.bytes.size(); i += 3)
    if (raster.bytes[i] != raster.bytes[i + 1] || raster.bytes[i] != raster.bytes[i + 2]) return false;
  return true;
}

// [H,W,3] -> one picture of [3,H,W].
void to_planes(const Raster& raster, uint8_t* planes) {
  const size_t pixels = raster.bytes.size() / 3;
  for (size_t i = 0; i < pixels; ++i)
    for (size_t c = 0; c < 3; ++c) planes[c * pixels + i] = raster.bytes[3 * i + c];
}

// All pictures [N,3,H,W], or [N,1,H,W] where all are grey.
Tensor read_all(const fs::path& folder, const std::vector<Item>& items, int64_t image_size) {
  const Raster first = read_picture(folder / items[0].name, image_size);
  const auto count = static_cast<int64_t>(items.size()), bytes = static_cast<int64_t>(first.bytes.size());
  SEXTANT_CHECK(count <= this_machine().memory_bytes / bytes, "[image folder] ", count, " pictures of ", bytes,
                " bytes don't fit into this machine's memory; set data.image_size to a smaller number");
  Tensor x = at::empty({count, 3, first.height, first.width}, at::kByte);
  bool grey = true;
  for (int64_t i = 0; i < count; ++i) {
    const fs::path file = folder / items[static_cast<size_t>(i)].name;
    const Raster raster = i == 0 ? first : read_picture(file, image_size);
    SEXTANT_USAGE_CHECK(raster.width == first.width && raster.height == first.height, "[image folder] ", file.string(),
                        " has ", raster.width, " x ", raster.height, " pixels, ", items[0].name, " has ", first.width,
                        " x ", first.height, "; set data.image_size to crop and scale them all");
    grey = grey && is_grey(raster);
    to_planes(raster, x.data_ptr<uint8_t>() + i * bytes);
  }
  return grey ? x.narrow(1, 0, 1).contiguous() : x;
}

// Which items are for testing; neither split is empty.
std::vector<bool> choose_test(const std::vector<Item>& items) {
  std::vector<bool> test;
  for (const Item& item : items) test.push_back(item.hash % kTestEvery == 0);
  const auto [least, most] = std::ranges::minmax_element(items, {}, &Item::hash);
  if (std::ranges::count(test, true) == 0) test[static_cast<size_t>(least - items.begin())] = true;
  if (std::ranges::count(test, false) == 0) test[static_cast<size_t>(most - items.begin())] = false;
  return test;
}

}  // namespace

Dataset load_image_folder(const fs::path& folder, int64_t image_size) {
  const std::vector<Item> items = find_pictures(folder);
  const Tensor x = read_all(folder, items, image_size);
  const std::vector<bool> test = choose_test(items);
  std::set<std::string> groups;
  for (const Item& item : items) groups.insert(item.group);
  Dataset dataset{.name = "folder", .train = {}, .test = {}, .classes = 0, .content_hash = {}};
  if (!items[0].group.empty()) dataset.classes = static_cast<int64_t>(groups.size());
  for (const bool for_test : {false, true}) {
    std::vector<int64_t> rows, labels;
    for (size_t i = 0; i < items.size(); ++i) {
      if (test[i] != for_test) continue;
      rows.push_back(static_cast<int64_t>(i));
      labels.push_back(std::distance(groups.begin(), groups.find(items[i].group)));
    }
    Split& split = for_test ? dataset.test : dataset.train;
    split.x = x.index_select(0, at::tensor(rows, at::kLong));
    if (dataset.classes > 0) split.labels = at::tensor(labels, at::kLong);
  }
  return dataset;
}

}  // namespace sextant
