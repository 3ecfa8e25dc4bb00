// The laws that a CPU can check. What a case is stands in family_contract.h.
#include <map>

#include "family_contract.h"
#include "sextant/base/interrupt.h"
#include "sextant/base/scratch.h"
#include "sextant/metrics/likelihood.h"
#include "sextant/metrics/table.h"
#include "sextant/tensor/torch.h"
#include "sextant/train/trainer.h"

namespace sextant {
namespace {

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

// Whichever mode the model is in: the test loss is that of eval mode, and training goes on as if nothing had been
// asked.
TEST_P(FamilyContract, EvaluatingIsInEvalModeAndLeavesNoTrace) {
  const auto model = nudged(build());
  const auto everything = [&] {
    std::map<std::string, Tensor> now;
    for (const auto& [name, tensor] : named_tensors(*model)) now[name] = tensor.clone();
    return now;
  };
  const auto before = everything();
  model->train();
  const Json in_training = evaluate(*model, data_.test, Rng(3));
  EXPECT_TRUE(model->is_training());
  model->eval();
  EXPECT_EQ(evaluate(*model, data_.test, Rng(3)), in_training);
  EXPECT_FALSE(model->is_training());
  for (const auto& [name, tensor] : everything()) EXPECT_TRUE(tensor.equal(before.at(name))) << name;
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
  TrainConfig config = {.epochs = 1, .batch_size = 8, .ema_decay = 0.9};
  const TrainOptions quiet = {.title = "t", .quiet = true};
  const auto buffers = model->named_buffers();
  if (std::ranges::any_of(buffers, [](const auto& buffer) { return buffer.key().ends_with("running_var"); })) {
    EXPECT_THROW(train(*model, data_, config, scratch.path(), quiet), UsageError);
    config.ema_decay = 0;
  }
  train(*model, data_, config, scratch.path(), quiet);
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
// checkpoint: a run that is cut off after every round and goes on in a fresh model ends in the same bytes.
TEST_P(FamilyContractSlow, ARunThatIsCutOffAfterEachRoundEndsInTheSameBytes) {
  const TrainConfig config = {.epochs = 2, .batch_size = 8};  // 16 batches: three rounds even of five critic steps
  const TrainOptions quiet = {.title = "t", .quiet = true};
  const ScratchFolder whole, cut;
  train(*build(), data_, config, whole.path(), quiet);
  pretend_interrupted(true);
  int cuts = 0;
  bool finished = false;
  while (!finished && cuts < 100) {
    try {
      train(*build(cuts == 0 ? 1 : 7), data_, config, cut.path(), quiet);
      finished = true;
    } catch (const Interrupted&) {
      ++cuts;
    }
  }
  pretend_interrupted(false);
  ASSERT_TRUE(finished) << "each start begins anew";
  EXPECT_GE(cuts, 2);
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

TEST(Families, EveryOneHasARow) {
  std::set<size_t> rows;
  for (const Case& each : cases()) rows.insert(each.config.index());
  EXPECT_EQ(rows.size(), std::variant_size_v<ModelConfig>) << "a family without a row in cases() is not tested";
}

// It takes minutes on pictures, so it says where it is and looks at Ctrl-C.
TEST_P(FamilyContractSlow, ABoundReportsItsProgressAndStopsWhenAsked) {
  const auto model = build();
  if (!dynamic_cast<DensityBound*>(model.get())) GTEST_SKIP() << "no bound of p(x)";
  std::vector<int64_t> heard;
  EvalRequest request = {.model = *model, .data = data_, .images = 12};
  request.progress = [&](const char*, int64_t done, int64_t total) {
    EXPECT_EQ(total, 12);
    heard.push_back(done);
  };
  EXPECT_EQ(measure_by_name("bound", request).at("images"), 12);
  EXPECT_EQ(heard, (std::vector<int64_t>{10, 12}));
  request.progress = [](const char*, int64_t, int64_t) { pretend_interrupted(true); };
  EXPECT_THROW(measure_by_name("bound", request), Interrupted);
  pretend_interrupted(false);
}

INSTANTIATE_TEST_SUITE_P(All, FamilyContract, testing::ValuesIn(cases()), name_of);
INSTANTIATE_TEST_SUITE_P(All, FamilyContractSlow, testing::ValuesIn(cases()), name_of);

}  // namespace
}  // namespace sextant
