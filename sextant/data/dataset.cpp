#include "sextant/data/dataset.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "sextant/base/check.h"
#include "sextant/base/hash.h"
#include "sextant/data/catalogue.h"
#include "sextant/data/cifar.h"
#include "sextant/data/idx.h"
#include "sextant/data/image_folder.h"
#include "sextant/data/shapes.h"
#include "sextant/data/toys.h"
#include "sextant/tensor/shape.h"

namespace sextant {
namespace fs = std::filesystem;
namespace {

// Bytes as a tensor without a copy: it keeps the string alive. `offset` bytes at its beginning are left out.
Tensor adopt(std::string bytes, size_t offset, at::IntArrayRef shape) {
  auto owner = std::make_shared<std::string>(std::move(bytes));
  char* data = owner->data() + offset;
  return at::from_blob(
      data, shape, [owner](void*) {}, at::TensorOptions(at::kByte));
}

// Labels as int64, each below `classes`.
template <class Bytes>
Tensor labels_tensor(const Bytes& labels, int64_t classes, const std::string& source) {
  Tensor tensor = at::empty({static_cast<int64_t>(labels.size())}, at::kLong);
  int64_t* out = tensor.data_ptr<int64_t>();
  for (const auto byte : labels) {
    const int64_t label = static_cast<unsigned char>(byte);
    SEXTANT_CHECK(label < classes, "[data] ", source, " holds the label ", label, "; there are ", classes, " classes");
    *out++ = label;
  }
  return tensor;
}

Split read_idx_split(const fs::path& folder, const catalogue::Row& row, size_t first) {
  const auto read = [&](const catalogue::DataFile& file) {
    const fs::path path = *catalogue::find_file(folder, file);
    return parse_idx(catalogue::read_verified(path, file), path.string());
  };
  IdxArray images = read(row.files[first]);
  const IdxArray labels = read(row.files[first + 1]);
  SEXTANT_CHECK(images.shape.size() == 3 && labels.shape.size() == 1 && images.shape[0] == labels.shape[0], "[data] ",
                folder.string(), ": ", row.files[first].name, " has the shape ", shape_text(images.shape), " and ",
                row.files[first + 1].name, " ", shape_text(labels.shape),
                "; expected are pictures and a label for each");
  const std::vector<int64_t> shape{images.shape[0], 1, images.shape[1], images.shape[2]};
  return {.x = adopt(std::move(images.plain), images.header_bytes, shape),
          .labels = labels_tensor(labels.elements(), row.classes, row.files[first + 1].name)};
}

Split read_cifar_split(const fs::path& folder, const catalogue::Row& row, size_t first, size_t last) {
  CifarRecords records;
  for (size_t i = first; i < last; ++i) {
    const fs::path path = *catalogue::find_file(folder, row.files[i]);
    parse_cifar(catalogue::read_verified(path, row.files[i]), path.string(), records);
  }
  const auto count = static_cast<int64_t>(records.labels.size());
  return {.x = adopt(std::move(records.pixels), 0, {count, kCifarChannels, kCifarSide, kCifarSide}),
          .labels = labels_tensor(records.labels, row.classes, folder.string())};
}

Dataset read_files(const catalogue::Row& row, const std::string& path) {
  const auto folder = catalogue::where(row, path);
  SEXTANT_CHECK(folder, "[data] ", path.empty() ? "" : concat("data.path = ", path, " lacks files of it: "),
                catalogue::remedies(row));
  Dataset dataset{.name = row.name, .train = {}, .test = {}, .classes = row.classes, .content_hash = {}};
  switch (row.format) {
    case catalogue::Format::kIdx:
      dataset.train = read_idx_split(*folder, row, 0);
      dataset.test = read_idx_split(*folder, row, 2);
      break;
    case catalogue::Format::kCifar:
      dataset.train = read_cifar_split(*folder, row, 0, row.files.size() - 1);
      dataset.test = read_cifar_split(*folder, row, row.files.size() - 1, row.files.size());
      break;
    case catalogue::Format::kMade:
    case catalogue::Format::kFolder:
    case catalogue::Format::kWeights:
      SEXTANT_CHECK(false, "[data] ", row.name, " has no files to read in a known form");
  }
  return dataset;
}

void limit(Split& split, int64_t count, const char* field) {
  if (count == 0) return;
  SEXTANT_USAGE_CHECK(count <= split.size(), "[data] ", field, " = ", count, ", but the split has ", split.size(),
                      " items; lower it or set it to 0 (all)");
  split.x = split.x.narrow(0, 0, count);
  if (split.labels.defined()) split.labels = split.labels.narrow(0, 0, count);
}

// A digest of shape and bytes.
std::string digest(const Tensor& tensor) {
  if (!tensor.defined()) return "none";
  const std::string_view bytes(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
  return shape_text(tensor) + sha256_hex(bytes);
}

}  // namespace

void refuse_idle_settings(const DatasetConfig& config) {
  const catalogue::Row& row = catalogue::row(config.name);
  const DatasetConfig usual;
  const bool points = row.made() && row.shape.size() == 1;
  SEXTANT_USAGE_CHECK(points || (config.noise == usual.noise && config.toy_size == usual.toy_size),
                      "[config] data.noise and data.toy_size are for points of the plane, such as two_moons; ",
                      row.name, " has none: leave them out");
  SEXTANT_USAGE_CHECK(!row.made() || config.path.empty(), "[config] data.path has no effect: ", row.name,
                      " is made by the program; leave it out");
}

Dataset load_dataset(const DatasetConfig& config) {
  const catalogue::Row& row = catalogue::row(config.name);
  SEXTANT_USAGE_CHECK(row.format != catalogue::Format::kWeights, "[data] ", row.name, " is no data set: it is ",
                      row.title, ". See `sextant data list`");
  SEXTANT_USAGE_CHECK(config.image_size == 0 || row.format == catalogue::Format::kFolder, "[data] image_size is for ",
                      "folders of pictures; ", row.name, " has its own size: leave it at 0");
  Dataset dataset;
  if (!row.made() && row.format != catalogue::Format::kFolder) {
    dataset = read_files(row, config.path);
  } else if (row.format == catalogue::Format::kFolder) {
    dataset = load_image_folder(config.path, config.image_size);
  } else if (row.shape.size() == 1) {
    dataset = load_toy(config);
  } else {
    dataset = make_shapes();
  }
  limit(dataset.train, config.limit, "data.limit");
  limit(dataset.test, config.test_limit, "data.test_limit");
  dataset.content_hash = sha256_hex(digest(dataset.train.x) + digest(dataset.train.labels) + digest(dataset.test.x) +
                                    digest(dataset.test.labels));
  return dataset;
}

}  // namespace sextant
