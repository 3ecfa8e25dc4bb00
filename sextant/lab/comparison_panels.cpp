#include "sextant/lab/comparison_panels.h"

#include <torch/torch.h>

#include <algorithm>

#include "sextant/base/progress.h"
#include "sextant/lab/panels.h"
#include "sextant/lab/score_table.h"
#include "sextant/report/text.h"
#include "sextant/train/run_log.h"

namespace sextant::panels {
namespace {

// How unlike pictures of bytes are, and how grey.
struct Variety {
  double pairwise_distance = 0, pixel_sd = 0, blur = 0;
};

Variety variety(const Tensor& bytes) {
  const Tensor x = bytes.flatten(1).to(at::kFloat) / 255;  // [N,D]
  return {.pairwise_distance = mean_pairwise_distance(bytes),
          .pixel_sd = x.std(0).mean().item<double>(),
          .blur = (x * (1 - x)).mean().item<double>()};
}

void add_row(Table& table, Results& results, const std::string& title, const std::string& path, const Tensor& bytes,
             const Features& features) {
  const Variety v = variety(bytes);
  const double entropy = class_coverage(features.probabilities).entropy;
  results.put(path + ".pairwise_distance", v.pairwise_distance);
  results.put(path + ".pixel_sd", v.pixel_sd);
  results.put(path + ".blur", v.blur);
  results.put(path + ".class_entropy", entropy);
  table.rows.push_back(
      {title, fixed(v.pairwise_distance, 2), fixed(v.pixel_sd, 3), fixed(v.blur, 3), fixed(entropy, 3)});
}

}  // namespace

Panel run_curves(const std::vector<NamedRun>& runs, const LoggedPart& part) {
  return [=](Study& study) {
    std::vector<Series> series;
    for (const NamedRun& named : runs) {
      Series one = {.label = named.title, .colour = static_cast<int>(series.size())};
      const std::string path = concat(named.run, ".", part.split, ".");
      const std::string tail = concat(".", part.player, part.player.empty() ? "" : ".", part.part);
      for (const Json& line : read_log(study.run(named.run).folder)) {
        if (line.value("kind", "") != "epoch" || line.value("split", "") != part.split || !line.contains(part.part))
          continue;
        if (!part.player.empty() && line.value("player", "") != part.player) continue;
        one.x.push_back(line.at("epoch").get<double>());
        one.y.push_back(line.at(part.part).get<double>());
        study.results().put(concat(path, line.at("epoch").get<int64_t>(), tail), one.y.back());
      }
      SEXTANT_CHECK(!one.y.empty(), "[panels] the log of ", named.run, " knows no part '", part.part, "'");
      study.results().put(concat(path, "last", tail), one.y.back());
      series.push_back(std::move(one));
    }
    study.add_figure(concat("runs-", part.player, part.player.empty() ? "" : "-", part.part),
                     Plot{.title = concat(part.title, " over epochs"),
                          .description = concat(part.title, " of each run after each epoch, ", part.split, " split"),
                          .x = {.label = "epoch"},
                          .y = {.label = part.unit, .log = part.log_scale},
                          .series = series},
                     concat("**", part.title, "**, ", part.unit, "; ",
                            part.split == "test" ? "test split, at the end of the epoch."
                                                 : "training split, mean over the running epoch."));
  };
}

Panel run_samples(const std::vector<NamedRun>& runs, int64_t columns) {
  return [=](Study& study) {
    const torch::NoGradGuard no_grad;
    ImageGrid grid = {.title = concat(columns, " samples of each run"),
                      .description = "One row a run; each column starts from the same noise",
                      .columns = columns,
                      .zoom = 2};
    for (const NamedRun& named : runs) {
      const TrainedRun& trained = study.run(named.run);
      Rng rng = study.rng("samples");
      const Tensor x = trained.generative().sample({.count = columns}, rng);
      for (Picture& picture : to_pictures(x, trained.model->pixel_range())) grid.pictures.push_back(std::move(picture));
      grid.row_labels.push_back(named.title);
    }
    study.add(Heading{"Samples, side by side"});
    study.add_figure("samples", grid, "A row a run, each column from the same noise; none chosen by hand.");
  };
}

Panel run_scores(const std::vector<NamedRun>& runs) {
  return [=](Study& study) {
    const ScoreBoard& board = study.scores(study.run(runs.front().run));
    ScoreTable scores(study.results(), board);
    Table unlike = {.columns = {"pictures", "distance of two", "s.d. of a pixel", "p(1 − p)", "class entropy"},
                    .caption =
                        "How unlike the pictures are. Distance: Euclidean, pixels p in [0,1], mean over pairs. "
                        "p(1 − p): mean over pixels, 0 for black and white, the greyer the larger. Entropy of "
                        "the classes that the classifier sees, in nats."};
    for (const NamedRun& named : runs) {
      const TrainedRun& trained = study.run(named.run);
      Progress progress(concat(named.run, " samples"), board.count(), 0, 1, study.quiet());
      const Tensor bytes = sample_bytes(trained.generative(), board.count(), study.rng("scored samples"),
                                        [&](int64_t done) { progress.update(done, [] { return std::string(); }); });
      const Features features = board.features(bytes);
      scores.add(named.title, named.run, board.score(features));
      add_row(unlike, study.results(), named.title, named.run, bytes, features);
    }
    add_row(unlike, study.results(), "real test pictures", "real", board.real_pictures(), board.real());
    study.add(Heading{"Samples, measured"});
    study.add(scores.finish());
    study.add(unlike);
  };
}

}  // namespace sextant::panels
