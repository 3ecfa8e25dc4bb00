// What the commands share. Results go to stdout (text, or JSON with --json), messages and progress to stderr.
#pragma once

#include <ATen/core/Tensor.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "sextant/base/check.h"
#include "sextant/base/json.h"
#include "sextant/tensor/precision.h"

namespace sextant {

// Bytes that are no UTF-8, as a file's names may hold, become U+FFFD. `indent` -1: one line.
std::string json_text(const Json& json, int indent);

struct Console {
  bool json = false;
  bool quiet = false;
  int64_t threads = 0;  // 0: as many as the process may use
  std::string device = "cpu";
  std::string precision_name;  // empty: not asked for
  bool tf32 = false;
  std::string command_line;  // as it was typed
  int exit_code = 0;

  // JSON on one stdout document with --json, else `text`.
  void print(const Json& json_result, const std::string& text) const;
  // Sets the thread count and returns the device; UsageError when it is not there.
  at::Device prepare() const;
  // What --precision asks for, float32 without it; admitted.
  Precision precision() const;
  // Throws UsageError where the device can't; cautions on stderr against what is not float32.
  void admit(Precision precision) const;

 private:
  bool wants_cuda() const;
};

// Adds --json, --quiet and, to a command that computes, --threads and --device.
void add_common(CLI::App& command, Console& console, bool computes);
// Adds --precision and --tf32.
void add_precision(CLI::App& command, Console& console);

void add_list(CLI::App& app, Console& console);
void add_run(CLI::App& app, Console& console);
void add_train(CLI::App& app, Console& console);
void add_sample(CLI::App& app, Console& console);
void add_eval(CLI::App& app, Console& console);
void add_export(CLI::App& app, Console& console);
void add_report(CLI::App& app, Console& console);
void add_data(CLI::App& app, Console& console);
void add_info(CLI::App& app, Console& console);
void add_doctor(CLI::App& app, Console& console);

}  // namespace sextant
