#include <cmath>
#include <optional>

#include "sextant/base/progress.h"
#include "sextant/cli/command.h"
#include "sextant/cli/plan_options.h"
#include "sextant/lab/film.h"
#include "sextant/lab/panels.h"
#include "sextant/report/png.h"
#include "sextant/tensor/device.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

constexpr int64_t kMostSamples = 100000;

struct Options {
  std::string run, out = "samples.png", film;
  int64_t count = 64, columns = 0, zoom = 2, film_frames = 12;
  uint64_t seed = 0;
};

Tensor sample_diffusion(const TrainedRun& trained, const Options& options, const SamplePlan& plan,
                        const Console& console) {
  const Diffusion& model = diffusion_of(trained);
  const int64_t steps = steps_taken(plan, model);
  FilmStrip film(options.film_frames, std::min<int64_t>(8, options.count), steps);
  film.begin(starting_noise(model, options.seed, 0).to(trained.device()));
  Progress progress(trained.run.name, options.count, 0, 1, console.quiet);
  Tensor bytes = draw_set(trained, plan, options.count, options.seed, [&](const DrawStep& at) {
    if (at.first == 0) film.see(at.step);
    progress.update(at.done, [&] { return concat("step ", at.step.step, "/", steps); });
  });
  if (!options.film.empty()) write_png(options.film, compose(film.grid(trained.model->pixel_range())));
  return bytes;
}

Tensor sample_others(const TrainedRun& trained, const Options& options, const Console& console) {
  Progress progress(trained.run.name, options.count, 0, 1, console.quiet);
  return draw_samples(trained, options.count, options.seed,
                      [&](int64_t done) { progress.update(done, [] { return std::string(); }); });
}

void sample(const Options& options, const PlanOptions& plan_options, Console& console) {
  SEXTANT_USAGE_CHECK(options.count >= 1 && options.count <= kMostSamples, "[sample] -n must be between 1 and ",
                      kMostSamples, "; got ", options.count);
  SEXTANT_USAGE_CHECK(options.columns >= 0 && options.columns <= options.count,
                      "[sample] --columns must be between 1 and ", options.count, ", or 0 for a square; got ",
                      options.columns);
  SEXTANT_USAGE_CHECK(options.zoom >= 1 && options.zoom <= 16, "[sample] --zoom must be between 1 and 16; got ",
                      options.zoom);
  const TrainedRun trained = open_run(find_shipped(options.run), console.prepare());
  const torch::NoGradGuard no_grad;
  const PrecisionScope scope(console.precision());
  std::optional<SamplePlan> plan;  // of a diffusion run
  if (plan_options.asked() || dynamic_cast<Diffusion*>(trained.model.get()))
    plan = plan_options.plan(diffusion_of(trained));
  SEXTANT_USAGE_CHECK(!options.film.empty() || plan_options.group->get_option("--film-frames")->count() == 0,
                      "[sample] --film-frames is of a film; add --film FILE");
  SEXTANT_USAGE_CHECK(trained.record.at("item_shape").size() == 3, "[sample] ", trained.run.name,
                      " draws points, and a PNG grid holds pictures; `sextant run 14.25` draws points of the plane");
  const Tensor bytes =
      plan ? sample_diffusion(trained, options, *plan, console) : sample_others(trained, options, console);
  const int64_t square = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(options.count))));
  const ImageGrid grid = {.title = trained.run.name,
                          .pictures = panels::to_pictures(bytes, trained.model->pixel_range()),
                          .columns = options.columns > 0 ? options.columns : square,
                          .zoom = options.zoom};
  write_png(options.out, compose(grid));
  Json result = {{"run", trained.run.name},
                 {"count", options.count},
                 {"seed", options.seed},
                 {"device", device_text(trained.device())},
                 {"precision", to_string(product_precision())},
                 {"file", options.out}};
  if (plan) result["plan"] = to_json(*plan);
  if (!options.film.empty()) result["film"] = options.film;
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
  const auto plan = add_plan_options(*command);
  plan->group->add_option("--film", options->film, "PNG file: the first samples on their way from noise to data");
  plan->group->add_option("--film-frames", options->film_frames, "pictures a row of the film")->capture_default_str();
  command->footer(
      "Example: sextant sample zoo/vae-mnist -n 64 -o grid.png\n"
      "         sextant sample zoo/ddpm-mnist --steps 50 --guidance 3 --label 7 -n 64 -o sevens.png --film film.png");
  add_common(*command, console, true);
  add_precision(*command, console);
  command->callback([options, plan, &console] { sample(*options, *plan, console); });
}

}  // namespace sextant
