// What to paste into a bug report: the program, LibTorch, the machine, the data at hand, and whether the usual places
// can be written. Finds what is wrong and says how to mend it.
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/version.h>
#include <unistd.h>

#include <chrono>
#include <cmath>

#include "sextant/base/machine.h"
#include "sextant/cli/command.h"
#include "sextant/data/catalogue.h"
#include "sextant/kernels/pair_unit.h"
#include "sextant/kernels/winograd.h"
#include "sextant/tensor/device.h"
#include "sextant/tensor/torch.h"
#include "sextant_build_info.h"

namespace sextant {
namespace {

// The file that a function's library was loaded from.
std::string library_of(const void* symbol) {
  Dl_info info{};
  return dladdr(symbol, &info) != 0 && info.dli_fname ? info.dli_fname : "unknown";
}

bool writable(const std::filesystem::path& folder) {
  std::filesystem::path place = folder;
  while (!place.empty() && !std::filesystem::exists(place)) place = place.parent_path();
  return ::access(place.empty() ? "." : place.c_str(), W_OK) == 0;
}

// Two threads really run, or at::parallel_for is silently serial.
int64_t threads_seen() {
  std::vector<int> seen(static_cast<size_t>(at::get_num_threads()), 0);
  at::parallel_for(0, static_cast<int64_t>(seen.size()), 1,
                   [&](int64_t, int64_t) { seen[static_cast<size_t>(at::get_thread_num())] = 1; });
  return std::count(seen.begin(), seen.end(), 1);
}

// One convolution as the U-Nets have them.
class Convolution {
 public:
  explicit Convolution(Precision precision)
      : precision_(precision),
        v_(torch::empty({kernels::winograd_weights_size(kWidth, kWidth, kernels::ConvPass::kForward, precision)})) {
    const at::Tensor w = torch::ones({kWidth, kWidth, 3, 3});
    kernels::winograd_weights(kernels::contiguous_filter(w.const_data_ptr<float>(), kWidth), kWidth, kWidth,
                              kernels::ConvPass::kForward, v_.data_ptr<float>(), precision);
  }
  double seconds() {
    const auto start = std::chrono::steady_clock::now();
    kernels::winograd_convolve({16, 14, 14, kWidth, kWidth}, x_.const_data_ptr<float>(), v_.const_data_ptr<float>(),
                               nullptr, nullptr, y_.data_ptr<float>(), precision_);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

 private:
  static constexpr int64_t kWidth = 128;
  Precision precision_;
  at::Tensor v_, x_ = torch::ones({16, 14, 14, kWidth}), y_ = torch::empty({16, 14, 14, kWidth});
};

std::string unit_name(kernels::PairUnit unit) {
  switch (unit) {
    case kernels::PairUnit::kMatrix:
      return "matrix unit (AMX)";
    case kernels::PairUnit::kInstruction:
      return "instruction (AVX512_BF16)";
    default:
      return "emulation";
  }
}

// Is --precision bf16 worth it here? Measured in turns: a CPU may have the instruction and gain nothing by it.
Json bf16_report() {
  Convolution fp32(Precision::kFloat32), bf16(Precision::kBFloat16);
  double best_fp32 = 1e9, best_bf16 = 1e9;
  for (int i = 0; i < 40; ++i) {
    best_fp32 = std::min(best_fp32, fp32.seconds());
    best_bf16 = std::min(best_bf16, bf16.seconds());
  }
  const double ratio = best_fp32 / best_bf16;
  return {
      {"products_by", unit_name(kernels::pair_unit())},
      {"convolution_speed_over_fp32", std::round(100 * ratio) / 100},
      {"advice", ratio > 1.15 ? "--precision bf16 is faster here" : "leave --precision at fp32: bf16 gains nothing"}};
}

void doctor(Console& console) {
  const at::Device device = console.prepare();
  const Machine machine = this_machine();
  Json data = Json::object(), trouble = Json::array();
  for (const auto& presence : catalogue::list()) data[presence.row->name] = presence.at_hand;
  if (!writable(std::filesystem::current_path()))
    trouble.push_back("this folder can't be written: use --out and --runs, or go elsewhere");
  const int64_t seen = threads_seen();
  if (seen < at::get_num_threads())
    trouble.push_back("fewer threads run than were asked for: is OMP_NUM_THREADS or a CPU limit set?");
  if (!data.value("mnist", false))
    trouble.push_back(
        "MNIST is not at hand: the program was moved away from its data; reinstall it, or run "
        "`sextant data fetch mnist`");
  const Json json = {{"sextant",
                      {{"version", build_info::kVersion},
                       {"revision", build_info::git_revision()},
                       {"compiler", build_info::kCompiler},
                       {"build", build_info::kBuildType},
                       {"data_root", build_info::data_root().string()}}},
                     {"libtorch",
                      {{"headers", build_info::kLibTorchVersion},
                       {"library", library_of(reinterpret_cast<const void*>(&at::get_num_threads))},
                       {"openmp", library_of(dlsym(RTLD_DEFAULT, "omp_get_max_threads"))},
                       {"cuda", torch::cuda::is_available()},
                       {"cuda_devices", torch::cuda::device_count()}}},
                     {"machine",
                      {{"cpu", machine.cpu},
                       {"features", machine.features},
                       {"cores", machine.cores},
                       {"memory_gb", static_cast<double>(machine.memory_bytes / 100000000) / 10}}},
                     {"bf16", bf16_report()},
                     {"threads", {{"set", at::get_num_threads()}, {"seen", seen}}},
                     {"device", device_text(device)},
                     {"data", data},
                     {"trouble", trouble}};
  std::string text;
  for (const auto& [part, values] : json.items()) {
    text += part + "\n";
    if (values.is_object() || values.is_array())
      for (const auto& [name, value] : values.items())
        text += concat("  ", name, "  ", value.is_string() ? value.get<std::string>() : value.dump(), "\n");
    else
      text += concat("  ", values.is_string() ? values.get<std::string>() : values.dump(), "\n");
  }
  console.print(json, text + (trouble.empty() ? "  none\n" : ""));
}

}  // namespace

void add_doctor(CLI::App& app, Console& console) {
  CLI::App* command = app.add_subcommand("doctor", "what this build runs on, and what is wrong with it");
  command->footer("Example: sextant doctor    (paste its output into a bug report)");
  add_common(*command, console, true);
  command->callback([&console] { doctor(console); });
}

}  // namespace sextant
