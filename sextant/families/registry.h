// The table of contents of the families: one alternative each, and the classifier that measures them. A family without
// a build_model overload, or a line for `sextant list` in registry.cpp, does not compile.
#pragma once

#include <memory>
#include <variant>

#include "sextant/families/classifier.h"
#include "sextant/families/ddpm.h"
#include "sextant/families/gan.h"
#include "sextant/families/model.h"
#include "sextant/families/realnvp.h"
#include "sextant/families/vae.h"

namespace sextant {

using ModelConfig = std::variant<VaeConfig, RealNvpConfig, GanConfig, DdpmConfig, ClassifierConfig>;

// A model with fresh weights drawn from `rng` alone. Throws UsageError when config and data do not fit.
std::shared_ptr<Trainable> build_model(const ModelConfig& config, const ItemShape& shape, const Rng& rng);

// Throws UsageError where a setting of the model would have no effect beside the others or on such data: for runs about
// to be trained. (A run that was trained with one can still be opened.)
void refuse_idle_settings(const ModelConfig& config, const ItemShape& shape);

// Name, family and what it can compute, for `sextant list`.
struct FamilyRow {
  std::string family, title, computes;
};
std::vector<FamilyRow> families();

}  // namespace sextant
