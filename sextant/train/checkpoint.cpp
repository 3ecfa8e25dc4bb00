#include "sextant/train/checkpoint.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/base/files.h"
#include "sextant/base/hash.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;

constexpr int kCheckpointFormat = 1;
constexpr size_t kKept = 2;
constexpr const char* kState = "state.json";
constexpr const char* kParts[] = {"model.safetensors", "average.safetensors", "optimiser.safetensors"};

std::string step_name(int64_t step) {
  char name[32];
  std::snprintf(name, sizeof(name), "step-%09lld", static_cast<long long>(step));
  return name;
}

// Whole checkpoints, oldest first.
std::vector<fs::path> whole_checkpoints(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder / "checkpoints", error))
    if (!is_leftover(entry.path()) && entry.path().filename().string().starts_with("step-"))
      found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

}  // namespace

void save_checkpoint(const fs::path& folder, const Checkpoint& checkpoint) {
  const fs::path target = folder / "checkpoints" / step_name(checkpoint.state.at("step").get<int64_t>());
  std::error_code error;
  if (fs::exists(target)) return;  // resumed at its end: the same step holds the same bytes
  NewFolder fresh(target);
  const NamedTensors* tensors[] = {&checkpoint.model, &checkpoint.average, &checkpoint.optimiser};
  Json state = checkpoint.state;
  state["format"] = kCheckpointFormat;
  const std::string own = sha256_hex(state.dump());
  for (size_t i = 0; i < std::size(kParts); ++i) {
    save_tensors(fresh.path() / kParts[i], *tensors[i]);
    state["sha256"][kParts[i]] = sha256_file(fresh.path() / kParts[i]);
  }
  state["sha256"][kState] = own;
  write_file(fresh.path() / kState, state.dump(1));
  fresh.commit();
  std::vector<fs::path> all = whole_checkpoints(folder);
  for (size_t i = 0; i + kKept < all.size(); ++i) fs::remove_all(all[i], error);
}

std::optional<fs::path> newest_checkpoint(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(folder / "checkpoints", error))
    if (is_leftover(entry.path())) leftovers.push_back(entry.path());
  for (const auto& path : leftovers) fs::remove_all(path, error);
  const auto all = whole_checkpoints(folder);
  return all.empty() ? std::nullopt : std::optional(all.back());
}

Checkpoint load_checkpoint(const fs::path& path) {
  const std::string remedy = concat(". Remove ", path.string(), " to go on from the checkpoint before it");
  Checkpoint checkpoint;
  try {
    Json state = parse_json(read_file(path / kState, size_t{1} << 24), (path / kState).string());
    SEXTANT_CHECK(state.is_object() && state.contains("format") && state["format"] == kCheckpointFormat,
                  "it is of format ", state.value("format", Json()).dump(), ", this program writes ",
                  kCheckpointFormat);
    Json own = state;
    own.erase("sha256");
    const std::string sum = sha256_hex(own.dump());
    SEXTANT_CHECK(state["sha256"].value(kState, sum) == sum, kState, " does not match its checksum");  // older: none
    NamedTensors* tensors[] = {&checkpoint.model, &checkpoint.average, &checkpoint.optimiser};
    for (size_t i = 0; i < std::size(kParts); ++i) {
      SEXTANT_CHECK(state["sha256"].value(kParts[i], "") == sha256_file(path / kParts[i]), kParts[i],
                    " does not match its checksum");
      *tensors[i] = load_tensors(path / kParts[i]).tensors;
    }
    checkpoint.state = std::move(state);
  } catch (const std::exception& error) {  // ours, and JSON's where a record has another type
    throw Error(concat("[checkpoint] ", path.string(), " is broken: ", error.what(), remedy));
  }
  return checkpoint;
}

}  // namespace sextant
