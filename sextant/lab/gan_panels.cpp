#include "sextant/lab/gan_panels.h"

#include <algorithm>
#include <cmath>

#include "sextant/base/number_text.h"
#include "sextant/base/progress.h"
#include "sextant/lab/critic_check.h"
#include "sextant/lab/score_table.h"
#include "sextant/lab/snapshots.h"
#include "sextant/tensor/torch.h"
#include "sextant/train/run_log.h"

namespace sextant::panels {
namespace {

// Generator steps up to the end of an epoch: the rounds of the log.
int64_t updates_after(const TrainedRun& trained, int64_t epoch) {
  for (const Json& line : read_log(trained.folder))
    if (line.value("kind", "") == "epoch" && line.at("epoch").get<int64_t>() == epoch)
      return line.at("step").get<int64_t>();
  throw Error(concat("[panels] the log of ", trained.run.name, " knows no epoch ", epoch));
}

// Mean and spread of one number over the runs of a group.
struct Spread {
  double mean = 0, low = 0, high = 0, sd = 0;
};
Spread spread_of(const std::vector<double>& values) {
  const Tensor x = torch::tensor(values, at::kDouble);
  return {.mean = x.mean().item<double>(),
          .low = x.min().item<double>(),
          .high = x.max().item<double>(),
          .sd = x.numel() > 1 ? x.std().item<double>() : 0};
}
Spread spread_of(const Results& results, const SeedGroup& group, const std::string& path) {
  std::vector<double> values;
  for (const NamedRun& named : group.runs) values.push_back(results.number(concat(named.run, ".", path)));
  return spread_of(values);
}

// The log's numbers of one run up to `epoch`, the last `count` of them, as run_curves left them in the results.
Spread last_epochs(const Results& results, const std::string& run, int64_t epoch, int64_t count,
                   const std::string& part) {
  std::vector<double> values;
  for (int64_t e = std::max<int64_t>(1, epoch - count + 1); e <= epoch; ++e)
    values.push_back(results.number(concat(run, ".train.", e, ".", part)));
  return spread_of(values);
}

// The epochs that every run kept.
std::vector<int64_t> common_epochs(Study& study, const std::vector<NamedRun>& runs) {
  std::vector<int64_t> common = kept_epochs(study.run(runs.front().run));
  for (const NamedRun& named : runs) {
    const std::vector<int64_t> kept = kept_epochs(study.run(named.run));
    std::erase_if(common, [&](int64_t epoch) { return !std::ranges::binary_search(kept, epoch); });
  }
  SEXTANT_CHECK(!common.empty(), "[panels] the runs kept no epoch in common; give them one in train.keep_epochs");
  return common;
}

Plot over_epochs(const std::string& title, const std::string& unit, std::vector<Series> series, bool log) {
  return {.title = title + " over epochs",
          .description = title + " of samples of each run after its kept epochs",
          .x = {.label = "epoch"},
          .y = {.label = unit, .log = log},
          .series = std::move(series)};
}

}  // namespace

Panel scores_by_epoch(const std::vector<NamedRun>& runs) {
  return [=](Study& study) {
    const ScoreBoard& board = study.scores(study.run(runs.front().run));
    ScoreTable scores(study.results(), board);
    Table more = {.columns = {"pictures", "epoch", "generator updates", "FCD", "class entropy", "distance of two"},
                  .caption =
                      "Entropy of the classes that the classifier sees, nats: log 10 = 2.303 where all are "
                      "equally frequent, 0 where there is one. Distance of two pictures: Euclidean, pixels in "
                      "[0,1], mean over pairs: 0 where every picture is the same."};
    std::vector<Series> distance, entropy;
    for (const NamedRun& named : runs) {
      const TrainedRun& trained = study.run(named.run);
      const std::vector<int64_t> epochs = kept_epochs(trained);
      Progress progress(concat(named.run, " scores"), static_cast<int64_t>(epochs.size()), 0, 1, study.quiet());
      Series fcd = {.label = named.title}, spread = {.label = named.title};
      for (size_t i = 0; i < epochs.size(); ++i) {
        const BorrowedValues weights = weights_of_epoch(trained, epochs[i]);
        const Tensor bytes = sample_bytes(trained.generative(), board.count(), study.rng("scored samples"));
        const Json score = board.score(board.features(bytes));
        const double apart = mean_pairwise_distance(bytes);
        const int64_t updates = updates_after(trained, epochs[i]);
        for (const std::string& at : {std::to_string(epochs[i]), std::string("last")}) {
          const std::string path = concat(named.run, ".after.", at);
          put_scores(study.results(), path, score);
          study.results().put(path + ".pairwise_distance", apart);
          study.results().put(path + ".updates", updates);
        }
        if (i + 1 == epochs.size())
          scores.add(concat(named.title, ", epoch ", epochs[i]), named.run + ".after.last", score);
        more.rows.push_back({named.title, std::to_string(epochs[i]), std::to_string(updates),
                             score_text(score, "fcd", 1), score_text(score, "class_entropy", 3), fixed(apart, 2)});
        const auto add = [&](Series& series, const char* key) {
          if (!score.contains(key) || !score.at(key).is_number()) return;
          series.x.push_back(static_cast<double>(epochs[i]));
          series.y.push_back(score.at(key).get<double>());
        };
        add(fcd, "fcd");
        add(spread, "class_entropy");
        progress.update(static_cast<int64_t>(i + 1), [] { return std::string(); });
      }
      distance.push_back(std::move(fcd));
      entropy.push_back(std::move(spread));
    }
    study.add(Heading{"Samples over epochs, measured"});
    study.add_figure(
        "fcd-epochs", over_epochs("Fréchet classifier distance", "FCD", distance, true),
        "Fréchet distance of samples and test pictures in our own classifier's features; lower is better.");
    study.add_figure("entropy-epochs", over_epochs("Class entropy", "nats", entropy, false),
                     "Entropy of the classes of the samples: 2.303 where all ten are equally frequent.");
    study.add(scores.finish());
    study.add(more);
  };
}

Panel stability(const std::vector<SeedGroup>& groups) {
  return [=](Study& study) {
    Results& results = study.results();
    const int64_t epoch = common_epochs(study, all_runs(groups)).back();
    results.put("judged_at_epoch", epoch);
    Table table = {.columns = {"run", "entropy", "D(x)", "D(G(z))", "gap", "s.d. of D", "s.d. of G", "verdict"},
                   .caption = concat("After epoch ", epoch,
                                     ". Entropy of the classes of the samples, nats. D's mean answers, the gap ",
                                     "between them, and the standard deviations of both losses' epoch means: over the ",
                                     "last ", kLastEpochs, " epochs up to there, training split. A small deviation is ",
                                     "no sign of health: a loss that has reached 0 no longer moves.")};
    std::string words;
    for (const SeedGroup& group : groups) {
      int64_t stable = 0, collapsed = 0;
      for (const NamedRun& named : group.runs) {
        const auto last = [&](const char* part) { return last_epochs(results, named.run, epoch, kLastEpochs, part); };
        const double real = last("discriminator.d_real").mean, fake = last("discriminator.d_fake").mean;
        const double d_sd = last("discriminator.loss").sd, g_sd = last("generator.loss").sd;
        const double entropy = results.number(concat(named.run, ".after.", epoch, ".class_entropy"));
        const bool is_stable = entropy > kStableEntropy && real - fake < kStableGap;
        const bool is_collapsed = entropy < kCollapsedEntropy;
        stable += is_stable;
        collapsed += is_collapsed;
        results.put(named.run + ".gap", real - fake);
        results.put(named.run + ".entropy", entropy);
        results.put(named.run + ".d_loss_sd", d_sd);
        results.put(named.run + ".g_loss_sd", g_sd);
        table.rows.push_back({named.title, fixed(entropy, 3), fixed(real, 3), fixed(fake, 3), fixed(real - fake, 3),
                              fixed(d_sd, 3), fixed(g_sd, 3),
                              is_stable      ? "stable"
                              : is_collapsed ? "collapsed"
                                             : "neither"});
      }
      const auto count = static_cast<int64_t>(group.runs.size());
      results.put(group.key + ".runs", count);
      results.put(group.key + ".stable", stable);
      results.put(group.key + ".collapsed", collapsed);
      words += concat("**", group.title, "**: ", stable, " of ", count, " runs stable, ", collapsed,
                      " collapsed (mean entropy of the classes ", fixed(spread_of(results, group, "entropy").mean, 2),
                      " nats, mean D(x) − D(G(z)) ", fixed(spread_of(results, group, "gap").mean, 2), "). ");
    }
    study.add(Heading{"Which runs held their balance"});
    study.add(table);
    study.add(Paragraph{concat("A run counts as **stable** where, after epoch ", epoch,
                               ", the entropy of its samples' classes is above ", fixed(kStableEntropy, 1),
                               " nats and D(x) − D(G(z)) below ", fixed(kStableGap, 1),
                               ": it draws most digits, and its discriminator has not won. It counts as **collapsed** "
                               "where the entropy is below ",
                               fixed(kCollapsedEntropy, 1), ".\n\n", words)});
  };
}

Panel equal_budgets(const SeedGroup& first, const SeedGroup& second, int64_t ratio) {
  return [=](Study& study) {
    Results& results = study.results();
    const std::vector<int64_t> of_first = common_epochs(study, first.runs),
                               of_second = common_epochs(study, second.runs);
    Table table = {
        .columns = {"epochs", "G's updates", first.title + ": FCD", second.title + ": FCD", "entropy"},
        .caption = concat(first.title, " / ", second.title, ": after how many epochs, how many updates of the ",
                          "generator, the entropy of the samples' classes. Means over ", first.runs.size(),
                          " seeds, lowest and highest in brackets.")};
    std::string words;
    // Writes one comparison down under `name` and returns a sentence about it.
    const auto compare = [&](const std::string& name, const std::string& title, int64_t epoch1, int64_t epoch2) {
      std::vector<std::string> fcds, entropies, updates;
      std::vector<Spread> distances;
      for (const auto& [group, epoch] : {std::pair{&first, epoch1}, std::pair{&second, epoch2}}) {
        const std::string at = concat("after.", epoch, ".");
        const Spread fcd = spread_of(results, *group, at + "fcd"), h = spread_of(results, *group, at + "class_entropy");
        for (const std::string& key : {std::to_string(epoch2), std::string("last")}) {
          const std::string path = concat(name, ".", key, ".", group->key);
          results.put(path + ".fcd", fcd.mean);
          results.put(path + ".fcd_low", fcd.low);
          results.put(path + ".fcd_high", fcd.high);
          results.put(path + ".class_entropy", h.mean);
        }
        fcds.push_back(concat(fixed(fcd.mean, 1), " (", fixed(fcd.low, 1), "–", fixed(fcd.high, 1), ")"));
        entropies.push_back(fixed(h.mean, 2));
        updates.push_back(fixed(results.number(concat(group->runs.front().run, ".", at, "updates")), 0));
        distances.push_back(fcd);
      }
      table.rows.push_back({concat(epoch1, " / ", epoch2), concat(updates[0], " / ", updates[1]), fcds[0], fcds[1],
                            concat(entropies[0], " / ", entropies[1])});
      const SeedGroup& better = distances[0].mean < distances[1].mean ? first : second;
      const bool apart = distances[0].high < distances[1].low || distances[1].high < distances[0].low;
      return concat("**", title, "**: ", first.title, " ", fcds[0], ", ", second.title, " ", fcds[1], ": ",
                    better.title, " has the lower mean distance, and ",
                    apart ? "every one of its seeds is below every one of the other's. "
                          : "the seeds of both overlap, so this decides nothing. ");
    };
    std::string equal_epochs, equal_updates;
    for (const int64_t epoch : of_second)
      if (std::ranges::binary_search(of_first, epoch))
        equal_epochs =
            compare("equal_epochs", concat(epoch, epoch == 1 ? " epoch each" : " epochs each"), epoch, epoch);
    for (const int64_t epoch : of_second)
      if (epoch % ratio == 0 && std::ranges::binary_search(of_first, epoch / ratio))
        equal_updates = compare("equal_updates", concat("equal updates: epoch ", epoch / ratio, " and epoch ", epoch),
                                epoch / ratio, epoch);
    study.add(Heading{"At equal budgets"});
    study.add(table);
    study.add(Paragraph{concat(equal_epochs, "\n\n", equal_updates)});
  };
}

Panel critic_against_exact() {
  return [](Study& study) {
    const bool smoke = study.scale() == RunScale::kSmoke;
    const CriticCheck check = check_critic({.steps = smoke ? 200 : 3000}, study.rng("critic check"));
    Results& results = study.results();
    results.put("critic.exact", check.exact);
    results.put("critic.estimate", check.estimate);
    results.put("critic.gradient_norm", check.gradient_norm);
    results.put("critic.relative_error", std::abs(check.estimate / check.exact - 1));
    study.add(Heading{"The critic's estimate against the exact distance"});
    study.add_figure("critic-check",
                     Plot{.title = "A critic on two small sets of points",
                          .description = "The critic's estimate over its steps, and the exact Wasserstein-1 distance",
                          .x = {.label = "critic steps"},
                          .y = {.label = "E f(x) − E f(y)"},
                          .series = {{.label = "critic", .x = check.step, .y = check.estimates}},
                          .reference_lines = {{.y = check.exact, .label = "exact W₁"}}},
                     concat("Two sets of ", check.points, " points of the plane. The exact distance, by the network ",
                            "simplex, is **", fixed(check.exact, 3), "**; the critic under the penalty (λ = ",
                            fixed(check.lambda, 0), ") ends at **", fixed(check.estimate, 3),
                            "**, with a mean gradient norm of ", fixed(check.gradient_norm, 3),
                            ". The penalty gives way: a function of slope s gains s W₁ − λ(s − 1)², so its best slope ",
                            "is 1 + W₁/(2λ) and the estimate lies above the distance by about that factor."));
  };
}

}  // namespace sextant::panels
