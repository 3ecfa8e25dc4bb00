// What is the VAE's own; what it owes as a family is in tests/family_contract.
#include <gtest/gtest.h>

#include <array>

#include "sextant/families/registry.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

TEST(Vae, HasTheChaptersSize) {
  const auto model = build_model(ModelConfig(VaeConfig{}), {.sizes = {1, 28, 28}, .classes = 10}, Rng(0));
  int64_t count = 0;
  for (const Tensor& p : model->parameters()) count += p.numel();
  EXPECT_EQ(count, 652824);
}

// β multiplies the KL term of the total and nothing else; the parts stay unweighted.
TEST(Vae, BetaWeighsTheKlTermOnly) {
  const Batch batch = {.x = Rng(3).uniform({8, 1, 6, 5}), .labels = {}};
  const auto parts = [&](double beta) {
    const auto model =
        build_model(ModelConfig(VaeConfig{.hidden = {8}, .latent = 3, .beta = beta}), {.sizes = {1, 6, 5}}, Rng(1));
    Rng rng(2);
    const Loss loss = model->loss(0, batch, rng);
    return std::array{loss.total.item<double>(), loss.parts[0].second.item<double>(),
                      loss.parts[1].second.item<double>()};
  };
  const auto one = parts(1), seven = parts(7);
  EXPECT_EQ(one[1], seven[1]);
  EXPECT_EQ(one[2], seven[2]);
  EXPECT_NEAR(one[0], one[1] + one[2], 1e-4);
  EXPECT_NEAR(seven[0], seven[1] + 7 * seven[2], 1e-4);
}

TEST(Vae, PointsAreRefusedWithTheRemedy) {
  try {
    build_model(ModelConfig(VaeConfig{}), {.sizes = {2}, .classes = 0}, Rng(0));
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("Choose a picture data set"), std::string::npos);
  }
}

}  // namespace
}  // namespace sextant
