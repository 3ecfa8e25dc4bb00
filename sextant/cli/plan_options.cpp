#include "sextant/cli/plan_options.h"

namespace sextant {

bool PlanOptions::asked() const {
  return std::ranges::any_of(group->get_options(), [](const CLI::Option* option) { return option->count() > 0; });
}

SamplePlan PlanOptions::plan(const Diffusion& model) const {
  Json chosen = {{"sampler", sampler}, {"clip", !no_clip}};
  if (sampler == "ddim") chosen["eta"] = eta;
  if (sampler == "ddpm") chosen["variance"] = beta ? "beta" : "beta-tilde";
  SEXTANT_USAGE_CHECK(eta == 0 || sampler == "ddim", "[sample] --eta belongs to --sampler ddim");
  SEXTANT_USAGE_CHECK(!beta || sampler == "ddpm", "[sample] --beta belongs to --sampler ddpm");
  SEXTANT_USAGE_CHECK(
      !label || *label >= 0, "[sample] --label is a class, 0 or more; got ", *label,
      ". Leave it out: a conditional run then draws all classes in turn, and with --guidance 0 without any");
  SEXTANT_USAGE_CHECK(!label || !each_label, "[sample] give --label or --each-label, not both");
  const bool knows_classes = model.classes() > 0, asks_for_them = each_label || (guidance != 0 && guidance != 1);
  SamplePlan plan;
  assign(plan, {{"sampler", chosen},
                {"steps", steps},
                {"spacing", spacing},
                {"labels", label                            ? "one"
                           : knows_classes || asks_for_them ? "each"
                                                            : "none"},
                {"label", label.value_or(0)},
                {"guidance", guidance}});
  check_plan(plan, model);
  return plan;
}

namespace {

template <class... Samplers>
std::string names_of(const std::variant<Samplers...>* /*type*/) {
  std::string names;
  ((names += concat(names.empty() ? "" : ", ", Samplers::kTag.value)), ...);
  return names;
}
std::string sampler_names() {
  return names_of(static_cast<const SamplerConfig*>(nullptr)) + " (ddpm: the chain itself, ancestral)";
}
std::string spacing_names() {
  std::string names;
  for (const auto& [spacing, name] : enum_names(Spacing{})) names += concat(names.empty() ? "" : ", ", name);
  return names;
}

}  // namespace

std::shared_ptr<PlanOptions> add_plan_options(CLI::App& command) {
  auto options = std::make_shared<PlanOptions>();
  CLI::Option_group* group = options->group = command.add_option_group("Diffusion runs");
  group->add_option("--sampler", options->sampler, sampler_names())->capture_default_str();
  group->add_option("--steps", options->steps, "steps from noise to data")->capture_default_str();
  group->add_option("--spacing", options->spacing, spacing_names())->capture_default_str();
  group->add_option("--eta", options->eta, "ddim: share of the ancestral noise, 0 to 1")->capture_default_str();
  group->add_flag("--beta", options->beta, "ddpm: variance beta, not beta-tilde; for all steps of the chain");
  group->add_flag("--no-clip", options->no_clip, "do not clip the predicted picture to [-1,1] at each step");
  group->add_option("--label", options->label, "class to draw, of a conditional run; without it all in turn");
  group->add_flag("--each-label", options->each_label, "all classes in turn, and an error where the run knows none");
  group
      ->add_option("--guidance", options->guidance,
                   "scale s in eps(none) + s (eps(label) - eps(none)); 0: unconditional, 1: conditional, more: sharper")
      ->capture_default_str();
  return options;
}

}  // namespace sextant
