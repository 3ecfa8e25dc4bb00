// A data set is two splits held whole in memory: pictures as bytes, or points of the plane as floats. Everything that
// trains or measures reads this and nothing else; readers (idx, cifar, image_folder, toy) make it.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <string>

#include "sextant/base/fields.h"

namespace sextant {

using at::Tensor;

// One split. `x` is uint8 [N,C,H,W] for pictures, float32 [N,2] for points; `labels` is int64 [N], or undefined.
struct Split {
  Tensor x;
  Tensor labels;
  int64_t size() const { return x.size(0); }
};

struct Dataset {
  std::string name;  // as in the catalogue
  Split train, test;
  int64_t classes = 0;       // 0: no labels
  std::string content_hash;  // sha256 over both splits' bytes: names what was really read
  bool pictures() const { return train.x.dim() == 4; }
};

// What a run reads. Catalogue names: `sextant data list`.
struct DatasetConfig {
  std::string name = "mnist";
  std::string path;          // a folder of one's own (name = "folder"), or where the files lie; empty: the usual places
  int64_t limit = 0;         // use only the first so many training items; 0: all
  int64_t test_limit = 0;    // the same for the test split
  int64_t image_size = 0;    // image folders: centre-crop and resize to this many pixels a side; 0: as given
  double noise = 0.1;        // toys: standard deviation of the noise added to the points
  int64_t toy_size = 20000;  // toys: training points; the test split has as many
  static constexpr auto fields() {
    return std::tuple{
        Field{"name", &DatasetConfig::name, "data set, as in `sextant data list`"},
        Field{"path", &DatasetConfig::path, "folder of pictures, or where the files of a known set lie"},
        Field{"limit", &DatasetConfig::limit, "use only the first so many training items; 0: all", at_least(0)},
        Field{"test_limit", &DatasetConfig::test_limit, "use only the first so many test items; 0: all", at_least(0)},
        Field{"image_size", &DatasetConfig::image_size, "image folders: crop and resize to so many pixels a side",
              between(0, 4096)},
        Field{"noise", &DatasetConfig::noise, "toys: standard deviation of the noise", at_least(0)},
        Field{"toy_size", &DatasetConfig::toy_size, "toys: points a split", between(1, 1e8)},
    };
  }
};

// Throws UsageError where a setting is not the usual one though nothing reads it for that data set.
void refuse_idle_settings(const DatasetConfig& config);

// Loads by name, verifies checksums of known files, applies the limits. Throws Error naming both remedies (`sextant
// data fetch NAME`, `sextant data add NAME PATH`) when the data is not at hand, UsageError for an unknown name.
Dataset load_dataset(const DatasetConfig& config);

}  // namespace sextant
