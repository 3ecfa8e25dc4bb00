#include "sextant/lab/diffusion_panels.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>

#include "sextant/base/number_text.h"
#include "sextant/lab/film.h"
#include "sextant/lab/panels.h"
#include "sextant/lab/score_table.h"
#include "sextant/tensor/torch.h"

namespace sextant::panels {
namespace {

Tensor digits_of(const Features& features) { return features.probabilities.argmax(1); }

double share(const Tensor& yes) { return yes.to(at::kDouble).mean().item<double>(); }

Series sorted_series(std::string label, std::vector<std::pair<double, double>> points) {
  std::ranges::sort(points);
  Series series = {.label = std::move(label)};
  for (const auto& [x, y] : points) {
    series.x.push_back(x);
    series.y.push_back(y);
  }
  return series;
}

SampleSet draw(Study& study, const std::string& run, const SamplePlan& plan, int64_t count) {
  SampleSet set = sample_set(study.run(run), plan, count, study.seed(), study.quiet());
  std::istringstream machines(set.drawn_on);
  for (std::string machine; std::getline(machines >> std::ws, machine, ';');) study.drawn_on(machine);
  return set;
}

Split of_class(const Split& split, int64_t label) {
  const Tensor rows = (split.labels == label).nonzero().flatten();
  return {.x = split.x.index_select(0, rows), .labels = split.labels.index_select(0, rows)};
}

// The distance that real pictures reach, where there were enough to measure it.
void draw_floor(Plot& plot, const Json& floor) {
  if (floor.at("fcd").is_number())
    plot.reference_lines = {{.y = floor.at("fcd").get<double>(), .label = "real against real"}};
}

double seconds_of(Study& study, const std::string& run, const SamplePlan& plan, int64_t count) {
  return seconds_a_chunk(study.run(run), plan, count, study.seed());
}

}  // namespace

Panel quarter_curves(const std::string& run) {
  return [=](Study& study) {
    std::vector<Series> series;
    const TrainedRun& trained = study.run(run);
    const LogKey loss = {"train", "loss"};
    put_curve(study.results(), run, loss, logged_curve(trained, loss, "loss"));
    for (int q = 1; q <= 4; ++q) {
      const LogKey key = {"train", concat("quarter", q)};
      series.push_back(logged_curve(trained, key, concat("steps ", (q - 1) * 25, "–", q * 25, " %")));
      series.back().dashed = false;
      put_curve(study.results(), run, key, series.back());
    }
    study.add_figure(
        concat("quarters-", run),
        Plot{.title = concat(run, ": loss by quarter of the chain"),
             .description = "The training loss over epochs, by quarter of the noise chain",
             .x = {.label = "epoch"},
             .y = {.label = "squared error of ε a pixel", .log = true},
             .series = series},
        "The mean squared error of the predicted noise, by where in the chain the picture was. In the first quarter "
        "little noise is hard to tell from a stroke's edge. The picture is nonetheless easiest to predict there: its "
        "error is that of ε times (1 − ᾱ)/ᾱ.");
  };
}

Panel quarters_beside(const std::string& run, const std::string& source, const std::vector<QuarterLoss>& reference) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    std::vector<Series> curves = {logged_curve(trained, {"train", "loss"}, "loss")};
    for (int q = 1; q <= 4; ++q)
      curves.push_back(logged_curve(trained, {"train", concat("quarter", q)}, concat("quarter ", q)));
    Table table = {.columns = {"epoch"}, .caption = concat("Training loss of ", run, ", and there: in ", source, ".")};
    for (const Series& curve : curves) table.columns.push_back(curve.label);
    for (const QuarterLoss& there : reference) {
      const std::vector<double>& epochs = curves[0].x;
      const auto found = std::ranges::find(epochs, static_cast<double>(there.epoch));
      if (found == epochs.end()) continue;
      const auto at = static_cast<size_t>(found - epochs.begin());
      std::vector<std::string> own = {std::to_string(there.epoch)}, other = {concat(there.epoch, ", there")};
      for (size_t k = 0; k < curves.size(); ++k) {
        own.push_back(fixed(curves[k].y[at], 4));
        other.push_back(fixed(there.loss[k], 4));
      }
      table.rows.push_back(std::move(own));
      table.rows.push_back(std::move(other));
    }
    study.add(table);
  };
}

Panel sampler_grids(const std::string& run, const std::vector<NamedPlan>& plans, int64_t count) {
  return [=](Study& study) {
    Table table = {
        .columns = {"sampler", "evaluations of the net", "seconds for 64 pictures"},
        .caption = "Seconds on this machine: of 64 pictures, or their share where a GPU draws more at once."};
    study.add(Heading{concat(run, ": samples from the same noise")});
    for (const NamedPlan& named : plans) {
      const SampleSet set = draw(study, run, named.plan, count);
      study.add_figure(
          concat("samples-", run, "-", named.key),
          ImageGrid{.title = named.title,
                    .description = concat(count, " samples by ", named.title, ", not chosen by hand"),
                    .pictures = to_pictures(set.pictures, PixelRange::kUnit),
                    .columns = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(count)))),
                    .zoom = 2},
          concat("**", named.title, "**: ", count, " pictures, each place from the same x_T in every grid."));
      const double seconds = seconds_of(study, run, named.plan, count);
      table.rows.push_back({named.title, std::to_string(set.evaluations), fixed(seconds, 2)});
      study.results().put(concat(run, ".", named.key, ".evaluations"), set.evaluations);
      study.results().put(concat(run, ".", named.key, ".seconds"), seconds);
    }
    study.add(table);
  };
}

Panel sampler_scores(const std::string& run, const std::vector<NamedPlan>& plans) {
  return [=](Study& study) {
    const ScoreBoard& board = study.scores(study.run(run));
    ScoreTable table(study.results(), board);
    for (const NamedPlan& named : plans)
      table.add(named.title, concat(run, ".", named.key),
                board.score(board.features(draw(study, run, named.plan, board.count()).pictures)));
    study.add(Heading{concat(run, ": measured against real digits")});
    study.add(table.finish());
  };
}

Panel film(const std::string& run, const NamedPlan& named, int64_t frames, int64_t samples) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    Diffusion& model = diffusion_of(trained);
    FilmStrip strip(frames, samples, steps_taken(named.plan, model));
    const Tensor x_T = starting_noise(model, study.seed(), 0).slice(0, 0, samples).to(trained.device());
    strip.begin(x_T);
    Rng rng = study.rng("film");
    run_plan(named.plan, model, x_T, 0, noise_of(rng), [&](const SamplerStep& step) { strip.see(step); });
    study.add(Heading{concat(run, ": from noise to digits")});
    study.add_figure(
        concat("film-", run, "-", named.key), strip.grid(trained.model->pixel_range()),
        concat("Each row is one sample by ", named.title, ", from x_T on the left in even steps of the chain."));
  };
}

Panel step_sweep(const std::string& run, const std::vector<PlanFamily>& families, const std::vector<int64_t>& steps,
                 int64_t columns) {
  SEXTANT_CHECK(std::ranges::is_sorted(steps, std::ranges::greater()), "[panels] steps must fall: the first chain is ",
                "the one that the others are held against");
  return [=](Study& study) {
    const ScoreBoard& board = study.scores(study.run(run));
    ImageGrid grid = {
        .title = concat(families[0].title, " with fewer and fewer steps"),
        .description = "Each column starts from the same noise; each row has fewer steps than the one above",
        .columns = columns,
        .zoom = 2};
    Table table = {.columns = {"sampler", "S", "s for 64", "same digit"},
                   .caption = concat(
                       "S: steps. Same digit, of samplers that add no noise: share of samples to which the classifier ",
                       "gives the same digit as to the one that ", families[0].title,
                       " draws from the same x_T in the most steps. ", scores_caption(board))};
    table.columns.insert(table.columns.end(), score_columns().begin(), score_columns().end());
    std::vector<Series> quality;
    Tensor reference;  // the digits of the first family's longest chain, same x_T
    for (const PlanFamily& family : families) {
      std::vector<std::pair<double, double>> points;
      for (const int64_t count : steps) {
        if (count > family.most_steps) continue;
        SamplePlan plan = family.plan;
        plan.steps = count;
        const SampleSet set = draw(study, run, plan, board.count());
        const Features features = board.features(set.pictures);
        const Tensor digits = digits_of(features);
        if (!reference.defined()) reference = digits;
        const Json score = board.score(features);
        const std::string path = concat(run, ".", family.key, ".", count);
        put_scores(study.results(), path, score);
        // Noise on the way leads elsewhere: there is nothing to agree with.
        const bool comparable = is_deterministic(plan.sampler);
        if (comparable) study.results().put(path + ".agreement", share(digits == reference));
        const double seconds = seconds_of(study, run, plan, board.count());
        study.results().put(path + ".seconds", seconds);
        study.results().put(path + ".evaluations", set.evaluations);
        std::vector<std::string> cells = {family.title, std::to_string(count), fixed(seconds, 2),
                                          comparable ? fixed(share(digits == reference), 3) : "–"};
        for (std::string& cell : score_cells(score)) cells.push_back(std::move(cell));
        table.rows.push_back(std::move(cells));
        if (score.at("fcd").is_number())
          points.emplace_back(static_cast<double>(set.evaluations), score.at("fcd").get<double>());
        if (&family != &families[0]) continue;
        add_row(grid, to_pictures(set.pictures.slice(0, 0, columns), PixelRange::kUnit), concat("S = ", count));
      }
      quality.push_back(sorted_series(family.title, std::move(points)));
    }
    put_scores(study.results(), "floor", board.floor());
    study.add(Heading{"Fewer steps"});
    study.add_figure("steps", grid,
                     concat("Columns share their x_T. Steps are spaced by the trailing rule, which begins at x_T; ",
                            "η = 0: the same noise gives the same digit at every S, if the digit survives."));
    Plot plot = {.title = "Quality against the cost",
                 .description = "Fréchet classifier distance against evaluations of the net, one line a sampler",
                 .x = {.label = "evaluations of the net", .log = true},
                 .y = {.label = "FCD", .log = true},
                 .series = quality};
    draw_floor(plot, board.floor());
    study.add_figure("quality", plot, "Lower is better; the line is the distance of real training pictures.");
    study.add(table);
  };
}

Panel guidance_sweep(const std::string& run, int64_t label, const std::vector<double>& scales, int64_t columns) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    const ScoreBoard& board = study.scores(trained);
    const Split test = of_class(board.data().test, label), train = of_class(board.data().train, label);
    const int64_t count = std::min({board.count(), test.size(), train.size()});
    const Tensor real_pictures = subset(test, count).x;
    const Features real = board.features(real_pictures);
    const Json floor = score_samples(board.features(subset(train, count).x), real);
    put_scores(study.results(), "floor", floor);
    ImageGrid grid = {.title = concat("Class ", label, " at rising guidance"),
                      .description = "Each column starts from the same noise; guidance rises downwards",
                      .columns = columns,
                      .zoom = 2};
    Table table = {
        .columns = {"s (w)", concat("called ", label), "sure", "distance", "FCD", "prec.", "recall", "right"},
        .caption = concat(
            "s, and in brackets w of the other convention: ", count,
            " samples each, against as many real test pictures of class ", label,
            ". Sure: classified with a confidence of 0.9 or more. Distance: of two samples. Precision: the share of ",
            "samples that lie among the real ones; recall: of real ones that lie among samples. FCD of as many ",
            "real training pictures of the class: ", score_text(floor, "fcd", 2), " (the floor). Right: of ", count,
            " samples of all ten classes in turn, those called what was ", "asked for. Classifier ", board.text(),
            ".")};
    std::vector<std::pair<double, double>> hits, confident, diversity, distance, accuracy;
    for (const double s : scales) {
      std::string key = concat("s", shortest(s));
      std::ranges::replace(key, '.', '_');  // a point would divide the path
      const SamplePlan one = {.labels = LabelChoice::kOne, .label = label, .guidance = s};
      const SamplePlan each = {.labels = LabelChoice::kEach, .guidance = s};
      const SampleSet set = draw(study, run, one, count), all = draw(study, run, each, count);
      const Features features = board.features(set.pictures);
      const Json score = score_samples(features, real);
      const double called = share(digits_of(features) == label);
      const double right = share(digits_of(board.features(all.pictures)) == all.labels);
      const double spread = mean_pairwise_distance(set.pictures);
      const std::string path = concat(run, ".", key);
      study.results().put(path + ".called", called);
      study.results().put(path + ".accuracy", right);
      study.results().put(path + ".pairwise_distance", spread);
      put_scores(study.results(), path, score);
      study.results().put(path + ".same_for_all_labels", set.pictures.equal(all.pictures) ? 1 : 0);
      hits.emplace_back(s, called);
      accuracy.emplace_back(s, right);
      diversity.emplace_back(s, spread);
      confident.emplace_back(s, score.at("confident").get<double>());
      if (score.at("fcd").is_number()) distance.emplace_back(s, score.at("fcd").get<double>());
      add_row(grid, to_pictures(set.pictures.slice(0, 0, columns), PixelRange::kUnit),
              concat("s = ", shortest(s), " (w = ", shortest(guidance_w_of_scale(s)), ")"));
      table.rows.push_back({concat(shortest(s), " (", shortest(guidance_w_of_scale(s)), ")"), fixed(called, 3),
                            score_text(score, "confident", 3), fixed(spread, 3), score_text(score, "fcd", 2),
                            score_text(score, "precision", 3), score_text(score, "recall", 3), fixed(right, 3)});
    }
    study.results().put("real.pairwise_distance", mean_pairwise_distance(real_pictures));
    study.add(Heading{concat("Class ", label, " over the guidance scale")});
    study.add_figure(
        "guidance", grid,
        "Columns share their x_T (DDIM, 50 steps). Convention A, ε = ε(∅) + s (ε(y) − ε(∅)): s = 0 knows no "
        "class, s = 1 is the plain conditional model. In brackets w of the other convention, s = 1 + w; the "
        "exercise's w ∈ {0,1,3,7} is s ∈ {0,1,3,7} by the first reading and {1,2,4,8} by the second: both "
        "are here.");
    study.add_figure(
        "guidance-shares",
        Plot{.title = "What guidance buys",
             .description = "Share of samples called the class, accuracy over ten classes, and confidence",
             .x = {.label = "s"},
             .y = {.label = "share of samples"},
             .series = {sorted_series(concat("called ", label), hits), sorted_series("right, all ten", accuracy),
                        sorted_series("confident ≥ 0.9", confident)}},
        "What the classifier says of the samples.");
    Plot cost = {.title = "What guidance costs",
                 .description = "Fréchet distance to the real pictures of the class over guidance",
                 .x = {.label = "s"},
                 .y = {.label = concat("FCD to real ", label, "s"), .log = true},
                 .series = {sorted_series("samples", distance)}};
    draw_floor(cost, floor);
    study.add_figure("guidance-distance", cost,
                     "Surer is not closer: samples that crowd into a part of the real class lie within it (precision) "
                     "and leave the rest of it empty (recall). The line is the distance of real training pictures of "
                     "the class.");
    study.add_figure(
        "guidance-diversity",
        Plot{.title = "Diversity",
             .description = "Mean distance between two samples over guidance",
             .x = {.label = "s"},
             .y = {.label = "mean distance of two samples", .min = 0.0},
             .series = {sorted_series("samples", diversity)},
             .reference_lines = {{.y = study.results().number("real.pairwise_distance"),
                                  .label = concat("real ", label, "s")}}},
        "Euclidean distance of two pictures, pixels in [0,1], mean over pairs. It also grows with contrast; "
        "recall, in the table, is of the classifier's features.");
    study.add(table);
  };
}

Panel class_grid(const std::string& run, double scale, int64_t rows) {
  return [=](Study& study) {
    const SamplePlan plan = {.labels = LabelChoice::kEach, .guidance = scale};
    const int64_t classes = diffusion_of(study.run(run)).classes();
    const SampleSet set = draw(study, run, plan, rows * classes);
    std::vector<std::string> names;
    for (int64_t k = 0; k < classes; ++k) names.push_back(std::to_string(k));
    study.add(Heading{concat("All classes at s = ", shortest(scale))});
    study.add_figure("classes",
                     ImageGrid{.title = "One column a class",
                               .description = "Samples of every class, one column each",
                               .pictures = to_pictures(set.pictures, PixelRange::kUnit),
                               .columns = classes,
                               .zoom = 2,
                               .column_labels = names},
                     concat("DDIM, 50 steps, guidance s = ", shortest(scale),
                            " (w = ", shortest(guidance_w_of_scale(scale)), " in the other convention)."));
  };
}

}  // namespace sextant::panels
