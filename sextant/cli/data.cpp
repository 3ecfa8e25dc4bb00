#include "sextant/base/progress.h"
#include "sextant/cli/command.h"
#include "sextant/data/catalogue.h"

namespace sextant {
namespace {

std::string shape_of(const catalogue::Row& row) { return Json(row.shape).dump(); }

void list_data(Console& console) {
  Json rows = Json::array();
  std::string text;
  for (const auto& presence : catalogue::list()) {
    const catalogue::Row& row = *presence.row;
    rows.push_back({{"name", row.name},
                    {"title", row.title},
                    {"at_hand", presence.at_hand},
                    {"folder", presence.folder.string()},
                    {"train", row.train},
                    {"test", row.test},
                    {"classes", row.classes},
                    {"item_shape", row.shape},
                    {"licence", row.licence},
                    {"citation", row.citation}});
    std::string name = row.name;
    name.resize(std::max<size_t>(name.size(), 16), ' ');
    text += concat(presence.at_hand ? "  at hand   " : "  absent    ", name, " ", row.title);
    if (!row.shape.empty()) text += concat(", items ", shape_of(row));
    text += concat(row.licence.empty() ? "" : "; licence: " + row.licence, "\n");
  }
  console.print({{"data", rows}}, text);
}

void fetch_data(const std::string& name, Console& console) {
  const catalogue::Row& row = catalogue::row(name);
  PhasedProgress progress(console.quiet);
  const auto folder = catalogue::fetch(
      row, {.progress = [&](const std::string& file, int64_t done, int64_t total) {
        progress.update(file, done, total, [&] { return concat(done / 1000000, " of ", total / 1000000, " MB"); });
      }});
  console.print({{"name", name}, {"folder", folder.string()}}, concat(name, " is in ", folder.string(), "\n"));
}

void add_local(const std::string& name, const std::string& path, Console& console) {
  const auto folder = catalogue::add(catalogue::row(name), path);
  console.print({{"name", name}, {"folder", folder.string()}}, concat(name, " is in ", folder.string(), "\n"));
}

void verify_data(const std::string& name, Console& console) {
  std::vector<std::string> names;
  for (const auto& presence : catalogue::list())
    if (name.empty() ? presence.at_hand && !presence.row->made() : presence.row->name == name)
      names.push_back(presence.row->name);
  if (names.empty()) names.push_back(catalogue::row(name).name);  // an unknown name: its error says what there is
  Json files = Json::array();
  std::string text;
  for (const std::string& one : names)
    for (const auto& verdict : catalogue::verify(one)) {
      files.push_back({{"data", one}, {"file", verdict.file.string()}, {"good", verdict.good}, {"text", verdict.text}});
      text += concat(verdict.good ? "  good  " : "  BAD   ", verdict.file.string(), ": ", verdict.text, "\n");
      if (!verdict.good) console.exit_code = 1;
    }
  console.print({{"files", files}}, text);
}

}  // namespace

void add_data(CLI::App& app, Console& console) {
  CLI::App* command = app.add_subcommand("data", "list, fetch, add and verify data sets, and weights of others");
  command->require_subcommand(1);
  command->footer("Example: sextant data fetch cifar10");
  struct Words {
    std::string name, path;
  };
  auto words = std::make_shared<Words>();
  const auto sub = [&](const char* verb, const char* text, const char* example, auto action) {
    CLI::App* one = command->add_subcommand(verb, text);
    one->footer(example);
    add_common(*one, console, false);
    one->callback([=, &console] { action(*words, console); });
    return one;
  };
  sub("list", "every data set, its licence and whether it is at hand", "Example: sextant data list --json",
      [](const Words&, Console& c) { list_data(c); });
  auto* fetch = sub("fetch", "fetch a data set from its mirrors", "Example: sextant data fetch fashion_mnist",
                    [](const Words& w, Console& c) { fetch_data(w.name, c); });
  auto* add = sub("add", "copy a data set from a folder or archive, after verifying it",
                  "Example: sextant data add cifar10 ~/Downloads/cifar-10-binary.tar.gz",
                  [](const Words& w, Console& c) { add_local(w.name, w.path, c); });
  auto* verify = sub("verify", "hash every file again", "Example: sextant data verify mnist",
                     [](const Words& w, Console& c) { verify_data(w.name, c); });
  for (CLI::App* one : {fetch, add}) one->add_option("name", words->name, "name in `sextant data list`")->required();
  add->add_option("path", words->path, "its archive or only file, or the folder with its files")->required();
  verify->add_option("name", words->name, "one set; without it all that are at hand");
}

}  // namespace sextant
