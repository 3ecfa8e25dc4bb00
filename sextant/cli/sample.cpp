#include <torch/torch.h>

#include <cmath>

#include "sextant/cli/command.h"
#include "sextant/lab/panels.h"
#include "sextant/report/png.h"

namespace sextant {
namespace {

constexpr int64_t kMostSamples = 100000;

struct Options {
  std::string run, out = "samples.png";
  int64_t count = 100, columns = 0, zoom = 2;
  uint64_t seed = 0;
};

void sample(const Options& options, Console& console) {
  SEXTANT_USAGE_CHECK(options.count >= 1 && options.count <= kMostSamples, "[sample] -n must be between 1 and ",
                      kMostSamples, "; got ", options.count);
  SEXTANT_USAGE_CHECK(options.columns >= 0 && options.columns <= options.count,
                      "[sample] --columns must be between 1 and ", options.count, ", or 0 for a square; got ",
                      options.columns);
  SEXTANT_USAGE_CHECK(options.zoom >= 1 && options.zoom <= 16, "[sample] --zoom must be between 1 and 16; got ",
                      options.zoom);
  const TrainedRun trained = open_run(find_shipped(options.run), console.prepare());
  const torch::NoGradGuard no_grad;
  Rng rng = Rng(options.seed).split("sample");
  const Tensor x = trained.generative().sample({.count = options.count}, rng);
  const int64_t square = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(options.count))));
  const ImageGrid grid = {.title = trained.run.name,
                          .pictures = panels::to_pictures(x, trained.model->pixel_range()),
                          .columns = options.columns > 0 ? options.columns : square,
                          .zoom = options.zoom};
  write_png(options.out, compose(grid));
  const Json result = {
      {"run", trained.run.name}, {"count", options.count}, {"seed", options.seed}, {"file", options.out}};
  console.print(result, concat(options.count, " samples of ", trained.run.name, ": ", options.out, "\n"));
}

}  // namespace

void add_sample(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("sample", "draw samples from a trained run into a PNG grid");
  command->add_option("run", options->run, "run folder, or a zoo entry such as zoo/vae-mnist")->required();
  command->add_option("-n,--count", options->count, "number of samples")->capture_default_str();
  command->add_option("-o,--output", options->out, "PNG file")->capture_default_str();
  command->add_option("--columns", options->columns, "samples a row; 0: a square")->capture_default_str();
  command->add_option("--zoom", options->zoom, "enlarge by this whole factor")->capture_default_str();
  command->add_option("--seed", options->seed, "seed of the noise")->capture_default_str();
  command->footer("Example: sextant sample zoo/vae-mnist -n 64 -o grid.png");
  add_common(*command, console, true);
  command->callback([options, &console] { sample(*options, console); });
}

}  // namespace sextant
