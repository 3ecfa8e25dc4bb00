#include "sextant/base/files.h"
#include "sextant/base/safetensors.h"
#include "sextant/cli/command.h"
#include "sextant/data/pytorch_file.h"

namespace sextant {
namespace {

void show(const std::string& file, const std::map<std::string, TensorEntry>& entries,
          const std::map<std::string, std::string>& words, Console& console) {
  Json tensors = Json::array(), metadata = Json::object();
  std::string text = file + "\n";
  int64_t total = 0;
  for (const auto& [name, entry] : entries) {
    int64_t count = 1;
    for (const int64_t size : entry.shape) count *= size;
    total += count;
    tensors.push_back({{"name", name}, {"dtype", entry.dtype}, {"shape", entry.shape}, {"numbers", count}});
    text += concat("  ", name, "  ", entry.dtype, " ", Json(entry.shape).dump(), "\n");
  }
  for (const auto& [key, value] : words) {
    metadata[key] = value;
    text += concat("  metadata ", key, ": ", value, "\n");
  }
  text += concat("  ", tensors.size(), " tensors, ", total, " numbers\n");
  console.print({{"file", file}, {"numbers", total}, {"tensors", tensors}, {"metadata", metadata}}, text);
}

void info(const std::string& file, Console& console) {
  std::string bytes = read_file(file);
  if (is_pytorch_file(bytes)) {
    show(file, PytorchFile::parse(std::move(bytes), file).tensors(), {}, console);
  } else {
    const auto parsed = SafetensorsFile::parse(std::move(bytes), file);
    show(file, parsed.tensors(), parsed.metadata(), console);
  }
}

}  // namespace

void add_info(CLI::App& app, Console& console) {
  auto file = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("info", "list the tensors of a safetensors file, or of one that PyTorch wrote");
  command->add_option("file", *file, "safetensors file, or .pth with a state dict")->required();
  command->footer("Example: sextant info zoo/vae-mnist/weights.safetensors");
  add_common(*command, console, false);
  command->callback([file, &console] { info(*file, console); });
}

}  // namespace sextant
