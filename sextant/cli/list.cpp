#include <algorithm>

#include "sextant/cli/command.h"
#include "sextant/data/catalogue.h"
#include "sextant/lab/experiment.h"
#include "sextant_build_info.h"

namespace sextant {
namespace {

std::vector<std::string> files_below(const std::string& folder, const std::string& ending) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(find_shipped(folder), error))
    if (entry.path().string().ends_with(ending)) names.push_back(folder + "/" + entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

void list(Console& console) {
  Json exercises = Json::array(), families_json = Json::array(), data = Json::array();
  std::string text = "Exercises (sextant run NUMBER)\n";
  for (const Experiment& experiment : experiments()) {
    exercises.push_back({{"id", experiment.id}, {"title", experiment.title}, {"question", experiment.question}});
    text += concat("  ", experiment.id, "  ", experiment.title, "\n");
  }
  text += "Families\n";
  for (const FamilyRow& row : families()) {
    families_json.push_back({{"family", row.family}, {"title", row.title}, {"computes", row.computes}});
    text += concat("  ", row.family, "  ", row.title, ": ", row.computes, "\n");
  }
  const auto recipes = files_below("recipes", ".toml"), zoo = files_below("zoo", "");
  text += "Recipes (sextant train RECIPE)\n";
  for (const auto& recipe : recipes) text += concat("  ", recipe, "\n");
  text += "Trained weights (sextant sample NAME, sextant eval NAME)\n";
  for (const auto& entry : zoo) text += concat("  ", entry, "\n");
  text += "Data sets\n";
  for (const auto& presence : catalogue::list()) {
    data.push_back({{"name", presence.row->name}, {"at_hand", presence.at_hand}});
    const bool own = presence.row->format == catalogue::Format::kFolder;
    const std::string hint =
        own ? "  (your own: --set data.path=DIR)" : "  (absent: sextant data fetch " + presence.row->name + ")";
    text += concat("  ", presence.row->name, presence.at_hand ? "" : hint, "\n");
  }
  console.print(
      {{"exercises", exercises}, {"families", families_json}, {"recipes", recipes}, {"zoo", zoo}, {"data", data}},
      text);
}

}  // namespace

void add_list(CLI::App& app, Console& console) {
  CLI::App* command = app.add_subcommand("list", "exercises, families, recipes, trained weights and data sets");
  command->footer("Example: sextant list --json");
  add_common(*command, console, false);
  command->callback([&console] { list(console); });
}

}  // namespace sextant
