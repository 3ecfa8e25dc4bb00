#include "sextant/lab/run_store.h"

#include <ATen/Parallel.h>
#include <algorithm>
#include <cctype>

#include "sextant/base/files.h"
#include "sextant/base/machine.h"
#include "sextant/tensor/device.h"

#include "sextant_build_info.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;

constexpr int kRunFormat = 1;
constexpr size_t kMaxConfigBytes = size_t{1} << 20;

void check_name(const std::string& name) {
  const bool fine = !name.empty() && name.size() <= 64 &&
                    std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
  SEXTANT_USAGE_CHECK(fine, "[run] a run's name has 1 to 64 letters, digits, - or _; got '", name, "'");
}

Json record_of(const Run& run, const Dataset& data) {
  const ItemShape shape = item_shape(data);
  return {{"format", kRunFormat},
          {"version", std::string(build_info::kVersion)},
          {"fingerprint", fingerprint(run)},
          {"run", to_json(run)},
          {"data_sha256", data.content_hash},
          {"item_shape", shape.sizes},
          {"classes", shape.classes}};
}

Json read_record(const fs::path& folder) {
  const fs::path file = folder / "config.json";
  std::error_code denied;
  SEXTANT_CHECK(fs::exists(file, denied) || denied, "[run] ", folder.string(),
                " is no run: it holds no config.json. `sextant list` shows ",
                "recipes; `sextant train RECIPE` makes a run");
  Json record = parse_json(read_file(file, kMaxConfigBytes), file.string());
  SEXTANT_CHECK(record.is_object() && record.contains("format"), "[run] ", file.string(),
                " is not a run's record; restore it or train again");
  SEXTANT_CHECK(record["format"] == kRunFormat, "[run] ", folder.string(), " was written by another version (format ",
                record["format"].dump(), ", this program knows ", kRunFormat, "); use that version, or train again");
  return record;
}

// The record's fields with the types that they must have; JSON's own errors become ours.
template <class Use>
auto from_record(const fs::path& folder, const Use& use) {
  try {
    return use();
  } catch (const Json::exception& error) {
    throw Error(concat("[run] ", (folder / "config.json").string(), " is damaged (", error.what(),
                       "); restore it or train again"));
  }
}

// The weights come last: with them the run counts as finished.
void take_from_zoo(const fs::path& zoo, const fs::path& folder, const std::string& data_sha256) {
  Json record = read_record(zoo);
  SEXTANT_USAGE_CHECK(record.value("data_sha256", "") == data_sha256, "[run] ", zoo.string(),
                      " was trained on other data than is at hand; restore the data, or run without --zoo");
  record["zoo"] = concat("zoo/", zoo.filename().string());
  write_file(folder / "config.json", record.dump(1));
  copy_sample_sets(zoo, folder);
  for (const char* name : {"log.jsonl", "weights.safetensors"}) write_file(folder / name, read_file(zoo / name));
}

// Removes the record of a run that never began, and its folder where that is new; one that holds anything else stays.
void discard_unbegun(const fs::path& folder, bool folder_is_new) {
  std::error_code ignored;
  fs::remove(folder / "config.json", ignored);
  if (!folder_is_new) return;
  fs::remove(folder / "lock", ignored);
  fs::remove(folder, ignored);
}

// Removes what a copy from the zoo left that was cut off: its samples are not those of a run trained here.
void discard_half_copy(const fs::path& folder) {
  if (!fs::exists(folder / "config.json") || !read_record(folder).contains("zoo")) return;
  std::error_code ignored;
  for (const char* name : {"samples", "log.jsonl", "config.json"}) fs::remove_all(folder / name, ignored);
}

bool is_finished(const fs::path& folder) { return fs::exists(folder / "weights.safetensors"); }

void check_same_run(const std::string& found, const Run& run, const fs::path& folder) {
  SEXTANT_CHECK(found == fingerprint(run), "[run] ", folder.string(),
                " holds another run; choose another --out, or remove it");
}

void check_data(const Json& record, const Dataset& data, const fs::path& folder) {
  SEXTANT_CHECK(record.value("data_sha256", "") == data.content_hash, "[run] the data has changed since ",
                folder.string(), " was begun; restore it, or remove the folder to begin again");
}

void check_resumable(const fs::path& folder, const Run& run, const Dataset& data, bool may_resume) {
  SEXTANT_USAGE_CHECK(may_resume, "[run] ", folder.string(),
                      " holds a run that was cut off; add --resume to go on with it, ",
                      "or choose another folder with --out");
  const Json record = read_record(folder);
  check_same_run(record.value("fingerprint", ""), run, folder);
  check_data(record, data, folder);
}

}  // namespace

void copy_sample_sets(const fs::path& from, const fs::path& to) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(from / "samples", error))
    if (entry.path().extension() == ".safetensors")
      write_file(to / "samples" / entry.path().filename(), read_file(entry.path()));
}

Json without_defaults(const Json& json, const Json& defaults) {
  Json kept = Json::object();
  for (const auto& [key, value] : json.items()) {
    const auto usual = defaults.find(key);
    if (usual == defaults.end())
      kept[key] = value;
    else if (value.is_object() && usual->is_object()) {
      if (Json inner = without_defaults(value, *usual); !inner.empty()) kept[key] = std::move(inner);
    } else if (value != *usual)
      kept[key] = value;
  }
  return kept;
}

std::string fingerprint(const Run& run) {
  const auto defaults =
      std::visit([](const auto& model) { return ModelConfig(std::decay_t<decltype(model)>{}); }, run.model);
  Json json = without_defaults(to_json(run), to_json(Run{.model = defaults}));
  json.erase("name");
  json["family"] = std::visit([](const auto& model) { return std::string(model.kTag.value); }, run.model);
  return fingerprint(json);
}

Run read_recipe(const fs::path& file, const std::vector<std::string>& settings) {
  Run run;
  run.name = file.stem().string();
  try {
    assign(run, parse_toml(read_file(file, kMaxConfigBytes), file.string()));
  } catch (const UsageError& error) {
    throw UsageError(concat(error.what(), " (in ", file.string(), ")"));
  }
  for (const std::string& setting : settings) set(run, setting);
  check_name(run.name);
  return run;
}

TrainedRun open_run(const fs::path& folder, at::Device device) {
  TrainedRun trained;  // filled step by step: GCC 12 destroys members twice when an initialiser in braces throws
  trained.folder = folder;
  trained.record = read_record(folder);
  const fs::path weights = folder / "weights.safetensors";
  SEXTANT_CHECK(fs::exists(weights), "[run] ", folder.string(), " is not finished: it has no weights.safetensors. ",
                "`sextant train RECIPE --resume` goes on with it");
  from_record(folder, [&] {
    assign(trained.run, trained.record.at("run"));
    const ItemShape shape = {.sizes = trained.record.at("item_shape").get<std::vector<int64_t>>(),
                             .classes = trained.record.at("classes").get<int64_t>()};
    const bool sane = !shape.sizes.empty() && shape.sizes.size() <= 4 &&
                      std::ranges::all_of(shape.sizes, [](int64_t n) { return n >= 1 && n <= 65536; });
    SEXTANT_CHECK(sane, "[run] ", folder.string(), " records an impossible item shape; restore config.json");
    trained.model = build_model(trained.run.model, shape, Rng(0));
  });
  const NamedTensors stored = load_tensors(weights).tensors;
  trained.bfloat16_weights =
      std::ranges::any_of(stored, [](const auto& item) { return item.second.scalar_type() == at::kBFloat16; });
  copy_tensors_(named_tensors(*trained.model), stored, weights.string());
  trained.model->to(device);
  trained.model->eval();
  return trained;
}

GenerativeModel& TrainedRun::generative() const {
  auto* found = dynamic_cast<GenerativeModel*>(model.get());
  SEXTANT_USAGE_CHECK(found, "[run] ", run.name, " is no generative model: it can't be sampled");
  return *found;
}

fs::path find_shipped(const std::string& name) {
  if (fs::exists(name)) return name;
  const auto shipped = build_info::data_root() / name;
  return fs::exists(shipped) ? shipped : fs::path(name);
}

namespace {

// The entry that holds this run with its log, if any.
std::optional<fs::path> in_zoo(const Run& run) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(find_shipped("zoo"), error)) {
    const fs::path& folder = entry.path();
    const auto holds = [&](const char* name) { return fs::exists(folder / name); };
    if (!holds("config.json") || !holds("weights.safetensors") || !holds("log.jsonl")) continue;
    if (read_record(folder).value("fingerprint", "") == fingerprint(run)) return folder;
  }
  return std::nullopt;
}

}  // namespace

RunStore::RunStore(fs::path root, bool quiet, at::Device device, bool from_zoo)
    : root_(std::move(root)), quiet_(quiet), device_(device), from_zoo_(from_zoo) {}

fs::path RunStore::folder_of(const Run& run) const {
  const std::string hash = fingerprint(run);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root_, error))
    if (entry.path().filename().string().ends_with("-" + hash)) return entry.path();  // trained under another name
  return root_ / concat(run.name, "-", hash);
}

std::shared_ptr<const Dataset> RunStore::data(const DatasetConfig& config) {
  auto& entry = data_[to_json(config).dump()];
  if (!entry) entry = std::make_shared<const Dataset>(load_dataset(config));
  return entry;
}

TrainedRun RunStore::ensure(const Run& run) { return ensure_in(folder_of(run), run); }

TrainedRun RunStore::ensure_in(const fs::path& folder, const Run& run, bool may_resume) {
  check_name(run.name);
  if (is_finished(folder)) return reopen(folder, run);
  const auto dataset = data(run.data);
  const bool folder_is_new = !fs::exists(folder);
  const FolderLock lock(folder);
  if (is_finished(folder)) return reopen(folder, run);  // by another process, since we looked
  discard_half_copy(folder);
  const bool begun = fs::exists(folder / "config.json");
  if (begun) check_resumable(folder, run, *dataset, may_resume);
  try {
    if (!begun) refuse_idle_settings(run.data);  // begun by an earlier version, it may have such a setting
    if (const auto zoo = from_zoo_ && !begun ? in_zoo(run) : std::nullopt) {
      take_from_zoo(*zoo, folder, dataset->content_hash);
      return reopen(folder, run);
    }
    return train_in(folder, run, dataset);
  } catch (const UsageError&) {  // the run was refused before the first step
    if (!begun) discard_unbegun(folder, folder_is_new);
    throw;
  }
}

TrainedRun RunStore::reopen(const fs::path& folder, const Run& run) {
  TrainedRun trained = open_run(folder, device_);
  check_same_run(fingerprint(trained.run), run, folder);
  trained.data = data(run.data);
  check_data(trained.record, *trained.data, folder);
  return trained;
}

TrainedRun RunStore::train_in(const fs::path& folder, const Run& run, const std::shared_ptr<const Dataset>& dataset) {
  TrainedRun trained;
  trained.run = run;
  trained.folder = folder;
  trained.data = dataset;
  trained.record = record_of(run, *dataset);
  refuse_idle_settings(run.model, item_shape(*dataset));
  write_file(folder / "config.json", trained.record.dump(1));
  trained.model =
      build_model(run.model, item_shape(*dataset), Rng(static_cast<uint64_t>(run.train.seed)).split("init"));
  trained.model->to(device_);
  const TrainOutcome outcome = train(*trained.model, *dataset, run.train, folder,
                                     {.title = run.name, .quiet = quiet_, .metadata = trained.record.dump()});
  trained.record["finished"] = {{"steps", outcome.steps},
                                {"wall_s", outcome.wall_s},
                                {"cpu", this_machine().cpu},
                                {"threads", at::get_num_threads()},
                                {"device", device_text(device_)},
                                {"same_machine", outcome.same_machine},
                                {"peak_memory_bytes", peak_memory_bytes()}};
  write_file(folder / "config.json", trained.record.dump(1));
  trained.model->eval();  // it holds the final weights
  return trained;
}

}  // namespace sextant
