#include "sextant/base/files.h"
#include "sextant/cli/command.h"
#include "sextant/lab/run_store.h"

namespace sextant {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxLogBytes = size_t{64} << 20;

struct Options {
  std::string run, folder;
  bool bf16 = false, samples = false;
};

void export_run(const Options& options, Console& console) {
  const TrainedRun trained = open_run(find_shipped(options.run), console.prepare());
  const fs::path folder = options.folder;
  SEXTANT_USAGE_CHECK(!fs::exists(folder / "config.json"), "[export] ", folder.string(),
                      " holds a run already; choose another folder, or remove it");
  NamedTensors weights = named_tensors(*trained.model);
  if (options.bf16)
    for (auto& [name, tensor] : weights)
      if (tensor.scalar_type() == at::kFloat) tensor = tensor.to(at::kBFloat16);
  write_file(folder / "config.json", trained.record.dump(1));
  save_tensors(folder / "weights.safetensors", weights, {{"format", "pt"}, {"sextant", trained.record.dump()}});
  if (fs::exists(trained.folder / "log.jsonl"))
    write_file(folder / "log.jsonl", read_file(trained.folder / "log.jsonl", kMaxLogBytes));
  if (options.samples) copy_sample_sets(trained.folder, folder);
  const auto bytes = static_cast<int64_t>(fs::file_size(folder / "weights.safetensors"));
  console.print({{"run", trained.run.name}, {"folder", folder.string()}, {"bytes", bytes}, {"bf16", options.bf16}},
                concat(trained.run.name, ": ", folder.string(), ", ", bytes / 1000, " kB\n"));
}

}  // namespace

void add_export(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("export", "copy a finished run's settings, weights and log, and nothing else");
  command->add_option("run", options->run, "run folder")->required();
  command->add_option("folder", options->folder, "where to; made if missing")->required();
  command->add_flag("--bf16", options->bf16, "store weights as bfloat16: half the size, three digits");
  command->add_flag("--samples", options->samples, "with the sets of samples that exercises drew from it");
  command->footer("Example: sextant export runs/ddpm-mnist-0123456789abcdef my-model --bf16");
  add_common(*command, console, true);
  command->callback([options, &console] { export_run(*options, console); });
}

}  // namespace sextant
