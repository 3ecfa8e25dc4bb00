# Libraries from the distribution; the packages that bring them are listed in scripts/setup, which installs them.
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
find_package(JPEG REQUIRED)
find_package(CURL REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(Threads REQUIRED)

# Highway as the distribution packs it: header and one shared library (run-time choice of the instruction set).
find_path(HWY_INCLUDE_DIR hwy/highway.h REQUIRED)
find_library(HWY_LIBRARY hwy REQUIRED)
add_library(sextant_highway INTERFACE)
target_include_directories(sextant_highway SYSTEM INTERFACE "${HWY_INCLUDE_DIR}")
target_link_libraries(sextant_highway INTERFACE "${HWY_LIBRARY}")

# OpenMP for kernels that see no torch header: the flag, and LibTorch's own runtime so that the process holds only one.
add_library(sextant_openmp INTERFACE)
target_compile_options(sextant_openmp INTERFACE -fopenmp)
target_link_libraries(sextant_openmp INTERFACE "${LibTorch_GOMP}")

# LEMON, for the network simplex of math/optimal_transport: its headers alone.
find_path(LEMON_INCLUDE_DIR lemon/network_simplex.h REQUIRED)
