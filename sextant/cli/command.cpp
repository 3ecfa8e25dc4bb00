#include "sextant/cli/command.h"

#include <ATen/Parallel.h>
#include <cstdio>

#include "sextant/base/check.h"
#include "sextant/base/fields.h"
#include "sextant/base/machine.h"
#include "sextant/tensor/device.h"
#include "sextant/tensor/torch.h"

namespace sextant {

std::string json_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

void Console::print(const Json& json_result, const std::string& text) const {
  const std::string out = json ? json_text(json_result, 2) + "\n" : text;
  std::fwrite(out.data(), 1, out.size(), stdout);
}

at::Device Console::prepare() const {
  SEXTANT_USAGE_CHECK(threads >= 0 && threads <= 4096, "[threads] between 1 and 4096, or 0 for all; got ", threads);
  at::set_num_threads(static_cast<int>(threads > 0 ? threads : this_machine().cores));
  allow_tf32(tf32);
  SEXTANT_USAGE_CHECK(device == "cpu" || device == "cuda" || device == "auto", "[device] cpu, cuda or auto; got '",
                      device, "'");
  const bool cuda = wants_cuda() && torch::cuda::is_available();
  SEXTANT_USAGE_CHECK(device != "cuda" || cuda, "[device] no CUDA device is within reach of this ",
                      "LibTorch; use --device cpu, or build with a CUDA LibTorch (LIBTORCH=DIR)");
  SEXTANT_USAGE_CHECK(!tf32 || cuda, "[device] --tf32 is of CUDA's convolutions; add --device cuda");
  return cuda ? at::kCUDA : at::kCPU;
}

Precision Console::precision() const {
  Precision precision = Precision::kFloat32;
  if (!precision_name.empty()) assign(precision, precision_name, "--precision");
  admit(precision);
  return precision;
}

// "auto" wants what there is.
bool Console::wants_cuda() const { return device == "cuda" || (device == "auto" && torch::cuda::is_available()); }

void Console::admit(Precision precision) const {
  SEXTANT_USAGE_CHECK(precision == Precision::kFloat32 || !wants_cuda(),
                      "[precision] bf16 is of our CPU kernels; take fp32 on ", device);
  if (precision == Precision::kBFloat16 && !quiet)
    std::fprintf(stderr, "--precision bf16: %s%s\n", kBFloat16Caution,
                 kernels::has_bfloat16_products()
                     ? ""
                     : "; this CPU multiplies no bfloat16, so it is emulated, and slower than fp32");
}

void add_common(CLI::App& command, Console& console, bool computes) {
  command.add_flag("--json", console.json, "print one JSON document on stdout");
  command.add_flag("-q,--quiet", console.quiet, "no progress on stderr");
  if (!computes) return;
  command.add_option("--threads", console.threads, "CPU threads; 0: all that the process may use");
  command.add_option("--device", console.device, "cpu, cuda or auto")->capture_default_str();
}

void add_precision(CLI::App& command, Console& console) {
  command.add_option(
      "--precision", console.precision_name,
      "products of convolutions in fp32 (the default) or bf16; `sextant doctor` says whether bf16 is faster "
      "here");
  command.add_flag("--tf32", console.tf32,
                   "on CUDA: let convolutions round their factors to TF32; faster, and recorded with the device");
}

}  // namespace sextant
