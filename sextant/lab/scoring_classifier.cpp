#include "sextant/lab/scoring_classifier.h"

#include "sextant/base/hash.h"
#include "sextant_build_info.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;

// Those that ship, and the hash of their weights: the version is theirs and no other's.
struct Shipped {
  const char* data;
  const char* zoo;
  const char* version;
  const char* weights_sha256;
};
constexpr Shipped kShipped[] = {
    {"mnist", "zoo/classifier-mnist", "mnist-v1", "3e9560bf104837fa5780e5f203e9a7ce38e361d96cb9751bcc0120bb9706f9ad"},
    {"shapes", "zoo/classifier-shapes", "shapes-v1",
     "8ff11c0e367d7f172a4f313d49257509f2324bf3f2a15e4efe40cc623ee26b2b"},
    {"cifar10", "zoo/classifier-cifar10", "cifar10-v1",
     "f7498f7f12cb1417199a75a1e6a5e7c97aee3131886696c6b16c2ef06497c75c"},
};

fs::path shipped_for(const std::string& data) {
  for (const Shipped& row : kShipped) {
    const fs::path folder = fs::path(build_info::data_root()) / row.zoo;
    if (data == row.data && fs::exists(folder)) return folder;
  }
  throw UsageError(concat("[classifier] no classifier ships for the data set '", data,
                          "'; train one (`sextant train recipes/classifier-mnist.toml --set data.name=", data,
                          "`, which needs labels) and pass its folder with --classifier"));
}

std::string version_of(const std::string& data, const std::string& sha256) {
  for (const Shipped& row : kShipped)
    if (sha256 == row.weights_sha256) return row.version;
  return concat(data, "-", sha256.substr(0, 8));
}

}  // namespace

OpenClassifier open_scoring_classifier(const TrainedRun& run, const fs::path& folder, at::Device device) {
  const std::string& data = run.run.data.name;
  OpenClassifier open;
  open.run = open_run(folder.empty() ? shipped_for(data) : folder, device);
  auto* classifier = dynamic_cast<Classifier*>(open.run.model.get());
  SEXTANT_USAGE_CHECK(classifier, "[classifier] ", open.run.folder.string(),
                      " is no classifier; train one with recipes/classifier-mnist.toml");
  const Json &mine = run.record.at("item_shape"), &its = open.run.record.at("item_shape");
  SEXTANT_USAGE_CHECK(open.run.run.data.name == data && mine == its, "[classifier] ", open.run.folder.string(),
                      " was trained on ", open.run.run.data.name, " ", its.dump(), ", and ", run.run.name, " makes ",
                      data, " ", mine.dump(), "; train a classifier on that data and pass it with --classifier");
  const std::string sha256 = sha256_file(open.run.folder / "weights.safetensors");
  open.scoring = {.classifier = classifier,
                  .range = open.run.model->pixel_range(),
                  .version = version_of(data, sha256),
                  .fingerprint = fingerprint(open.run.run),
                  .weights_sha256 = sha256};
  return open;
}

Dataset reference_data(const Run& run) {
  DatasetConfig config = run.data;
  config.limit = config.test_limit = 0;
  return load_dataset(config);
}

}  // namespace sextant
