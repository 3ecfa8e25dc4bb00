#include "sextant/tensor/device.h"

#include <ATen/Context.h>
#include <dlfcn.h>

namespace sextant {
namespace {

// Asked of the driver, which is loaded already where CUDA works: LibTorch's own way needs CUDA's headers.
std::string cuda_name(int index) {
  using GetDevice = int (*)(int* device, int index);
  using GetName = int (*)(char* name, int size, int device);
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY);
  if (!driver) return "";
  const auto get_device = reinterpret_cast<GetDevice>(dlsym(driver, "cuDeviceGet"));
  const auto get_name = reinterpret_cast<GetName>(dlsym(driver, "cuDeviceGetName"));
  char name[256] = "";
  int device = 0;
  const bool found = get_device && get_name && get_device(&device, index) == 0 &&
                     get_name(name, static_cast<int>(sizeof(name)), device) == 0;
  return found ? name : "";
}

}  // namespace

void allow_tf32(bool allowed) {
  at::globalContext().setFloat32Precision(at::Float32Backend::CUDA, at::Float32Op::CONV,
                                          allowed ? at::Float32Precision::TF32 : at::Float32Precision::IEEE);
}

bool tf32_allowed() {
  return at::globalContext().float32Precision(at::Float32Backend::CUDA, at::Float32Op::CONV) ==
         at::Float32Precision::TF32;
}

std::string device_text(at::Device device) {
  if (!device.is_cuda()) return device.str();
  const std::string name = cuda_name(device.has_index() ? device.index() : 0);
  return "cuda (" + (name.empty() ? "unnamed" : name) + (tf32_allowed() ? ", TF32)" : ")");
}

}  // namespace sextant
