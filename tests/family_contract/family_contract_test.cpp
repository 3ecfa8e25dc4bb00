// What every family owes, whatever it is: one row in `cases` and it is tested. Small nets on small made-up data.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "sextant/base/files.h"
#include "sextant/base/interrupt.h"
#include "sextant/base/scratch.h"
#include "sextant/families/registry.h"
#include "sextant/metrics/likelihood.h"
#include "sextant/metrics/table.h"
#include "sextant/tensor/device.h"
#include "sextant/tensor/torch.h"
#include "sextant/train/trainer.h"

namespace sextant {
namespace {

struct Case {
  const char* name;
  ModelConfig config;
  std::vector<int64_t> item;  // sizes of an item
  // Parameters that the loss can't depend on, whatever their value: a Wasserstein critic's last bias cancels.
  std::set<std::string> without_effect = {};
};

UnetConfig small_unet(UnetConfig config = {}) {
  config.widths = {8, 16};
  config.groups = 4;
  config.attention = {};
  return config;
}

GanConfig small_gan(GanConfig config = {}) {
  config.net.latent = 8;
  config.net.generator_hidden = {24, 16};
  config.net.discriminator_hidden = {16, 12};
  config.net.width = 6;
  return config;
}
GanConfig gan_with(const std::function<void(GanConfig&)>& change, GanConfig config = {}) {
  GanConfig changed = small_gan(config);
  change(changed);
  return changed;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"vae", VaeConfig{.hidden = {32}, .latent = 4}, {1, 6, 5}},
      {"vae, two hidden layers, colour", VaeConfig{.hidden = {24, 16}, .latent = 2}, {3, 4, 4}},
      {"vae, gaussian", VaeConfig{.hidden = {32}, .latent = 4, .likelihood = Likelihood::kGaussian}, {1, 6, 5}},
      {"vae, gaussian, learned sigma",
       VaeConfig{.hidden = {32}, .latent = 4, .likelihood = Likelihood::kGaussian, .sigma = 0.5, .learn_sigma = true},
       {1, 6, 5}},
      {"vae, convolutions, logistic over bytes",
       VaeConfig{.conv = {8, 16}, .latent = 3, .likelihood = Likelihood::kDiscretisedLogistic, .learn_sigma = true},
       {3, 8, 12}},
      {"ddpm", DdpmConfig{.net = small_unet()}, {1, 8, 8}},
      {"ddpm, norm before, attention, classes",
       DdpmConfig{.net = small_unet(prenorm_unet()), .conditional = true, .label_drop = 0.5},
       {3, 8, 8}},
      {"ddpm, skips from blocks, v, cosine, min-snr, dropout",
       DdpmConfig{.net = small_unet(cifar_unet()),
                  .schedule = {.kind = ScheduleKind::kCosine, .steps = 40},
                  .prediction = Prediction::kV,
                  .weight = LossWeight::kMinSnr},
       {1, 8, 8}},
      {"realnvp, points", RealNvpConfig{.hidden = {16, 16}}, {2}},
      {"realnvp, points of five coordinates", RealNvpConfig{.couplings = 3, .hidden = {16}}, {5}},
      {"realnvp, pictures", RealNvpConfig{.scales = 2, .scale_couplings = 2, .width = 8}, {1, 8, 8}},
      {"realnvp, pictures, colour, down to 2 x 2, no blocks",
       RealNvpConfig{.scales = 3, .scale_couplings = 2, .width = 8, .blocks = 0},
       {3, 8, 8}},
      {"classifier", ClassifierConfig{.widths = {8, 16}}, {1, 9, 9}},
      {"classifier, colour, two convolutions a stage",
       ClassifierConfig{.widths = {8}, .convs = 2, .groups = 4},
       {3, 8, 8}},
      {"gan", small_gan(), {1, 6, 5}},
      {"gan, points", small_gan(), {2}},
      {"gan, saturating, r1, two steps",
       gan_with([](GanConfig& c) {
         c.loss = GanLoss::kSaturating;
         c.r1 = 1;
         c.critic_steps = 2;
       }),
       {3, 4, 4}},
      {"gan, spectral norm", gan_with([](GanConfig& c) { c.net.spectral_norm = true; }), {1, 6, 5}},
      {"dcgan", small_gan(dcgan()), {1, 8, 12}},
      {"dcgan, spectral norm, gradient penalty",
       gan_with(
           [](GanConfig& c) {
             c.net.spectral_norm = true;
             c.gradient_penalty = 1;
           },
           dcgan()),
       {3, 8, 8}},
      {"wgangp", small_gan(wgan_gp()), {1, 6, 5}, {"discriminator.linear2.bias"}},
      {"wgangp, convolutions",
       gan_with([](GanConfig& c) { c.net.kind = GanNet::kDcgan; }, wgan_gp()),
       {1, 8, 8},
       {"discriminator.linear0.bias"}},
  };
  return all;
}

// 64 items in two kinds of pictures, or points.
Dataset made_data(const std::vector<int64_t>& item) {
  Dataset data;
  data.name = "made";
  data.classes = item.size() == 1 ? 0 : 2;
  const auto split = [&](uint64_t seed, int64_t n) {
    std::vector<int64_t> shape = item;
    shape.insert(shape.begin(), n);
    if (item.size() == 1) return Split{.x = Rng(seed).normal(shape), .labels = {}};
    const Tensor kind = (torch::arange(n) % 2).view({n, 1, 1, 1});
    const Tensor ramp = torch::linspace(0, 1, item[2]).view({1, 1, 1, item[2]});
    const Tensor picture = torch::where(kind == 0, ramp, 1 - ramp) * 200 + Rng(seed).uniform(shape) * 55;
    return Split{.x = picture.to(at::kByte), .labels = kind.flatten()};
  };
  data.train = split(1, 64);
  data.test = split(2, 16);
  return data;
}

// The model as one that can be sampled; null for a classifier.
GenerativeModel* generative(const std::shared_ptr<Trainable>& model) {
  return dynamic_cast<GenerativeModel*>(model.get());
}
// Away from weights that start at zero: they let no gradient through, and the others then change nothing.
std::shared_ptr<Trainable> nudged(std::shared_ptr<Trainable> model) {
  const torch::NoGradGuard no_grad;
  Rng rng(8);
  for (const Tensor& p : model->parameters()) p.detach().add_(rng.normal(p.sizes()), 0.1);
  return model;
}

// One player of a model on its own: the others stand still.
class OnePlayer : public Trainable {
 public:
  OnePlayer(std::shared_ptr<Trainable> model, size_t player) : model_(std::move(model)), player_(player) {
    register_module("model", std::static_pointer_cast<torch::nn::Module>(model_));
  }
  std::vector<Player> players() override { return {model_->players()[player_]}; }
  Loss loss(size_t /*player*/, const Batch& batch, Rng& rng) override { return model_->loss(player_, batch, rng); }
  PixelRange pixel_range() const override { return model_->pixel_range(); }

 private:
  std::shared_ptr<Trainable> model_;
  size_t player_;
};

constexpr const char* kNoSamples = "no generative model: there is nothing to sample";

class FamilyContract : public testing::TestWithParam<Case> {
 protected:
  std::shared_ptr<Trainable> build(uint64_t seed = 1) const {
    return build_model(GetParam().config, item_shape(data_), Rng(seed));
  }
  Batch batch(const Trainable& model, int64_t count = 8) const {
    return slice(data_.train, 0, count, model.pixel_range());
  }
  Dataset data_ = made_data(GetParam().item);
};
class FamilyContractSlow : public FamilyContract {};  // laws that need training

TEST_P(FamilyContract, LossesAndTheirPartsAreFiniteScalars) {
  const auto model = build();
  for (size_t p = 0; p < model->players().size(); ++p) {
    Rng rng(3);
    const Loss loss = model->loss(p, batch(*model), rng);
    EXPECT_EQ(loss.total.dim(), 0);
    EXPECT_TRUE(loss.total.requires_grad());
    EXPECT_TRUE(std::isfinite(loss.total.item<double>()));
    EXPECT_FALSE(loss.parts.empty());
    for (const auto& [name, part] : loss.parts) {
      EXPECT_FALSE(part.requires_grad()) << name;
      EXPECT_TRUE(std::isfinite(part.item<double>())) << name;
    }
  }
}

TEST_P(FamilyContract, TheSameSeedGivesTheSameLoss) {
  const auto a = nudged(build()), b = nudged(build()), other = nudged(build(2));
  const auto loss = [&](Trainable& model, uint64_t seed) {
    Rng rng(seed);
    return model.loss(0, batch(model), rng).total.item<float>();
  };
  EXPECT_EQ(loss(*a, 5), loss(*b, 5));
  if (!dynamic_cast<ExactDensity*>(a.get())) {  // whose loss is -log p(x): nothing is drawn
    EXPECT_NE(loss(*a, 5), loss(*a, 6));
  }
  EXPECT_NE(loss(*a, 5), loss(*other, 5));
}

TEST_P(FamilyContract, TheSameSeedGivesTheSameSamples) {
  const auto one = nudged(build()), same = nudged(build()), different = nudged(build(2));
  GenerativeModel *a = generative(one), *b = generative(same), *other = generative(different);
  if (!a) GTEST_SKIP() << kNoSamples;
  Rng r1(5), r2(5), r3(6);
  const SampleRequest request = {.count = 3};
  const torch::NoGradGuard no_grad;
  const Tensor x = a->sample(request, r1);
  EXPECT_TRUE(x.equal(b->sample(request, r2)));
  EXPECT_FALSE(x.equal(a->sample(request, r3)));
  Rng r4(5);
  EXPECT_FALSE(x.equal(other->sample(request, r4)));
}

TEST_P(FamilyContract, SamplesHaveTheItemsShapeAndStayInTheModelsRange) {
  const auto built = build();
  GenerativeModel* model = generative(built);
  if (!model) GTEST_SKIP() << kNoSamples;
  const torch::NoGradGuard no_grad;
  for (const int64_t count : {1, 7}) {
    Rng rng(1);
    const Tensor x = model->sample({.count = count}, rng);
    std::vector<int64_t> want = GetParam().item;
    want.insert(want.begin(), count);
    EXPECT_EQ(x.sizes().vec(), want);
    EXPECT_TRUE(x.isfinite().all().item<bool>());
    if (GetParam().item.size() == 1) continue;
    EXPECT_GE(x.min().item<double>(), model->pixel_range() == PixelRange::kUnit ? 0.0 : -1.0);
    EXPECT_LE(x.max().item<double>(), 1.0);
  }
}

// By LibTorch's operations there, by our kernels here, from the same noise.
TEST_P(FamilyContract, AGpuGivesTheSameLossesGradientsAndSamples) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "LibTorch sees no CUDA device";
  allow_tf32(false);
  const auto here = nudged(build()), there = nudged(build());
  there->to(at::kCUDA);
  const auto expect_near = [](const std::string& what, const Tensor& a, const Tensor& b, double rounding) {
    ASSERT_TRUE(b.is_cuda()) << what;
    const Tensor x = a.to(at::kDouble), y = b.to(at::kCPU, at::kDouble);
    EXPECT_LT((x - y).norm().item<double>(), 1e-3 * x.norm().item<double>() + rounding) << what;
  };
  const auto loss_and_gradients = [&](Trainable& model, size_t player, at::Device device) {
    Batch given = batch(model);
    given.x = given.x.to(device);
    if (given.labels.defined()) given.labels = given.labels.to(device);
    Rng rng(3);
    const Tensor loss = model.loss(player, given, rng).total;
    auto all = torch::autograd::grad({loss}, model.players()[player].parameters, {}, std::nullopt, false, true);
    all.push_back(loss.detach());
    return all;
  };
  for (size_t p = 0; p < here->players().size(); ++p) {
    const auto a = loss_and_gradients(*here, p, at::kCPU), b = loss_and_gradients(*there, p, at::kCUDA);
    double squares = 0;
    for (const Tensor& each : a)
      if (each.defined()) squares += each.to(at::kDouble).square().sum().item<double>();
    // A bias before a normalisation has a gradient of zero, that is of rounding errors of all the others' size.
    const double rounding = 1e-6 * std::sqrt(squares);
    for (size_t i = 0; i < a.size(); ++i)
      if (a[i].defined())
        expect_near(concat("player ", p, ", gradient ", i, " of ", a.size() - 1), a[i], b[i], rounding);
  }
  const torch::NoGradGuard no_grad;
  here->eval(), there->eval();
  for (const char* metric : {"elbo", "bound", "nll", "log_likelihood", "active_units"}) {
    const auto measured = [&](Trainable& model) {
      return measure_by_name(metric, {.model = model, .data = data_, .images = 4, .samples = 20});
    };
    Json a;
    try {
      a = measured(*here);
    } catch (const UsageError&) {
      continue;  // no such thing for this family
    }
    const Json b = measured(*there);
    for (const auto& [name, value] : a.items()) {
      if (!value.is_number()) continue;
      const double x = value.get<double>();
      EXPECT_NEAR(b.at(name).get<double>(), x, 1e-2 * std::abs(x) + 1e-3) << metric << "." << name;
    }
  }
  if (!generative(here)) return;
  Rng r1(5), r2(5);
  expect_near("samples", generative(here)->sample({.count = 3}, r1), generative(there)->sample({.count = 3}, r2), 1e-6);
}

TEST_P(FamilyContract, EveryParameterBelongsToOnePlayerAndGetsAGradient) {
  const auto model = nudged(build());
  std::set<const void*> owned;
  const auto players = model->players();
  std::map<const void*, std::string> names;
  for (const auto& item : model->named_parameters()) names[item.value().unsafeGetTensorImpl()] = item.key();
  const auto loss = [&](size_t p) {
    Rng rng(3);
    return model->loss(p, batch(*model), rng).total;
  };
  for (size_t p = 0; p < players.size(); ++p) {
    const Tensor total = loss(p);
    const auto gradients = torch::autograd::grad({total}, players[p].parameters, {}, std::nullopt, true, true);
    for (size_t i = 0; i < gradients.size(); ++i) {
      const Tensor& parameter = players[p].parameters[i];
      const std::string& name = names[parameter.unsafeGetTensorImpl()];
      EXPECT_TRUE(owned.insert(parameter.unsafeGetTensorImpl()).second);
      ASSERT_TRUE(gradients[i].defined()) << name;
      if (!GetParam().without_effect.contains(name)) {
        EXPECT_GT(gradients[i].abs().sum().item<double>(), 0) << name;
        continue;
      }
      // Then it must be so by the formula: far away the loss is the same, to float32 rounding of values near 3.
      const torch::NoGradGuard no_grad;
      parameter.detach().add_(3);
      EXPECT_NEAR(loss(p).item<double>(), total.item<double>(), 1e-4 * (1 + std::abs(total.item<double>()))) << name;
      parameter.detach().sub_(3);
    }
  }
  for (const auto& item : model->named_parameters())
    EXPECT_TRUE(owned.contains(item.value().unsafeGetTensorImpl())) << item.key() << " is nobody's";
}

// Several players need not all get what they want (an equilibrium need not fall), so each is trained alone from fresh
// weights while the others stand still: what it minimises must then fall.
TEST_P(FamilyContractSlow, EachPlayersLossFallsOnSixtyFourItemsWhileTheOthersStandStill) {
  for (size_t p = 0; p < build()->players().size(); ++p) {
    OnePlayer model(build(), p);
    const ScratchFolder scratch;
    Rng noise(9);
    const std::string player = model.players()[0].name;
    const auto loss = [&] { return evaluate(model, data_.train, noise)[player]["loss"].get<double>(); };
    const double before = loss();
    train(model, data_, {.epochs = 15, .batch_size = 4}, scratch.path(), {.title = "t", .quiet = true});
    EXPECT_LT(loss(), before) << player;
  }
}

TEST_P(FamilyContract, SavedWeightsGiveTheSameLossAndTheSameSamples) {
  const auto model = build();
  const ScratchFolder scratch;
  train(*model, data_, {.epochs = 2, .batch_size = 16, .ema_decay = 0.9}, scratch.path(),
        {.title = "t", .quiet = true});
  const auto again = build(7);
  copy_tensors_(named_tensors(*again), load_tensors(scratch.path() / "weights.safetensors").tensors, "weights");
  Rng a(1), b(1);
  const torch::NoGradGuard no_grad;
  model->eval();
  again->eval();
  for (size_t p = 0; p < model->players().size(); ++p)
    EXPECT_TRUE(model->loss(p, batch(*model), a).total.equal(again->loss(p, batch(*again), b).total)) << p;
  if (GenerativeModel* samples = generative(model)) {
    EXPECT_TRUE(samples->sample({.count = 4}, a).equal(generative(again)->sample({.count = 4}, b)));
  }
}

// Whatever a model keeps beside its weights (running averages, the vectors of a power iteration) must be in the
// checkpoint: a run that is cut off after a round and goes on in a fresh model ends in the same bytes.
TEST_P(FamilyContractSlow, ARunThatWasCutOffEndsInTheSameBytes) {
  const TrainConfig config = {.epochs = 4, .batch_size = 16};  // 16 batches: three rounds even of five critic steps
  const TrainOptions quiet = {.title = "t", .quiet = true};
  const ScratchFolder whole, cut;
  train(*build(), data_, config, whole.path(), quiet);
  pretend_interrupted(true);
  EXPECT_THROW(train(*build(), data_, config, cut.path(), quiet), Interrupted);
  pretend_interrupted(false);
  train(*build(7), data_, config, cut.path(), quiet);
  const auto a = load_tensors(whole.path() / "weights.safetensors").tensors;
  const auto b = load_tensors(cut.path() / "weights.safetensors").tensors;
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) EXPECT_TRUE(tensor.equal(b.at(name))) << name;
}

// With one unit of z the evidence is an integral over the line: the importance-weighted estimate must reach it, and the
// ELBO, which lies below, must be the mean of its draws.
TEST_P(FamilyContract, WhereThereIsALatentVariableTheEvidenceIsReached) {
  const auto* vae = std::get_if<VaeConfig>(&GetParam().config);
  if (!vae) GTEST_SKIP() << "no latent variable";
  VaeConfig config = *vae;
  config.latent = 1;
  const auto model = build_model(ModelConfig(config), item_shape(data_), Rng(1));
  auto& latent = dynamic_cast<LatentVariable&>(*model);
  const torch::NoGradGuard no_grad;
  const Tensor x = batch(*model, 1).x;
  const int64_t n = 8001;
  const Tensor z = torch::linspace(-8, 8, n).view({n, 1});
  const Tensor joint =
      (latent.log_likelihood(x.expand({n, -1, -1, -1}), z) + standard_normal_log_density(z)).to(at::kDouble);
  const double evidence = (joint.logsumexp(0) + std::log(16.0 / (n - 1))).item<double>();
  Rng rng(4);
  for (const Proposal proposal : {Proposal::kPosterior, Proposal::kPrior}) {
    const ImportanceEstimate estimate = importance_weighted(latent, x, 40000, proposal, rng);
    const double ess = estimate.effective_samples.item<double>();
    EXPECT_GT(ess, 1);
    EXPECT_LE(ess, 40000);
    // The relative error of the mean weight is about sqrt(1/ess - 1/K); 5 of them, and float32 rounding of the sums.
    EXPECT_NEAR(estimate.log_p.item<double>(), evidence, 5 * std::sqrt(1 / ess) + 2e-3) << "ess " << ess;
  }
  const DiagonalGaussian q = latent.posterior(x);
  const Tensor log_q =
      DiagonalGaussian{.mean = q.mean.expand({n, 1}), .log_variance = q.log_variance.expand({n, 1})}.log_density(z).to(
          at::kDouble);
  const double step = 16.0 / (n - 1);
  const double elbo = (log_q.exp() * (joint - log_q)).sum().item<double>() * step;
  const int64_t draws = 20000;
  const Tensor many = x.expand({draws, -1, -1, -1});
  const DiagonalGaussian q_many = latent.posterior(many);
  const Tensor bound = latent.log_likelihood(many, q_many.sample(rng)) - q_many.kl_to_standard();
  EXPECT_NEAR(bound.mean().item<double>(), elbo,
              5 * bound.std().item<double>() / std::sqrt(static_cast<double>(draws)) + 2e-3);
}

// The error of a mean over items is their deviation / sqrt(n) only if no draw is shared: the variance of the means of
// 12 batches is then that of the items / 16, and four times as much comes once in 100,000.
TEST_P(FamilyContract, ABoundsDrawsAreEachItemsOwn) {
  const auto model = nudged(build());
  auto* bound = dynamic_cast<DensityBound*>(model.get());
  if (!bound) GTEST_SKIP() << "no bound of p(x)";
  const torch::NoGradGuard no_grad;
  constexpr int64_t kItems = 16;
  std::vector<int64_t> copies(GetParam().item.size() + 1, -1);
  copies[0] = kItems;
  const Tensor x = batch(*model, 1).x.expand(copies);
  Rng rng(4);
  std::vector<Tensor> means, variances;
  for (int i = 0; i < 12; ++i) {
    const Tensor each = bound->elbo(x, 2, rng).to(at::kDouble);
    means.push_back(each.mean());
    variances.push_back(each.var());
  }
  const double items = torch::stack(variances).mean().item<double>(),
               of_means = torch::stack(means).var().item<double>();
  EXPECT_GT(items, 0);
  EXPECT_LT(of_means, 4 * items / kItems);
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  std::string name;
  for (const char c : std::string(info.param.name))
    if (std::isalnum(static_cast<unsigned char>(c))) name += c;
  return name;
}
INSTANTIATE_TEST_SUITE_P(All, FamilyContract, testing::ValuesIn(cases()), name_of);
INSTANTIATE_TEST_SUITE_P(All, FamilyContractSlow, testing::ValuesIn(cases()), name_of);

}  // namespace
}  // namespace sextant
