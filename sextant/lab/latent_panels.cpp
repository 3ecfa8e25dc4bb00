#include "sextant/lab/latent_panels.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "sextant/base/number_text.h"
#include "sextant/lab/panels.h"
#include "sextant/lab/snapshots.h"
#include "sextant/metrics/likelihood.h"
#include "sextant/metrics/table.h"
#include "sextant/tensor/torch.h"

namespace sextant::panels {
namespace {

// The bound on the code length of a picture's bytes, bits a number: from a probability directly, from a density of
// numbers in [0,1] by the width of a byte's cell, which is right where the density is wide beside it. None for a
// cross-entropy.
std::optional<double> code_bits(const TrainedRun& trained, double nelbo) {
  const auto* config = std::get_if<VaeConfig>(&trained.run.model);
  if (!config || config->likelihood == Likelihood::kBernoulli) return std::nullopt;
  const double bits = bits_per_dim(nelbo, trained.data->test.x[0].numel());
  return config->likelihood == Likelihood::kGaussian ? bits + std::log2(255.0) : bits;
}

void measure(Study& study, const NamedRun& named) {
  const TrainedRun& trained = study.run(named.run);
  const Json terms = measure_by_name("elbo", {.model = *trained.model, .data = *trained.data});
  const Json units = measure_by_name("active_units", {.model = *trained.model, .data = *trained.data});
  Results& results = study.results();
  for (const char* key : {"reconstruction", "kl"}) results.put(concat(named.run, ".", key), terms.at(key));
  results.put(named.run + ".sum", -terms.at("elbo").get<double>());
  results.put(named.run + ".mse", terms.at("reconstruction_mse"));
  results.put(named.run + ".active_units", units.at("active"));
}

}  // namespace

LatentVariable& latent_of(const TrainedRun& trained) {
  auto* model = dynamic_cast<LatentVariable*>(trained.model.get());
  SEXTANT_CHECK(model, "[panels] run ", trained.run.name, " has no latent variable to show");
  return *model;
}

Panel latent_variable_numbers(const std::string& run) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    LatentVariable& model = latent_of(trained);
    Results& results = study.results();
    Table table = {.columns = {"epoch", "−ELBO", "reconstruction", "KL"}, .caption = "Test split, nats a picture."};
    for (const int64_t epoch : trained.run.train.keep_epochs) {
      std::vector<std::string> row = {std::to_string(epoch)};
      for (const char* part : {"loss", "reconstruction", "kl"})
        row.push_back(fixed(results.number(concat(run, ".test.", epoch, ".", part)), 2));
      table.rows.push_back(std::move(row));
    }
    const Json units = measure_by_name("active_units", {.model = *trained.model, .data = *trained.data});
    results.put(run + ".active_units", units["active"]);
    results.put(run + ".kl_per_unit", units["kl_per_unit"]);
    results.put(run + ".mse", reconstruction_error(model, trained.data->test, trained.model->pixel_range()));
    study.add(table);
    study.add(Paragraph{concat("**", units["active"].dump(), " of ", units["units"].dump(),
                               "** latent units carry more than ", units["threshold"].dump(),
                               " nats on average; the mean squared error of a test ", "reconstruction is **",
                               fixed(results.number(run + ".mse"), 4), "** a pixel.")});
  };
}

Panel reconstructions(const std::string& run, int64_t count) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    LatentVariable& model = latent_of(trained);
    const torch::NoGradGuard no_grad;
    const Tensor x = test_pictures(trained, count);
    const PixelRange range = trained.model->pixel_range();
    ImageGrid grid = {
        .title = "Test pictures and their reconstructions",
        .description = "First row: test pictures. Below: what the model makes of them after each kept epoch.",
        .pictures = to_pictures(x, range),
        .columns = x.size(0),
        .zoom = 2,
        .row_labels = {"original"}};
    for (const int64_t epoch : kept_epochs(trained)) {
      const BorrowedValues weights = weights_of_epoch(trained, epoch);
      add_row(grid, to_pictures(model.decode(model.posterior(x).mean), range), concat("epoch ", epoch));
    }
    study.add(Heading{"Reconstructions"});
    study.add_figure("reconstructions", grid,
                     "The first test pictures and, below each, the mean of p(x|z) at the mean of q(z|x).");
  };
}

Panel importance_curve(const std::string& run, int64_t images, const std::vector<int64_t>& draws) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    LatentVariable& model = latent_of(trained);
    const Tensor x = test_pictures(trained, images);
    Table table = {.columns = {"K", "log p̂(x)", "effective samples"},
                   .caption = concat("Importance-weighted estimate with K draws from q(z|x), mean of the first ",
                                     x.size(0), " test pictures, nats.")};
    Series series = {.label = "q(z|x)"};
    for (const int64_t k : draws) {
      if (study.scale() == RunScale::kSmoke && k > 1000) continue;
      Rng rng = study.rng(concat("importance ", k));
      const ImportanceEstimate estimate = importance_weighted(model, x, k, Proposal::kPosterior, rng);
      const double log_p = estimate.log_p.mean().item<double>();
      const double effective = estimate.effective_samples.mean().item<double>();
      study.results().put(concat(run, ".log_p.", k), log_p);
      study.results().put(concat(run, ".effective_samples.", k), effective);
      table.rows.push_back({std::to_string(k), fixed(log_p, 2), fixed(effective, 1)});
      series.x.push_back(static_cast<double>(k));
      series.y.push_back(log_p);
    }
    study.add(Heading{"Importance-weighted log-likelihood"});
    study.add(table);
    study.add_figure(
        "importance",
        Plot{.title = "log p(x) by importance weighting",
             .description = "The estimate of log p(x) against the number of draws of z",
             .x = {.label = "draws K", .log = true},
             .y = {.label = "log p̂(x), nats"},
             .series = {series}},
        "More draws tighten the bound on log p(x): every estimate is low on average (Jensen), and less so as K "
        "grows.");
  };
}

Panel latent_map(const std::string& run, int64_t side) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    const torch::NoGradGuard no_grad;
    // Equal steps of probability, not of z: the map shows what the prior really draws. Top left is (-, +).
    const Tensor steps = (torch::arange(side, at::kDouble) + 0.5) / static_cast<double>(side);
    const Tensor quantile = (std::sqrt(2.0) * torch::erfinv(2 * steps - 1)).to(at::kFloat);
    const auto axes = torch::meshgrid({quantile.flip(0), quantile}, "ij");
    const Tensor z = torch::stack({axes[1].flatten(), axes[0].flatten()}, 1);  // [side², 2]
    const Tensor x = latent_of(trained).decode(z.to(trained.device()));
    study.add(Heading{"A map of two latent units"});
    study.add_figure(
        "latent-map",
        ImageGrid{.title = "Decoded means over a plane of z",
                  .description = "What a model with two latent units decodes over a square of the prior",
                  .pictures = to_pictures(x, trained.model->pixel_range()),
                  .columns = side,
                  .gap = 0,
                  .zoom = 1},
        "A second model with only two latent units: decoded means over the plane of z, in equal steps of the "
        "prior's probability on both axes.");
  };
}

Panel rate_and_distortion(const std::vector<NamedRun>& runs) {
  return [=](Study& study) {
    Table table = {.columns = {"run", "reconstruction", "KL", "sum", "squared error", "active units"},
                   .caption =
                       "Test split after the last epoch, nats a picture, both terms unweighted. Squared error: "
                       "a pixel, of the mean of p(x|z) at the mean of q(z|x). Active: a unit whose mean KL is "
                       "above 0.05 nats."};
    std::vector<Series> points;
    for (const NamedRun& named : runs) {
      measure(study, named);
      const auto number = [&](const char* key) { return study.results().number(concat(named.run, ".", key)); };
      table.rows.push_back({named.title, fixed(number("reconstruction"), 2), fixed(number("kl"), 2),
                            fixed(number("sum"), 2), fixed(number("mse"), 4), fixed(number("active_units"), 0)});
      points.push_back({.label = named.title,
                        .x = {number("kl")},
                        .y = {number("reconstruction")},
                        .colour = static_cast<int>(points.size())});
    }
    study.add(Heading{"Rate and distortion"});
    study.add(table);
    study.add_figure("rate-distortion",
                     Plot{.title = "Rate and distortion",
                          .description = "Reconstruction term against KL term, one point a run",
                          .x = {.label = "KL: rate, nats a picture"},
                          .y = {.label = "reconstruction: distortion, nats a picture"},
                          .series = points},
                     "What z may carry against what reconstruction costs: a run can buy one with the other, and their "
                     "sum, −ELBO, is smallest where neither is over-weighted (Alemi et al. 2018).");
  };
}

Panel terms_over(const std::vector<NamedRun>& runs, const std::vector<double>& values, const std::string& setting) {
  return [=](Study& study) {
    const bool positive = std::ranges::all_of(values, [](double v) { return v > 0; });
    for (const auto& [key, title] : {std::pair{"reconstruction", "Reconstruction"}, std::pair{"kl", "KL divergence"}}) {
      Series line = {.label = title, .x = values};
      for (const NamedRun& named : runs) line.y.push_back(study.results().number(concat(named.run, ".", key)));
      Plot plot;
      plot.title = concat(title, " over ", setting);
      plot.description = concat(title, " term after the last epoch against ", setting);
      plot.x = {.label = setting, .log = positive};
      plot.y.label = "nats a picture";
      plot.y.min = 0.0;
      plot.series = {line};
      study.add_figure(concat(key, "-over"), plot,
                       concat("**", title, "** after the last epoch, test split, unweighted."));
    }
  };
}

Panel run_reconstructions(const std::vector<NamedRun>& runs, int64_t count) {
  return [=](Study& study) {
    const torch::NoGradGuard no_grad;
    ImageGrid grid = {.title = "Test pictures and their reconstructions",
                      .description = "First row: test pictures. Below: what each run makes of them.",
                      .columns = count,
                      .zoom = 2,
                      .row_labels = {"original"}};
    for (const NamedRun& named : runs) {
      const TrainedRun& trained = study.run(named.run);
      LatentVariable& model = latent_of(trained);
      const Tensor x = test_pictures(trained, count);
      const PixelRange range = trained.model->pixel_range();
      if (grid.pictures.empty()) {
        grid.pictures = to_pictures(x, range);
        grid.columns = x.size(0);
      }
      add_row(grid, to_pictures(model.decode(model.posterior(x).mean), range), named.title);
    }
    study.add(Heading{"Reconstructions"});
    study.add_figure("reconstructions", grid,
                     "The first test pictures and, below each, the mean of p(x|z) at the mean of q(z|x).");
  };
}

Panel code_lengths(const std::vector<NamedRun>& runs) {
  return [=](Study& study) {
    Table table = {.columns = {"run", "parameters", "sq. error", "PSNR", "−ELBO", "KL", "bits/dim"}};
    for (const NamedRun& named : runs) {
      const TrainedRun& trained = study.run(named.run);
      const Json terms = measure_by_name("elbo", {.model = *trained.model, .data = *trained.data});
      const double mse = terms.at("reconstruction_mse").get<double>(), nelbo = -terms.at("elbo").get<double>();
      int64_t parameters = 0;
      for (const Tensor& p : trained.model->parameters()) parameters += p.numel();
      const std::map<std::string, double> numbers = {{"parameters", static_cast<double>(parameters)},
                                                     {"mse", mse},
                                                     {"psnr", -10 * std::log10(mse)},
                                                     {"nelbo", nelbo},
                                                     {"kl", terms.at("kl").get<double>()}};
      for (const auto& [key, value] : numbers) study.results().put(concat(named.run, ".", key), value);
      std::string bits = "–";
      if (const auto found = code_bits(trained, nelbo)) {
        study.results().put(named.run + ".bits_per_dim", *found);
        bits = fixed(*found, 3);
      }
      table.rows.push_back({named.title, std::to_string(parameters), fixed(mse, 4), fixed(numbers.at("psnr"), 2),
                            fixed(nelbo, 1), fixed(numbers.at("kl"), 1), bits});
      table.caption = concat(
          "Test split, ", trained.data->name, " (sha256 of both splits ", trained.data->content_hash.substr(0, 16),
          "). Squared error a number, of the mean of p(x|z) at the mean of q(z|x); PSNR from it, dB. ELBO "
          "and KL in nats a picture, one draw of z; that of a density and that of a probability do not compare. "
          "Bits, which do: the bound on the code length, for a density by the width of a cell, 1/255.");
    }
    study.add(Heading{"What a picture costs"});
    study.add(table);
  };
}

Panel traversals(const NamedRun& named, int64_t units, int64_t steps) {
  return [=](Study& study) {
    const torch::NoGradGuard no_grad;
    const TrainedRun& trained = study.run(named.run);
    LatentVariable& model = latent_of(trained);
    const PixelRange range = trained.model->pixel_range();
    const Tensor kl = kl_per_unit(model, trained.data->test, range);
    const Tensor order = kl.argsort(0, true).slice(0, 0, std::min(units, kl.numel()));
    const Tensor mean = model.posterior(test_pictures(trained, 1)).mean;  // [1,L]
    ImageGrid grid = {.title = concat(named.title, ": one unit of z at a time"),
                      .description = "A row a unit: decoded pictures while it moves from -3 to 3",
                      .columns = steps,
                      .zoom = 2};
    for (int64_t i = 0; i < order.numel(); ++i) {
      const int64_t unit = order[i].item<int64_t>();
      Tensor z = mean.repeat({steps, 1});
      z.select(1, unit).copy_(torch::linspace(-3, 3, steps));
      add_row(grid, to_pictures(model.decode(z), range), concat("KL ", fixed(kl[unit].item<double>(), 2)));
    }
    study.add_figure(concat("traversals-", named.run), grid,
                     concat("**", named.title, "**: the first test picture, with one unit of z moved from −3 to 3 and ",
                            "the others left alone; a row a unit, the one with the largest KL (nats) first."));
  };
}

}  // namespace sextant::panels
