// The index of all pages in a report folder, made from the results.json beside each page.
#include "sextant/base/files.h"
#include "sextant/data/raster.h"
#include "sextant/lab/experiment.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;

constexpr size_t kMaxThumbnailBytes = size_t{1} << 24;

IndexEntry entry_of(const Experiment& experiment, const fs::path& out) {
  IndexEntry entry{.id = experiment.id, .title = experiment.title, .question = experiment.question};
  const fs::path file = out / experiment.id / "results.json";
  if (!fs::exists(file)) return entry;
  const Json results = parse_json(read_file(file, size_t{1} << 26), file.string());
  entry.href = experiment.id + "/index.html";
  entry.scale = results.value("scale", "");
  const fs::path thumbnail = out / experiment.id / "thumbnail.png";
  if (fs::exists(thumbnail)) {
    const Raster raster = decode_raster(read_file(thumbnail, kMaxThumbnailBytes), thumbnail.string());
    entry.thumbnail = Picture{.width = raster.width, .height = raster.height, .channels = 3, .pixels = raster.bytes};
  }
  for (const Json& claim : results.value("claims", Json::array())) {
    const std::string verdict = claim.value("verdict", "");
    if (verdict == to_text(Verdict::kHolds))
      ++entry.holds;
    else if (verdict == to_text(Verdict::kFails))
      ++entry.fails;
    else
      ++entry.not_run;
  }
  return entry;
}

}  // namespace

fs::path write_index(const fs::path& out) {
  IndexPage index{.title = "Generative models, run and checked",
                  .intro =
                      "One page an exercise. Every claim stands with its numbers and a verdict; a page that was not "
                      "run at full scale says so.",
                  .entries = {}};
  for (const Experiment& experiment : experiments()) index.entries.push_back(entry_of(experiment, out));
  const fs::path file = out / "index.html";
  write_file(file, to_html(index));
  return file;
}

}  // namespace sextant
