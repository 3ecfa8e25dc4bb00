#include "sextant/lab/comparison_panels.h"

#include <algorithm>

#include "sextant/base/number_text.h"
#include "sextant/base/progress.h"
#include "sextant/lab/panels.h"
#include "sextant/lab/score_table.h"
#include "sextant/lab/snapshots.h"
#include "sextant/tensor/torch.h"

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

// Share of pictures of each class, as the classifier sees them -> <path>.class_share.<k>.
Series class_shares(Results& results, const std::string& title, const std::string& path, const Features& features) {
  const ClassCoverage coverage = class_coverage(features.probabilities);
  Series shares = {.label = title};
  for (size_t k = 0; k < coverage.counts.size(); ++k) {
    shares.x.push_back(static_cast<double>(k));
    shares.y.push_back(static_cast<double>(coverage.counts[k]) / static_cast<double>(features.n()));
    results.put(concat(path, ".class_share.", k), shares.y.back());
  }
  return shares;
}

}  // namespace

std::vector<std::string> numbers_of(const std::vector<NamedRun>& runs, const std::string& key) {
  std::vector<std::string> paths;
  for (const NamedRun& named : runs) paths.push_back(concat(named.run, ".", key));
  return paths;
}

std::vector<NamedRun> all_runs(const std::vector<SeedGroup>& groups) {
  std::vector<NamedRun> runs;
  for (const SeedGroup& group : groups) runs.insert(runs.end(), group.runs.begin(), group.runs.end());
  return runs;
}

Panel epoch_samples(const std::vector<NamedRun>& runs, int64_t columns) {
  return [=](Study& study) {
    const torch::NoGradGuard no_grad;
    study.add(Heading{"The same noise over the epochs"});
    for (const NamedRun& named : runs) {
      const TrainedRun& trained = study.run(named.run);
      ImageGrid grid = {.title = named.title,
                        .description = "Samples from fixed noise, a row after each kept epoch",
                        .columns = columns,
                        .zoom = 2};
      for (const int64_t epoch : kept_epochs(trained)) {
        const BorrowedValues weights = weights_of_epoch(trained, epoch);
        Rng rng = study.rng("fixed noise");
        const Tensor x = trained.generative().sample({.count = columns}, rng);
        add_row(grid, to_pictures(x, trained.model->pixel_range()), concat("epoch ", epoch));
      }
      study.add_figure(concat("epochs-", named.run), grid,
                       concat("**", named.title, "**: a row after each kept epoch, each column from the same noise; ",
                              "none chosen by hand."));
    }
  };
}

Panel run_curves(const std::vector<NamedRun>& runs, const LoggedPart& part) {
  return [=](Study& study) {
    std::vector<Series> series;
    for (const NamedRun& named : runs) {
      const LogKey key = {part.split, part.part, part.player};
      Series one = logged_curve(study.run(named.run), key, named.title);
      one.dashed = false;  // all are of one split
      one.colour = static_cast<int>(series.size());
      put_curve(study.results(), named.run, key, one);
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
      add_row(grid, to_pictures(x, trained.model->pixel_range()), named.title);
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
    std::vector<Series> shares;
    for (const NamedRun& named : runs) {
      const TrainedRun& trained = study.run(named.run);
      Progress progress(concat(named.run, " samples"), board.count(), 0, 1, study.quiet());
      const Tensor bytes = sample_bytes(trained.generative(), board.count(), study.rng("scored samples"),
                                        [&](int64_t done) { progress.update(done, [] { return std::string(); }); });
      const Features features = board.features(bytes);
      scores.add(named.title, named.run, board.score(features));
      add_row(unlike, study.results(), named.title, named.run, bytes, features);
      shares.push_back(class_shares(study.results(), named.title, named.run, features));
    }
    shares.push_back(class_shares(study.results(), "real", "real", board.real()));
    shares.back().dashed = true;
    add_row(unlike, study.results(), "real test pictures", "real", board.real_pictures(), board.real());
    study.add(Heading{"Samples, measured"});
    study.add(scores.finish());
    study.add(unlike);
    Plot plot;
    plot.title = "Which classes the samples are of";
    plot.description = "Share of samples that the classifier puts into each class, a line a run";
    plot.x.label = "class";
    plot.y = {.label = "share of pictures", .min = 0.0};
    plot.series = shares;
    study.add_figure("class-shares", plot, "Share of each class among the samples, as the classifier sees them.");
  };
}

}  // namespace sextant::panels
