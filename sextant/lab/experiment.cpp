#include "sextant/lab/experiment.h"

#include <ATen/Parallel.h>
#include <chrono>
#include <sstream>

#include "sextant/base/files.h"
#include "sextant/base/machine.h"
#include "sextant/report/png.h"
#include "sextant/tensor/device.h"
#include "sextant_build_info.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;

// The value at "a.b.c" in nested objects, or null. (A JSON pointer would make arrays of keys that are numbers.)
const Json* find(const Json& json, const std::string& path) {
  const Json* at = &json;
  std::istringstream keys(path);
  for (std::string key; std::getline(keys, key, '.');) {
    const auto found = at->find(key);
    if (!at->is_object() || found == at->end()) return nullptr;
    at = &*found;
  }
  return at;
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

// Samples that distances are measured on: 10,000 as the metrics ask; fewer where minutes count, with the floor beside.
int64_t samples_at(RunScale scale, bool one_pass) {
  if (scale == RunScale::kSmoke) return 64;
  return scale == RunScale::kFull || one_pass ? 10000 : 192;
}

Run at_scale(const PlannedRun& planned, const StudyOptions& options) {
  Run run = planned.run;
  if (options.scale == RunScale::kQuick)
    for (const auto& setting : planned.quick) set(run, setting);
  if (options.scale == RunScale::kSmoke)
    for (const auto& setting : planned.smoke) set(run, setting);
  run.train.seed += options.seed.value_or(0);
  run.train.precision = options.precision;
  return run;
}

struct Judged {
  CheckedClaim claim;
  std::vector<std::string> not_measured;  // paths of a claim that is not due: a larger scale measures them
};

Judged judge(const Claim& claim, const Results& results, RunScale scale) {
  Judged judged{.claim = {.says = claim.says}, .not_measured = {}};
  const bool due = scale >= claim.from;
  std::vector<double> values;
  for (const std::string& path : claim.numbers) {
    const Json* value = find(results.json(), path);
    const bool measured = value && value->is_number();
    SEXTANT_CHECK(measured || !due, "[claim] \"", claim.says, "\" lists '", path,
                  "'; no panel measured such a number. Correct the path, or add the panel");
    if (!measured) {
      judged.not_measured.push_back(path);
      continue;
    }
    values.push_back(value->get<double>());
    std::string& numbers = judged.claim.numbers;
    numbers += concat(numbers.empty() ? "" : ", ", path, " = ", short_number(values.back()));
  }
  if (!due) return judged;
  SEXTANT_CHECK(!values.empty(), "[claim] \"", claim.says, "\" lists no number; list those that it rests on");
  judged.claim.verdict = claim.holds(values) ? Verdict::kHolds : Verdict::kFails;
  return judged;
}

Json to_json(const Judged& judged) {
  const CheckedClaim& claim = judged.claim;
  Json json = {{"says", claim.says}, {"verdict", to_text(claim.verdict)}, {"numbers", claim.numbers}};
  if (!judged.not_measured.empty()) json["not_measured"] = judged.not_measured;
  return json;
}

}  // namespace

double Results::number(const std::string& path) const {
  const Json* value = find(json_, path);
  SEXTANT_CHECK(value && value->is_number(), "[results] there is no number '", path, "'");
  return value->get<double>();
}

void Results::put(const std::string& path, Json value) {
  Json* at = &json_;
  std::istringstream keys(path);
  for (std::string key; std::getline(keys, key, '.');) at = &(*at)[key];
  *at = std::move(value);
}

Study::Study(const Experiment& experiment, const StudyOptions& options)
    : experiment_(experiment), options_(options), store_(options.runs, options.quiet, options.device, options.zoo) {
  for (const PlannedRun& planned : experiment.runs)
    SEXTANT_CHECK(plan_.emplace(planned.run.name, at_scale(planned, options)).second, "[lab] exercise ", experiment.id,
                  " plans two runs '", planned.run.name, "'; give each a name of its own");
}

const TrainedRun& Study::run(const std::string& name) {
  const auto found = trained_.find(name);
  if (found != trained_.end()) return found->second;
  SEXTANT_CHECK(plan_.contains(name), "[lab] exercise ", experiment_.id, " plans no run '", name, "'");
  return trained_.emplace(name, store_.ensure(plan_.at(name))).first->second;
}

const ScoreBoard& Study::scores(const TrainedRun& trained) {
  const bool one_pass = trained.generative().samples_in_one_pass();
  auto& board = scores_[{trained.run.data.name, one_pass}];
  if (!board) board = std::make_unique<ScoreBoard>(trained, samples_at(options_.scale, one_pass));
  return *board;
}

Rng Study::rng(const std::string& purpose) const { return Rng(seed()).split(experiment_.id).split(purpose); }

void Study::add_figure(const std::string& name, Image image, const std::string& caption) {
  SEXTANT_CHECK(figures_.insert(name).second, "[lab] exercise ", experiment_.id, " has two figures '", name,
                "': the numbers of the first would be lost; give each a name of its own");
  Figure figure{.image = image, .caption = caption};
  if (const auto* plot = std::get_if<Plot>(&image)) {
    figure.data_href = name + ".csv";
    write_file(folder() / figure.data_href, to_csv(*plot));
    write_file(folder() / (name + ".svg"), to_svg(*plot));
  } else {
    figure.data_href = name + ".png";
    const auto* grid = std::get_if<ImageGrid>(&image);
    thumbnail_ = grid ? compose(*grid) : std::get<Picture>(image);  // the last picture speaks for the page in the index
    write_png(folder() / figure.data_href, *thumbnail_);
  }
  blocks_.emplace_back(std::move(figure));
}

namespace {

std::string precision_text(const StudyOptions& options) {
  if (options.precision == Precision::kBFloat16)
    return concat("float32, products of convolutions in bfloat16: ", kBFloat16Caution);
  return options.device.is_cuda() && tf32_allowed() ? "float32, products of convolutions in TF32" : "float32";
}

// `panels_s`: seconds since training, which counts by the runs' own records.
Provenance provenance_of(const StudyOptions& options, const std::map<std::string, TrainedRun>& trained,
                         const std::set<std::string>& drawn_on, double panels_s) {
  Provenance provenance{.scale = to_string(options.scale),
                        .seeds = {},
                        .device = device_text(options.device),
                        .precision = precision_text(options),
                        .wall_s = panels_s,
                        .samples = {drawn_on.begin(), drawn_on.end()},
                        .cpu = concat(this_machine().cpu, ", ", at::get_num_threads(), " threads"),
                        .libtorch = std::string(build_info::kLibTorchVersion),
                        .version = concat(build_info::kVersion, " (", build_info::git_revision(), ")"),
                        .command = options.command};
  std::set<int64_t> seeds;
  for (const auto& [name, run] : trained) {
    const bool copied = !run.zoo().empty();
    provenance.runs.emplace_back(name, concat(fingerprint(run.run), copied ? " from " : "", run.zoo(),
                                              run.bfloat16_weights ? ", weights in bfloat16" : ""));
    if (!copied) *provenance.wall_s += run.trained_s();
    seeds.insert(run.run.train.seed);
  }
  if (seeds.empty()) seeds.insert(options.seed.value_or(0));  // what the panels draw is a function of it
  provenance.seeds.assign(seeds.begin(), seeds.end());
  return provenance;
}

Json to_json(const Provenance& provenance) {
  Json json = {
      {"seeds", provenance.seeds},    {"device", provenance.device},     {"precision", provenance.precision},
      {"cpu", provenance.cpu},        {"libtorch", provenance.libtorch}, {"version", provenance.version},
      {"wall_s", *provenance.wall_s}, {"runs", Json::object()},          {"samples_drawn_on", provenance.samples}};
  for (const auto& [name, hash] : provenance.runs) json["runs"][name] = hash;
  return json;
}

}  // namespace

Json conduct(const Experiment& experiment, const StudyOptions& options) {
  const PrecisionScope scope(options.precision);  // of sampling as well; what scores is always in float32
  Study study(experiment, options);
  for (const PlannedRun& planned : experiment.runs) study.run(planned.run.name);
  const auto start = std::chrono::steady_clock::now();
  for (const Panel& panel : experiment.panels) panel(study);

  Claims claims;
  Json verdicts = Json::array();
  std::string mistakes;  // of the exercise; said once what took hours to measure is kept
  for (const Claim& claim : experiment.claims) {
    Judged judged{.claim = {.says = claim.says}, .not_measured = {}};
    try {
      judged = judge(claim, study.results_, options.scale);
    } catch (const Error& error) {
      mistakes += concat(mistakes.empty() ? "" : "\n", error.what());
    }
    claims.claims.push_back(judged.claim);
    verdicts.push_back(to_json(judged));
  }
  std::vector<Block> blocks;
  blocks.emplace_back(Heading{"What was claimed, and what came out"});
  blocks.emplace_back(claims);
  for (Block& block : study.blocks_) blocks.push_back(std::move(block));
  blocks.emplace_back(Heading{"How to read this"});
  blocks.emplace_back(Paragraph{experiment.reading});

  const double panels_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const Provenance provenance = provenance_of(options, study.trained_, study.drawn_on_, panels_s);
  const Page page{.title = experiment.id + " " + experiment.title,
                  .question = experiment.question,
                  .provenance = provenance,
                  .blocks = blocks,
                  .index_href = "../index.html"};
  const fs::path folder = study.folder();
  write_file(folder / "index.html", to_html(page));

  Json result = {{"exercise", experiment.id},
                 {"scale", to_string(options.scale)},
                 {"report", (folder / "index.html").string()},
                 {"results", study.results_.json()},
                 {"claims", verdicts}};
  Json kept = result;
  kept["title"] = experiment.title;
  kept["provenance"] = to_json(provenance);
  for (const auto& [data, board] : study.scores_) kept["provenance"]["scored_against"][data.first] = board->record();
  if (study.thumbnail_) write_png(folder / "thumbnail.png", *study.thumbnail_);
  write_file(folder / "results.json", kept.dump(1));
  write_index(options.out);
  SEXTANT_CHECK(mistakes.empty(), mistakes);
  return result;
}

}  // namespace sextant
