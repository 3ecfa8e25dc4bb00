#include "sextant/metrics/likelihood.h"

#include <cmath>

#include "sextant/base/interrupt.h"
#include "sextant/metrics/table.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

constexpr int64_t kRows = 2000;       // (item, draw) pairs decoded at once
constexpr double kActiveUnit = 0.05;  // nats: a unit with less KL carries nothing
constexpr int64_t kBatch = 500;
constexpr int64_t kBoundDraws = 50;   // random steps of a diffusion chain an image
constexpr int64_t kBoundImages = 10;  // between two looks at Ctrl-C: they take seconds

// Where a model wants its inputs.
at::Device device_of(const LatentVariable& model) {
  const auto* trainable = dynamic_cast<const Trainable*>(&model);
  return trainable ? trainable->device() : at::kCPU;
}

// Calls use(x) for every batch of a split, x on `device`, without gradients.
template <class Use>
void for_batches(const Split& split, PixelRange range, at::Device device, const Use& use) {
  const torch::NoGradGuard no_grad;
  for (int64_t first = 0; first < split.size(); first += kBatch)
    use(slice(split, first, std::min(kBatch, split.size() - first), range).x.to(device));
}

// Calls use(x) for the test images that the request chooses, some at a time, x on the model's device; says how far it
// is, and looks at Ctrl-C in between.
template <class Use>
void for_chosen(const EvalRequest& request, const char* what, int64_t at_once, const Use& use) {
  const int64_t images = std::min(request.images, request.data.test.size());
  const Split chosen = subset(request.data.test, images);
  for (int64_t first = 0; first < images; first += at_once) {
    if (interrupted()) throw Interrupted(concat("stopped after ", first, " of ", images, " pictures; nothing is kept"));
    const int64_t count = std::min(at_once, images - first);
    use(slice(chosen, first, count, request.model.pixel_range()).x.to(request.model.device()));
    if (request.progress) request.progress(what, first + count, images);
  }
}

LatentVariable& latent_variable(Trainable& model, const char* metric) {
  auto* latent = dynamic_cast<LatentVariable*>(&model);
  SEXTANT_USAGE_CHECK(latent, "[eval] ", metric,
                      " needs a model with latent variables and p(x|z), such as a VAE; this one ",
                      "has none. `sextant list` shows what each family can compute");
  return *latent;
}

Json measure_elbo(const EvalRequest& request) {
  LatentVariable& model = latent_variable(request.model, "elbo");
  Rng rng = Rng(request.seed).split("elbo");
  double likelihood = 0, kl = 0;
  for_batches(request.data.test, request.model.pixel_range(), request.model.device(), [&](const Tensor& x) {
    const DiagonalGaussian q = model.posterior(x);
    likelihood += model.log_likelihood(x, q.sample(rng)).sum(at::kDouble).item<double>();
    kl += q.kl_to_standard().sum(at::kDouble).item<double>();
  });
  const double n = static_cast<double>(request.data.test.size());
  return {{"elbo", (likelihood - kl) / n},
          {"reconstruction", -likelihood / n},
          {"kl", kl / n},
          {"reconstruction_mse", reconstruction_error(model, request.data.test, request.model.pixel_range())},
          {"images", request.data.test.size()},
          {"unit", "nats an image"}};
}

Json measure_bound(const EvalRequest& request) {
  auto* model = dynamic_cast<DensityBound*>(&request.model);
  SEXTANT_USAGE_CHECK(model,
                      "[eval] bound is for models with a bound of log p(x) over grey values, such as ddpm; this ",
                      "one has none. `sextant list` shows what each family can compute");
  const torch::NoGradGuard no_grad;
  Rng rng = Rng(request.seed).split("bound");
  std::vector<Tensor> each;
  for_chosen(request, "bound", kBoundImages,
             [&](const Tensor& x) { each.push_back(model->elbo(x, kBoundDraws, rng).to(at::kCPU)); });
  const Tensor elbo = torch::cat(each).to(at::kDouble);
  const int64_t images = elbo.numel();
  const double mean = elbo.mean().item<double>();
  Json json = {{"elbo", mean}, {"bits_per_dim", bits_per_dim(-mean, request.data.test.x[0].numel())}};
  if (images > 1) json["standard_error"] = elbo.std().item<double>() / std::sqrt(static_cast<double>(images));
  json["draws"] = kBoundDraws;
  json["images"] = images;
  json["unit"] = "nats an image; standard error over images and draws";
  return json;
}

Json measure_nll(const EvalRequest& request) {
  auto* model = dynamic_cast<ExactDensity*>(&request.model);
  SEXTANT_USAGE_CHECK(model,
                      "[eval] nll needs a model whose log p(x) can be computed, such as a flow; this one has no ",
                      "such thing. `sextant list` shows what each family can compute");
  std::vector<Tensor> each;
  for_batches(request.data.test, request.model.pixel_range(), request.model.device(),
              [&](const Tensor& x) { each.push_back(model->log_prob(x).to(at::kDouble)); });
  const Tensor log_p = torch::cat(each);
  const double n = static_cast<double>(log_p.numel());
  Json json = {{"nll", -log_p.mean().item<double>()}};
  if (n > 1) json["standard_error"] = log_p.std().item<double>() / std::sqrt(n);
  json["items"] = log_p.numel();
  json["unit"] = "nats an item, in the units of the data set";
  return json;
}

Json measure_log_likelihood(const EvalRequest& request) {
  LatentVariable& model = latent_variable(request.model, "log_likelihood");
  Rng rng = Rng(request.seed).split("log_likelihood");
  std::vector<Tensor> log_ps, effective;
  for_chosen(request, "log_likelihood", kBatch, [&](const Tensor& x) {
    const ImportanceEstimate some = importance_weighted(model, x, request.samples, Proposal::kPosterior, rng);
    log_ps.push_back(some.log_p);
    effective.push_back(some.effective_samples);
  });
  const ImportanceEstimate estimate = {.log_p = torch::cat(log_ps), .effective_samples = torch::cat(effective)};
  const Tensor log_p = estimate.log_p.to(at::kDouble);
  const int64_t images = log_p.numel();
  Json json = {{"log_p", log_p.mean().item<double>()}};
  if (images > 1) json["standard_error"] = log_p.std().item<double>() / std::sqrt(static_cast<double>(images));
  json["effective_samples"] = estimate.effective_samples.mean().item<double>();
  json["samples"] = request.samples;
  json["images"] = images;
  json["unit"] = "nats an image";
  return json;
}

Json measure_active_units(const EvalRequest& request) {
  LatentVariable& model = latent_variable(request.model, "active_units");
  const Tensor kl = kl_per_unit(model, request.data.test, request.model.pixel_range());
  const std::vector<double> each(kl.const_data_ptr<double>(), kl.const_data_ptr<double>() + kl.numel());
  return {{"active", (kl > kActiveUnit).sum().item<int64_t>()},
          {"units", kl.numel()},
          {"threshold", kActiveUnit},
          {"kl_per_unit", each}};
}

}  // namespace

ImportanceEstimate importance_weighted(LatentVariable& model, const Tensor& x, int64_t samples, Proposal proposal,
                                       Rng& rng) {
  SEXTANT_CHECK(samples >= 1, "[likelihood] needs at least one draw of z an item; got ", samples);
  const torch::NoGradGuard no_grad;
  const int64_t items = x.size(0), piece = std::max<int64_t>(1, kRows / items);
  const DiagonalGaussian q = model.posterior(x);
  std::vector<Tensor> sums, squares;  // of each piece, log of the sum of w and of w^2: [B], float64
  for (int64_t done = 0; done < samples; done += piece) {
    if (interrupted())
      throw Interrupted(concat("stopped after ", done, " of ", samples, " draws of z, which are not kept"));
    const int64_t k = std::min(piece, samples - done);
    const auto repeat = [&](const Tensor& t) { return t.repeat_interleave(k, 0); };  // [B,…] -> [B k,…]
    const DiagonalGaussian from = {.mean = repeat(q.mean), .log_variance = repeat(q.log_variance)};
    const Tensor z = proposal == Proposal::kPosterior ? from.sample(rng) : rng.normal(from.mean.sizes()).to(x.device());
    Tensor log_weight = model.log_likelihood(repeat(x), z);
    if (proposal == Proposal::kPosterior)
      log_weight = log_weight + standard_normal_log_density(z) - from.log_density(z);
    log_weight = log_weight.to(at::kDouble).view({items, k});
    sums.push_back(log_weight.logsumexp(1));
    squares.push_back((2 * log_weight).logsumexp(1));
  }
  const Tensor sum = torch::stack(sums, 1).logsumexp(1), square = torch::stack(squares, 1).logsumexp(1);
  return {.log_p = sum - std::log(static_cast<double>(samples)), .effective_samples = (2 * sum - square).exp()};
}

Tensor kl_per_unit(LatentVariable& model, const Split& split, PixelRange range) {
  Tensor total;
  for_batches(split, range, device_of(model), [&](const Tensor& x) {
    const Tensor kl = model.posterior(x).kl_to_standard_per_unit().to(at::kDouble).sum(0);
    total = total.defined() ? total + kl : kl;
  });
  return (total / static_cast<double>(split.size())).to(at::kCPU).contiguous();
}

double reconstruction_error(LatentVariable& model, const Split& split, PixelRange range) {
  double total = 0;
  for_batches(split, range, device_of(model), [&](const Tensor& x) {
    total += (model.decode(model.posterior(x).mean) - x).square().sum(at::kDouble).item<double>();
  });
  return total / static_cast<double>(split.x.numel());
}

std::vector<MetricRow> likelihood_metrics() {
  return {
      {.name = "elbo",
       .text = "evidence lower bound over the test split, and its two terms",
       .measure = measure_elbo,
       .reads = {"--seed"}},
      {.name = "bound",
       .text = "lower bound of log p(x) of some test images, nats and bits a dimension",
       .measure = measure_bound,
       .reads = {"--images", "--seed"}},
      {"nll", "−log p(x) over the test split, where log p(x) is exact", measure_nll},
      {.name = "log_likelihood",
       .text = "importance-weighted log p(x) of some test images",
       .measure = measure_log_likelihood,
       .reads = {"--images", "--samples", "--seed"}},
      {"active_units", "units of z whose mean KL is above 0.05 nats", measure_active_units},
  };
}

}  // namespace sextant
