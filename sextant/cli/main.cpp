// The program: parses the command line, lets one command work, and turns errors into exit codes: 0 done, 1 the work
// failed, 2 the command line or a recipe is wrong, 3 a claim failed under --check, 130 interrupted.
#include <algorithm>
#include <cstdio>
#include <exception>

#include "sextant/base/check.h"
#include "sextant/base/choice.h"
#include "sextant/base/interrupt.h"
#include "sextant/cli/command.h"
#include "sextant/tensor/block_cache.h"
#include "sextant_build_info.h"

namespace {

int report(const sextant::Console& console, const char* kind, const std::string& text, int code) {
  if (console.json) {
    const sextant::Json error = {{"error", {{"kind", kind}, {"text", text}}}};
    std::printf("%s\n", sextant::json_text(error, -1).c_str());
  }
  std::fprintf(stderr, "sextant: %s\n", text.c_str());
  return code;
}

// CLI11 says of a command that it does not know only that one is wanted.
void check_command(const CLI::App& app, const std::string& word) {
  if (word.starts_with('-')) return;
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
  if (std::ranges::find(known, word) == known.end()) sextant::refuse_unknown("sextant", "the command", word, known);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace sextant;
  cache_tensor_memory();
  catch_interrupts();
  Console console;
  for (int i = 0; i < argc; ++i) {
    const std::string word = i == 0 ? "sextant" : argv[i];
    const bool plain = word.find_first_of(" \t\"'$&;|<>*?()[]{}\\") == std::string::npos && !word.empty();
    console.command_line += (i ? " " : "") + (plain ? word : "'" + word + "'");
  }
  CLI::App app("sextant: families of deep generative models, trained, sampled, measured and explained.", "sextant");
  app.require_subcommand(1);
  app.set_version_flag("--version", concat("sextant ", build_info::kVersion, " (", build_info::git_revision(), ")"));
  app.footer(
      "Start with `sextant run 14.21`, or `sextant list` to see what there is.\n"
      "`sextant COMMAND --help` explains one command.");
  for (const auto add :
       {add_list, add_run, add_train, add_sample, add_eval, add_export, add_report, add_data, add_info, add_doctor})
    add(app, console);
  try {
    if (argc > 1) check_command(app, argv[1]);
    app.parse(argc, argv);
    return console.exit_code;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const UsageError& error) {
    return report(console, "usage", error.what(), 2);
  } catch (const Interrupted& error) {
    return report(console, "interrupted", error.what(), 130);
  } catch (const Error& error) {
    return report(console, "failed", error.what(), 1);
  } catch (const std::bad_alloc&) {
    return report(console, "failed", "out of memory: choose a smaller batch, or close other programs", 1);
  } catch (const std::exception& error) {
    return report(console, "failed",
                  concat("unexpected: ", error.what(), "\nPlease report this with `sextant doctor`."), 1);
  }
}
