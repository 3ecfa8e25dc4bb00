// Which settings the registry refuses, for every family.
#include "sextant/families/registry.h"

#include <gtest/gtest.h>

#include "sextant/base/check.h"

namespace sextant {
namespace {

TEST(Registry, ASettingThatNothingReadsIsRefused) {
  const ItemShape picture = {.sizes = {1, 8, 8}, .classes = 0}, points = {.sizes = {2}, .classes = 0};
  const UnetConfig net = {.widths = {8, 16}, .groups = 4};
  GanConfig wide, deep = dcgan();
  wide.net.width = 32;
  deep.net.generator_hidden = {64};
  const std::pair<ModelConfig, ItemShape> idle[] = {
      {VaeConfig{.hidden = {32}, .conv = {8}}, picture},
      {VaeConfig{.sigma = 0.5}, picture},
      {wide, picture},
      {deep, picture},
      {RealNvpConfig{.width = 8}, points},
      {RealNvpConfig{.hidden = {16}}, picture},
      {DdpmConfig{.net = net, .label_drop = 0.5}, picture},
      {DdpmConfig{.net = net, .schedule = {.kind = ScheduleKind::kCosine, .beta_last = 0.05}}, picture},
  };
  for (const auto& [config, shape] : idle) EXPECT_THROW(refuse_idle_settings(config, shape), UsageError);
  const std::pair<ModelConfig, ItemShape> fine[] = {
      {VaeConfig{.hidden = {32}}, picture},
      {RealNvpConfig{.hidden = {16}}, points},
      {RealNvpConfig{.width = 8}, picture},
      {DdpmConfig{.net = net, .conditional = true, .label_drop = 0.5}, picture},
      {ModelConfig(GanConfig(dcgan())), picture},
      {ModelConfig(ClassifierConfig{}), picture},
  };
  for (const auto& [config, shape] : fine) EXPECT_NO_THROW(refuse_idle_settings(config, shape));
}

}  // namespace
}  // namespace sextant
