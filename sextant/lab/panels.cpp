#include "sextant/lab/panels.h"

#include <cmath>

#include "sextant/lab/sample_sets.h"
#include "sextant/lab/snapshots.h"
#include "sextant/metrics/likelihood.h"
#include "sextant/metrics/table.h"
#include "sextant/report/text.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"
#include "sextant/train/run_log.h"

namespace sextant::panels {
namespace {

const char* title_of(const std::string& part) {
  if (part == "loss") return "Total loss";
  if (part == "reconstruction") return "Reconstruction";
  if (part == "kl") return "KL divergence";
  return part.c_str();
}

}  // namespace

LatentVariable& latent_of(const TrainedRun& trained) {
  auto* model = dynamic_cast<LatentVariable*>(trained.model.get());
  SEXTANT_CHECK(model, "[panels] run ", trained.run.name, " has no latent variable to show");
  return *model;
}

Tensor test_pictures(const TrainedRun& trained, int64_t count) {
  const Split& test = trained.data->test;
  return slice(test, 0, std::min(count, test.size()), trained.model->pixel_range()).x.to(trained.device());
}

std::vector<Picture> to_pictures(const Tensor& x, PixelRange range) {
  SEXTANT_CHECK(x.dim() == 4 && (x.size(1) == 1 || x.size(1) == 3), "[panels] pictures are [N,1|3,H,W]; got ",
                shape_text(x));
  const Tensor bytes = (x.scalar_type() == at::kByte ? x : to_bytes(x, range)).permute({0, 2, 3, 1}).contiguous();
  std::vector<Picture> pictures;  // from [N,H,W,C]
  const int64_t size = bytes[0].numel();
  for (int64_t i = 0; i < bytes.size(0); ++i) {
    const auto* first = bytes.const_data_ptr<uint8_t>() + i * size;
    pictures.push_back(
        {.width = x.size(3), .height = x.size(2), .channels = x.size(1), .pixels = {first, first + size}});
  }
  return pictures;
}

Series logged_curve(const TrainedRun& trained, const LogKey& key, const std::string& label) {
  Series curve = {.label = label, .dashed = key.split == "train"};
  for (const Json& line : read_log(trained.folder)) {
    if (line.value("kind", "") != "epoch" || line.value("split", "") != key.split || !line.contains(key.part)) continue;
    if (!key.player.empty() && line.value("player", "") != key.player) continue;
    curve.x.push_back(line.at("epoch").get<double>());
    curve.y.push_back(line.at(key.part).get<double>());
  }
  SEXTANT_CHECK(!curve.y.empty(), "[panels] the log of ", trained.run.name, " knows no part '", key.part, "'");
  return curve;
}

void put_curve(Results& results, const std::string& run, const LogKey& key, const Series& curve) {
  const std::string path = concat(run, ".", key.split, ".");
  const std::string tail = concat(".", key.player, key.player.empty() ? "" : ".", key.part);
  for (size_t i = 0; i < curve.x.size(); ++i)
    results.put(concat(path, static_cast<int64_t>(curve.x[i]), tail), curve.y[i]);
  results.put(concat(path, "last", tail), curve.y.back());
}

Panel training_curves(const std::string& run, const std::vector<std::string>& parts, const std::string& unit) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    study.add(Heading{"Learning curves"});
    for (const std::string& part : parts) {
      const Series training = logged_curve(trained, {"train", part}, "train");
      const Series test = logged_curve(trained, {"test", part}, "test");
      for (size_t i = 0; i < test.y.size(); ++i)
        study.results().put(concat(run, ".epoch.", static_cast<int64_t>(test.x[i]), ".", part), test.y[i]);
      study.results().put(concat(run, ".first.", part), test.y.front());
      study.results().put(concat(run, ".last.", part), test.y.back());
      const Plot plot = {
          .title = concat(title_of(part), " over epochs"),
          .description = concat(title_of(part), " of ", run, " on training and test pictures after each epoch"),
          .x = {.label = "epoch"},
          .y = {.label = unit},
          .series = {training, test}};
      study.add_figure("curve-" + part, plot,
                       concat("**", title_of(part), "**, ", unit, "; the training curve is a mean over the running ",
                              "epoch, the test curve is taken at its end."));
    }
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
      const WeightsOfEpoch weights(trained, epoch);
      for (Picture& picture : to_pictures(model.decode(model.posterior(x).mean), range))
        grid.pictures.push_back(std::move(picture));
      grid.row_labels.push_back(concat("epoch ", epoch));
    }
    study.add(Heading{"Reconstructions"});
    study.add_figure("reconstructions", grid,
                     "The first test pictures and, below each, the mean of p(x|z) at the mean of q(z|x).");
  };
}

Panel sample_grid(const std::string& run, int64_t rows, int64_t columns) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    const torch::NoGradGuard no_grad;
    Rng rng = study.rng("samples");
    const Tensor x = trained.generative().sample({.count = rows * columns}, rng);
    study.add(Heading{"Samples"});
    study.add_figure(
        "samples",
        ImageGrid{.title = concat(rows * columns, " samples"),
                  .description = "Samples of the model from fixed noise, not chosen by hand",
                  .pictures = to_pictures(x, trained.model->pixel_range()),
                  .columns = columns,
                  .zoom = 2},
        concat(rows, " × ", columns, " samples from noise of a fixed seed, none chosen by hand. They show the ",
               "means of p(x|z), z ~ N(0, I)."));
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

Panel latent_variable_numbers(const std::string& run) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    LatentVariable& model = latent_of(trained);
    const Tensor kl = kl_per_unit(model, trained.data->test, trained.model->pixel_range());
    Results& results = study.results();
    Table table = {.columns = {"epoch", "−ELBO", "reconstruction", "KL"}, .caption = "Test split, nats a picture."};
    for (const int64_t epoch : trained.run.train.keep_epochs) {
      std::vector<std::string> row = {std::to_string(epoch)};
      for (const char* part : {"loss", "reconstruction", "kl"})
        row.push_back(fixed(results.number(concat(run, ".epoch.", epoch, ".", part)), 2));
      table.rows.push_back(std::move(row));
    }
    const Json units = measure_by_name("active_units", {.model = *trained.model, .data = *trained.data});
    results.put(run + ".active_units", units["active"]);
    results.put(run + ".kl_per_unit", units["kl_per_unit"]);
    results.put(run + ".mse", reconstruction_error(model, trained.data->test, trained.model->pixel_range()));
    study.add(table);
    study.add(
        Paragraph{concat("**", fixed(results.number(run + ".active_units"), 0), " of ", kl.numel(),
                         "** latent units carry more than 0.05 nats on average; the mean squared error of a test ",
                         "reconstruction is **", fixed(results.number(run + ".mse"), 4), "** a pixel.")});
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

}  // namespace sextant::panels
