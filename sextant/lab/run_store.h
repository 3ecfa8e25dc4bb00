// Runs: what was trained, with what, and where it lies. A run's folder is runs/<name>-<fingerprint>/; the fingerprint
// hashes its data, model and training settings and not its name, so exercises share runs. `zoo/` holds run folders too,
// reduced to config.json, weights.safetensors (often in bfloat16) and, where a page needs them, log.jsonl and sets of
// samples.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "sextant/families/registry.h"
#include "sextant/train/trainer.h"

namespace sextant {

struct Run {
  std::string name = "run";
  DatasetConfig data;
  ModelConfig model;
  TrainConfig train;
  static constexpr auto fields() {
    return std::tuple{Field{"name", &Run::name, "short name: letters, digits and -"},
                      Field{"data", &Run::data, "what is read"}, Field{"model", &Run::model, "family and net"},
                      Field{"train", &Run::train, "how long and how"}};
  }
};

// What of `json` differs from `defaults`, objects in objects too: hashed, it keeps its name when a setting is added
// later.
Json without_defaults(const Json& json, const Json& defaults);

// 16 hex digits over everything but the name that differs from the defaults.
std::string fingerprint(const Run& run);

// Reads a recipe (TOML) and applies `path=value` settings in order. Throws UsageError naming file and key.
Run read_recipe(const std::filesystem::path& file, const std::vector<std::string>& settings);

// A finished run, ready to use: weights loaded, model in eval mode.
struct TrainedRun {
  Run run;
  std::filesystem::path folder;
  Json record;  // config.json: fingerprint, data hash, version, and for a finished run its machine and wall time
  std::shared_ptr<Trainable> model;
  bool bfloat16_weights = false;  // how they were stored
  // The zoo's folder that the weights were copied from; empty where they were trained here.
  std::string zoo() const { return record.value("zoo", ""); }
  // The model as one that can be sampled. Throws UsageError where it is none.
  GenerativeModel& generative() const;
  // Seconds of training; 0 where a kill came between the weights and their record.
  double trained_s() const { return record.value("finished", Json::object()).value("wall_s", 0.0); }
  at::Device device() const { return model->device(); }
  std::shared_ptr<const Dataset> data;  // null until needed: see RunStore::data
};

// Opens a run folder or a zoo entry. Throws Error when it is no run, half-written, of another version or unfinished.
TrainedRun open_run(const std::filesystem::path& folder, at::Device device = at::kCPU);

// A run folder, or a zoo entry of the installed data ("zoo/vae-mnist"), or a recipe the same way.
std::filesystem::path find_shipped(const std::string& name);

// Copies the sets of samples that lie beside a run's weights, if any.
void copy_sample_sets(const std::filesystem::path& from, const std::filesystem::path& to);

class RunStore {
 public:
  // `root` holds the run folders; it is made when something is trained. `from_zoo`: a run that the zoo holds, log
  // included, is copied from there instead of being trained.
  RunStore(std::filesystem::path root, bool quiet, at::Device device = at::kCPU, bool from_zoo = false);

  std::filesystem::path folder_of(const Run& run) const;
  // The finished run: reused when it is there, resumed when it was cut off, else trained. One process a folder at a
  // time.
  TrainedRun ensure(const Run& run);
  // The same, in a folder of the caller's choice. `may_resume` false: Error where training has begun there.
  TrainedRun ensure_in(const std::filesystem::path& folder, const Run& run, bool may_resume = true);
  // Each data set is read once.
  std::shared_ptr<const Dataset> data(const DatasetConfig& config);

 private:
  TrainedRun reopen(const std::filesystem::path& folder, const Run& run);
  // From the start, or from the checkpoint that lies there.
  TrainedRun train_in(const std::filesystem::path& folder, const Run& run,
                      const std::shared_ptr<const Dataset>& dataset);

  std::filesystem::path root_;
  bool quiet_;
  at::Device device_;
  bool from_zoo_;
  std::map<std::string, std::shared_ptr<const Dataset>> data_;
};

}  // namespace sextant
