#include "sextant/lab/flow_panels.h"

#include <algorithm>
#include <cmath>

#include "sextant/base/number_text.h"
#include "sextant/data/two_moons.h"
#include "sextant/lab/panels.h"
#include "sextant/tensor/torch.h"

namespace sextant::panels {
namespace {

constexpr double kSide = 2.75;  // the plane is shown from -kSide to kSide on both axes: the moons reach 2.3
constexpr int64_t kCells = 150;

RealNvp& flow_of(const TrainedRun& trained) {
  auto* model = dynamic_cast<RealNvp*>(trained.model.get());
  SEXTANT_CHECK(model, "[panels] run ", trained.run.name, " is no flow");
  return *model;
}

ExactDensity& density_of(const TrainedRun& trained) {
  auto* model = dynamic_cast<ExactDensity*>(trained.model.get());
  SEXTANT_CHECK(model, "[panels] run ", trained.run.name, " has no log p(x) that could be computed");
  return *model;
}

// Centres of side x side cells over the square from -reach to reach, the lowest row first: [side^2, 2], float64.
Tensor cells(double reach, int64_t side) {
  const Tensor axis = ((torch::arange(side, at::kDouble) + 0.5) / static_cast<double>(side) * 2 - 1) * reach;
  const auto grid = torch::meshgrid({axis, axis}, "ij");
  return torch::stack({grid[1].flatten(), grid[0].flatten()}, 1);
}

std::vector<double> numbers(const Tensor& x) {
  const Tensor flat = x.to(at::kCPU, at::kDouble).contiguous();
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

Series dots(const std::string& label, const Tensor& points, int colour) {
  return {.label = label,
          .x = numbers(points.select(1, 0)),
          .y = numbers(points.select(1, 1)),
          .mark = Mark::kDots,
          .colour = colour};
}

// A square of the plane.
Plot plane(const std::string& title, const std::string& description) {
  const Axis axis = {.label = "", .min = -kSide, .max = kSide};
  Plot plot = {.title = title, .description = description, .x = axis, .y = axis, .equal_scale = true};
  plot.x.label = "first coordinate, standardised";
  plot.y.label = "second coordinate";
  return plot;
}

HeatField heat(const std::string& label, const Tensor& log_p) {
  return {.label = label,
          .left = -kSide,
          .right = kSide,
          .bottom = -kSide,
          .top = kSide,
          .columns = kCells,
          .values = numbers(log_p.exp())};
}

Tensor log_prob(const TrainedRun& trained, const Tensor& points) {
  const torch::NoGradGuard no_grad;
  return density_of(trained).log_prob(points.to(trained.device(), at::kFloat)).to(at::kCPU, at::kDouble);
}

// Calls use() while the model computes in double. The weights come back as they were: a float is a double.
template <class Use>
void in_double(Trainable& model, const Use& use) {
  model.to(at::kDouble);
  use();
  model.to(at::kFloat);
}

double largest(const Tensor& x) { return x.abs().max().item<double>(); }

constexpr int64_t kMostCoordinates = 64;  // of an item whose whole Jacobian is computed

// One reverse pass a coordinate of z gives its row of all items' Jacobians: items do not touch each other.
double largest_log_det_error(Bijection& flow, const Tensor& x) {
  const Tensor from = x.clone().requires_grad_();
  const Mapped mapped = flow.forward_and_log_det(from);
  const Tensor sums = mapped.value.flatten(1).sum(0);
  std::vector<Tensor> rows;
  for (int64_t i = 0; i < sums.size(0); ++i)
    rows.push_back(torch::autograd::grad({sums[i]}, {from}, {}, true)[0].flatten(1));
  return largest(mapped.log_det.detach() - std::get<1>(at::linalg_slogdet(torch::stack(rows, 1))));
}

// A test point, or a picture without its noise, as the flow takes it.
Tensor flow_input(const TrainedRun& trained, int64_t count) {
  const Split& test = trained.data->test;
  const Tensor x = slice(test, 0, std::min(count, test.size()), trained.model->pixel_range()).x.to(trained.device());
  return trained.data->pictures() ? (255 * x + 0.5) / 256 : x;
}

// Points of the plane as a picture: each is a dot of its own colour, later ones on top.
Picture scatter(const Tensor& points, const std::vector<std::array<uint8_t, 3>>& colours, double reach) {
  constexpr int64_t kPixels = 132;
  Picture picture{
      .width = kPixels, .height = kPixels, .channels = 3, .pixels = std::vector<uint8_t>(3 * kPixels * kPixels, 250)};
  const std::vector<double> at = numbers(points);
  for (size_t i = 0; i < colours.size(); ++i) {
    const auto pixel = [&](double value) {
      return static_cast<int64_t>(std::floor((value / reach + 1) / 2 * kPixels));
    };
    const int64_t x = pixel(at[2 * i]), y = kPixels - 1 - pixel(at[2 * i + 1]);
    if (x < 0 || y < 0 || x >= kPixels || y >= kPixels) continue;
    std::copy_n(colours[i].data(), 3, picture.pixels.data() + 3 * (y * kPixels + x));
  }
  return picture;
}

// Colours around the circle by the angle of each point, darker towards the middle.
std::vector<std::array<uint8_t, 3>> wheel(const Tensor& points) {
  std::vector<std::array<uint8_t, 3>> colours;
  const std::vector<double> at = numbers(points);
  for (size_t i = 0; i + 1 < at.size(); i += 2) {
    const double angle = std::atan2(at[i + 1], at[i]),
                 bright = 90 + 90 * std::min(1.0, std::hypot(at[i], at[i + 1]) / 2);
    std::array<uint8_t, 3> colour{};
    for (size_t c = 0; c < 3; ++c)
      colour[c] = static_cast<uint8_t>(bright * (1 + std::cos(angle - 2.0943951 * static_cast<double>(c))) / 2 + 30);
    colours.push_back(colour);
  }
  return colours;
}

}  // namespace

Panel moons_nll(const std::vector<NamedRun>& runs) {
  return [=](Study& study) {
    const double entropy = two_moons_entropy(study.run(runs.front().run).run.data.noise);
    study.results().put("moons.entropy", entropy);
    Table table = {
        .columns = {"run", "test −log p", "standard error", "above the entropy", "in standard errors"},
        .caption = concat("Nats a point, standardised coordinates, the whole test split. Entropy of the data, ",
                          "by quadrature: **", fixed(entropy, 4), "**.")};
    std::vector<Series> series;
    double worst = -1e9, least = 1e9;
    for (const NamedRun& named : runs) {
      const TrainedRun& trained = study.run(named.run);
      if (series.empty()) series.push_back(logged_curve(trained, {"train", "nll"}, named.title + ", train"));
      series.push_back(logged_curve(trained, {"test", "nll"}, named.title + ", test"));
      const Tensor log_p = log_prob(trained, trained.data->test.x);
      const double nll = -log_p.mean().item<double>();
      const double error = log_p.std().item<double>() / std::sqrt(static_cast<double>(log_p.numel()));
      const double gap = nll - entropy;
      study.results().put(named.run + ".nll", nll);
      study.results().put(named.run + ".standard_error", error);
      study.results().put(named.run + ".gap", gap);
      study.results().put(named.run + ".gap_in_errors", gap / error);
      worst = std::max(worst, gap);
      least = std::min(least, gap / error);
      table.rows.push_back({named.title, fixed(nll, 4), fixed(error, 4), fixed(gap, 4), fixed(gap / error, 1)});
    }
    study.results().put("moons.worst_gap", worst);
    study.results().put("moons.least_gap_in_errors", least);
    study.add(Heading{"Negative log-likelihood"});
    study.add_figure(
        "nll",
        Plot{.title = "−log p over epochs",
             .description = "Mean negative log-likelihood of training and test points after each epoch",
             .x = {.label = "epoch"},
             .y = {.label = "nats a point", .max = entropy + worst + 0.4},
             .series = series,
             .reference_lines = {{.y = entropy, .label = "entropy of the data"}}},
        "The training curve is a mean over the running epoch, the test curves are taken at its end. What "
        "the first epochs add far above is cut off. On fresh points no density lies below the line but by chance; "
        "a training curve may, by learning its points by heart.");
    study.add(table);
  };
}

Panel moons_density(const std::string& run) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    const double noise = trained.run.data.noise;
    const Tensor grid = cells(kSide, kCells), test = trained.data->test.x.slice(0, 0, 1000);
    study.add(Heading{"The learned density"});
    Plot learned = plane("Learned density, with test points", "Heat map of the learned density with data points on it");
    learned.field = heat("p(x)", log_prob(trained, grid));
    learned.series = {dots("test points", test, 1)};
    study.add_figure("density", learned, concat("exp(log p(x)) of ", run, " on a grid, and 1,000 test points on it."));
    learned.title = "Learned density";
    learned.series = {};
    study.add_figure("density-alone", learned,
                     "The same without the points. A faint bridge between the moons is no accident: a continuous map "
                     "can bend and thin a connected Gaussian, but can't tear it in two.");
    Plot exact = plane("Exact density", "Heat map of the exact density of the two moons");
    exact.field = heat("p(x)", two_moons_log_density(grid, noise));
    study.add_figure("density-exact", exact, "What it should be: the half circles, convolved with the noise.");

    constexpr double kReach = 6;
    // Steps of 0.02, a sixth of the noise in these units; a smoke run's density is not that fine.
    const int64_t side = study.scale() == RunScale::kSmoke ? 240 : 600;
    double integral = 0;
    for (const Tensor& piece : cells(kReach, side).split(36000))
      integral += log_prob(trained, piece).exp().sum().item<double>();
    integral *= std::pow(2 * kReach / static_cast<double>(side), 2);
    study.results().put(run + ".integral", integral);
    study.add(Paragraph{concat("The learned density integrates to **", fixed(integral, 4), "** over the square from −",
                               fixed(kReach, 0), " to ", fixed(kReach, 0), ".")});
  };
}

Panel moons_samples(const std::string& run, int64_t count) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    const torch::NoGradGuard no_grad;
    Rng rng = study.rng("samples");
    const Tensor x = trained.generative().sample({.count = count}, rng), test = trained.data->test.x.slice(0, 0, count);
    study.add(Heading{"Samples"});
    Plot samples = plane("Samples", "Samples of the flow"), data = plane("Data", "As many test points");
    samples.series = {dots("samples", x, 0)};
    data.series = {dots("test points", test, 1)};
    study.add_figure("samples", samples, concat(count, " samples: points of N(0, I), taken back through the flow."));
    study.add_figure("data", data, "As many test points.");
  };
}

Panel flow_laws(const std::string& run, int64_t points) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    Chain& flow = flow_of(trained).flow();
    const Tensor x = flow_input(trained, points);
    const auto round_trip = [&](const Tensor& from) {
      const torch::NoGradGuard no_grad;
      const Tensor z = flow.forward_and_log_det(from).value;
      return largest(flow.inverse_and_log_det(z).value - from);
    };
    const double float_error = round_trip(x);
    double double_error = 0, log_det_error = 0;
    in_double(*trained.model, [&] {
      const Tensor wide = x.to(at::kDouble);
      double_error = round_trip(wide);
      if (wide[0].numel() <= kMostCoordinates) log_det_error = largest_log_det_error(flow, wide);
    });
    study.results().put(run + ".round_trip.float32", float_error);
    study.results().put(run + ".round_trip.float64", double_error);
    const auto power = [](double value) {
      char text[32];
      std::snprintf(text, sizeof(text), "%.1e", value);
      return std::string(text);
    };
    study.add(Heading{concat("The flow's laws, on the trained net ", run)});
    Table table = {.columns = {"law", "largest error"},
                   .rows = {{"x → z → x, float32", power(float_error)}, {"x → z → x, float64", power(double_error)}},
                   .caption = concat("Over the first ", x.size(0), " test items.")};
    if (x[0].numel() <= kMostCoordinates) {
      study.results().put(run + ".log_det_error", log_det_error);
      table.rows.push_back(
          {"log|det| claimed, against slogdet of the autograd Jacobian, float64", power(log_det_error)});
    }
    study.add(table);
  };
}

Panel flow_film(const std::string& run, int64_t points) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    const torch::NoGradGuard no_grad;
    const auto& layers = flow_of(trained).flow().layers();
    Tensor x = study.rng("film").normal({points, 2}).to(trained.device());
    const auto colours = wheel(x);
    ImageGrid grid = {.title = "From noise to moons",
                      .description = "The same points after each coupling layer of the inverse map, noise first",
                      .pictures = {scatter(x, colours, 3.2)},
                      .columns = 3,
                      .gap = 3,
                      .zoom = 2};
    for (size_t i = layers.size(); i-- > 0;) {
      x = layers[i]->inverse_and_log_det(x).value;
      grid.pictures.push_back(scatter(x, colours, 3.2));
    }
    study.add(Heading{"From noise to moons"});
    study.add_figure(
        "film", grid,
        concat("Row by row: ", points, " points of N(0, I), then the same after each of the ", layers.size(),
               " coupling layers of the inverse. Every layer moves one coordinate only, and shifts and ",
               "stretches it by what the other says. Colours are where a point began, so they show which ",
               "part of the noise becomes which part of which moon."));
  };
}

Panel flow_pictures(const std::string& run, int64_t rows, int64_t columns) {
  return [=](Study& study) {
    const TrainedRun& trained = study.run(run);
    study.add(Heading{"The same idea on pictures"});
    const Series train = logged_curve(trained, {"train", "bits_per_dim"}, "train");
    const Series test = logged_curve(trained, {"test", "bits_per_dim"}, "test");
    study.results().put(run + ".bits_per_dim", test.y.back());
    study.results().put(run + ".first_bits_per_dim", test.y.front());
    study.add_figure("bits-per-dim",
                     Plot{.title = "Bits a dimension over epochs",
                          .description = "Bits a pixel of training and test pictures after each epoch",
                          .x = {.label = "epoch"},
                          .y = {.label = "bits a dimension"},
                          .series = {train, test}},
                     concat("An upper bound of −log₂ P(x) a pixel, by uniform noise over each of 256 bins: **",
                            fixed(test.y.back(), 3), "** on the test split at the end. A table of 256 equally ",
                            "likely greys would cost 8."));
    const torch::NoGradGuard no_grad;
    Rng rng = study.rng("picture samples");
    const Tensor x = trained.generative().sample({.count = rows * columns}, rng);
    study.add_figure("picture-samples",
                     ImageGrid{.title = concat(rows * columns, " samples"),
                               .description = "Samples of the flow of pictures, not chosen by hand",
                               .pictures = to_pictures(x, trained.model->pixel_range()),
                               .columns = columns,
                               .zoom = 2},
                     concat(rows, " × ", columns, " samples at full temperature, none chosen by hand."));
  };
}

}  // namespace sextant::panels
