// Asks libtorch_cpu.so itself which release it is; the headers beside it may tell another story.
// argv[1]: its path. Prints "2.13.0", or why it can't be loaded.
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>

int main(int, char** argv) {
  void* library = dlopen(argv[1], RTLD_LAZY);
  if (library == nullptr) return std::printf("%s\n", dlerror()), 1;
  void* symbol = dlsym(library, "aoti_torch_abi_version");  // since 2.10: major, minor and patch in the three top bytes
  if (symbol == nullptr) return std::printf("an old release that does not tell its version\n"), 0;
  const std::uint64_t version = reinterpret_cast<std::uint64_t (*)()>(symbol)();
  std::printf("%u.%u.%u\n", unsigned(version >> 56 & 0xff), unsigned(version >> 48 & 0xff),
              unsigned(version >> 40 & 0xff));
}
