#include "sextant/cli/command.h"
#include "sextant/lab/experiment.h"

namespace sextant {

void add_report(CLI::App& app, Console& console) {
  auto out = std::make_shared<std::string>("report");
  CLI::App* command = app.add_subcommand("report", "write the index of all pages in a report folder");
  command->add_option("--out", *out, "folder of the pages")->capture_default_str();
  command->footer("Example: sextant report --out report");
  add_common(*command, console, false);
  command->callback([out, &console] {
    const auto index = write_index(*out);
    console.print({{"index", index.string()}}, concat("index: ", index.string(), "\n"));
  });
}

}  // namespace sextant
