#include "sextant/families/ddpm.h"

#include "sextant/diffusion/bound.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

constexpr int64_t kSampleSteps = 50;
constexpr int64_t kQuarters = 4;

}  // namespace

Ddpm::Ddpm(const DdpmConfig& config, const ItemShape& shape)
    : config_(config),
      item_(shape.sizes),
      classes_(config.conditional ? shape.classes : 0),
      schedule_(config.schedule) {
  SEXTANT_USAGE_CHECK(shape.sizes.size() == 3 && shape.sizes[1] == shape.sizes[2],
                      "[ddpm] needs square pictures; the data has items of shape ", shape_text(shape.sizes),
                      ". Choose a picture data set, or set data.image_size");
  SEXTANT_USAGE_CHECK(!config.conditional || shape.classes > 0,
                      "[ddpm] the data has no labels to learn from; set model.conditional = false");
  net_ = register_module("net", Unet(config.net, shape.sizes[0], shape.sizes[1], classes_));
  std::vector<float> alpha, sigma, weight;
  for (int64_t i = 0; i <= schedule_.steps(); ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(schedule_.steps());
    alpha.push_back(static_cast<float>(schedule_.alpha(t)));
    sigma.push_back(static_cast<float>(schedule_.sigma(t)));
    weight.push_back(i == 0 ? 0.0f : static_cast<float>(loss_weight(config.weight, config.prediction, schedule_, t)));
  }
  alpha_ = torch::tensor(alpha);
  sigma_ = torch::tensor(sigma);
  weight_ = torch::tensor(weight);
}

std::vector<Player> Ddpm::players() {
  return {{.name = "ddpm", .parameters = parameters(), .optimiser = config_.optimiser}};
}

// Ho et al. 2020, algorithm 1: every item has its own step, noise and coin for its label.
Loss Ddpm::loss(size_t /*player*/, const Batch& batch, Rng& rng) {
  check_items("ddpm", batch.x, item_);
  const int64_t items = batch.x.size(0), T = schedule_.steps();
  const at::Device device = batch.x.device();
  const Tensor step = rng.integers(1, T + 1, {items});
  const Tensor eps = channels_last(rng.normal(batch.x.sizes()).to(device));
  const Tensor alpha = per_item(alpha_.index_select(0, step).to(device), batch.x);
  const Tensor sigma = per_item(sigma_.index_select(0, step).to(device), batch.x);
  Tensor labels;
  if (classes_ > 0) {
    SEXTANT_CHECK(batch.labels.defined(), "[ddpm] this model learns with labels, and the batch has none");
    labels = batch.labels;
    if (is_training()) labels = labels.masked_fill((rng.uniform({items}) < config_.label_drop).to(device), classes_);
  }
  Rng dropout_rng = rng.split("dropout");
  const Tensor x_t = alpha * batch.x + sigma * eps;
  const Tensor output =
      net_->forward(x_t, (step - 1).to(at::kFloat).to(device), labels, is_training() ? &dropout_rng : nullptr);
  const Tensor target = target_of(config_.prediction, batch.x, eps, alpha, sigma);
  const Tensor each = (output - target).square().flatten(1).mean(1);  // [B]
  const Tensor total = (each * weight_.index_select(0, step).to(device)).mean();
  Loss loss{.total = total, .parts = {}};
  const Tensor quarter = (step - 1) * kQuarters / T, error = each.detach().to(at::kCPU);
  for (int64_t q = 0; q < kQuarters; ++q)
    loss.parts.emplace_back(concat("quarter", q + 1),
                            static_cast<double>(kQuarters) * (error * (quarter.floor() == q)).mean());
  return loss;
}

NoisePredictor Ddpm::predictor() {
  return [this](const Tensor& x_t, double t, const Tensor& labels) {
    check_items("ddpm", x_t, item_);
    const Tensor time = torch::full({1}, schedule_.network_time(t), x_t.options().dtype(at::kDouble));
    Tensor given = labels;
    if (classes_ > 0 && !labels.defined()) given = torch::full({x_t.size(0)}, classes_, x_t.options().dtype(at::kLong));
    SEXTANT_USAGE_CHECK(
        classes_ > 0 || !labels.defined(),
        "[ddpm] this run is unconditional: it knows no labels. Use a run with model.conditional = true");
    if (given.defined())
      SEXTANT_USAGE_CHECK((given >= 0).all().item<bool>() && (given <= classes_).all().item<bool>(),
                          "[ddpm] a label is out of range; this run knows 0 to ", classes_ - 1);
    const Tensor output = net_->forward(x_t.to(at::kFloat), time, classes_ > 0 ? given : Tensor());
    return eps_of(config_.prediction, output.to(x_t.scalar_type()), x_t, schedule_.alpha(t), schedule_.sigma(t));
  };
}

Tensor Ddpm::sample(const SampleRequest& request, Rng& rng) {
  const Tensor noise = channels_last(rng.normal(batch_of(request.count, item_)).to(device()));
  const ModelDenoiser denoiser(schedule_, predictor());
  const int64_t steps = std::min(kSampleSteps, schedule_.steps());
  return run_sampler(Ddim{}, denoiser, noise, make_grid(Spacing::kTrailing, steps, schedule_.steps()), noise_of(rng));
}

Tensor Ddpm::elbo(const Tensor& x, int64_t draws, Rng& rng) {
  const ModelDenoiser denoiser(schedule_, predictor());
  // One by one where steps are random: with the same for all, the spread over items would hide theirs.
  const int64_t together = draws == 0 ? std::max<int64_t>(1, x.size(0)) : 1;
  std::vector<Tensor> each;
  for (const Tensor& items : x.split(together)) each.push_back(variational_bound(denoiser, items, draws, rng).elbo());
  return torch::cat(each);
}

std::shared_ptr<GenerativeModel> build_model(const DdpmConfig& config, const ItemShape& shape) {
  return std::make_shared<Ddpm>(config, shape);
}

}  // namespace sextant
