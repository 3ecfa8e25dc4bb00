#include "sextant/lab/panels.h"

#include <algorithm>
#include <iterator>

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

void add_row(ImageGrid& grid, std::vector<Picture> pictures, std::string label) {
  std::ranges::move(pictures, std::back_inserter(grid.pictures));
  grid.row_labels.push_back(std::move(label));
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
      const LogKey of_training = {"train", part}, of_test = {"test", part};
      const Series training = logged_curve(trained, of_training, "train"),
                   test = logged_curve(trained, of_test, "test");
      put_curve(study.results(), run, of_training, training);
      put_curve(study.results(), run, of_test, test);
      const Plot plot = {
          .title = concat(title_of(part), " over epochs"),
          .description = concat(title_of(part), " of ", run, " on training and test pictures after each epoch"),
          .x = {.label = "epoch"},
          .y = {.label = unit},
          .series = {training, test}};
      study.add_figure("curve-" + part, plot,
                       concat("**", title_of(part), "**, ", unit, "; the training curve is a mean over the running ",
                              "epoch, the test curve is taken at its end",
                              trained.run.train.ema_decay > 0 ? ", with the moving average of the weights." : "."));
    }
  };
}

Panel heading(const std::string& text) {
  return [text](Study& study) { study.add(Heading{text}); };
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
        concat(
            rows, " × ", columns, " samples from noise of a fixed seed, none chosen by hand.",
            dynamic_cast<LatentVariable*>(trained.model.get()) ? " They show the means of p(x|z), z ~ N(0, I)." : ""));
  };
}

}  // namespace sextant::panels
