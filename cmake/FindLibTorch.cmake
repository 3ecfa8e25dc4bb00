# Finds LibTorch in exactly one folder and links its libraries by full path.
#
# Why not the stock TorchConfig: it searches system folders first, so a distribution's old libtorch beside the wheel's
# gets mixed in and the program aborts at start; and for a CUDA build it insists on the whole CUDA toolkit.
#
#   LibTorch_ROOT   the folder that holds include/ and lib/ (default: $LIBTORCH, then .deps/libtorch)
#   LibTorch::LibTorch   the target; its run path points into that folder

if(NOT LibTorch_ROOT)
  if(DEFINED ENV{LIBTORCH} AND NOT "$ENV{LIBTORCH}" STREQUAL "")
    set(LibTorch_ROOT "$ENV{LIBTORCH}")
  else()
    set(LibTorch_ROOT "${PROJECT_SOURCE_DIR}/.deps/libtorch")
  endif()
endif()
set(LibTorch_ROOT "${LibTorch_ROOT}" CACHE PATH "folder with LibTorch's include/ and lib/" FORCE)
get_filename_component(_root "${LibTorch_ROOT}" ABSOLUTE)

set(_libraries "")
foreach(_name torch torch_cpu c10)
  set(_file "${_root}/lib/lib${_name}.so")
  if(NOT EXISTS "${_file}")
    message(FATAL_ERROR "LibTorch: ${_file} does not exist. Run scripts/setup, or name a LibTorch 2.11+ folder with "
                        "-DLibTorch_ROOT=DIR or LIBTORCH=DIR (the folder that holds include/ and lib/).")
  endif()
  list(APPEND _libraries "${_file}")
endforeach()

# The headers must belong to the libraries: a mixed pair compiles, links and then crashes before main().
set(_version_header "${_root}/include/torch/headeronly/version.h")
if(NOT EXISTS "${_version_header}")
  set(_version_header "${_root}/include/torch/csrc/api/include/torch/version.h")
endif()
if(NOT EXISTS "${_version_header}")
  message(FATAL_ERROR "LibTorch: no version.h under ${_root}/include. The headers are missing or from another release; "
                      "run scripts/setup, or point LibTorch_ROOT at a complete LibTorch.")
endif()
file(STRINGS "${_version_header}" _lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH)")
foreach(_part MAJOR MINOR PATCH)
  string(REGEX MATCH "TORCH_VERSION_${_part} ([0-9]+)" _ "${_lines}")
  set(_${_part} "${CMAKE_MATCH_1}")
endforeach()
set(LibTorch_VERSION "${_MAJOR}.${_MINOR}.${_PATCH}")
if(LibTorch_VERSION VERSION_LESS 2.11)
  message(FATAL_ERROR "LibTorch: ${_root} is ${LibTorch_VERSION}; 2.11 or later is needed. Run scripts/setup.")
endif()
# The library is asked once for each file it has been.
file(TIMESTAMP "${_root}/lib/libtorch_cpu.so" _stamp)
if(NOT CMAKE_CROSSCOMPILING AND NOT LibTorch_ASKED STREQUAL "${_root} ${_stamp}")
  unset(LibTorch_ASKS CACHE)
  set(_ask "${PROJECT_BINARY_DIR}/libtorch_version.ask")
  try_compile(LibTorch_ASKS "${PROJECT_BINARY_DIR}/libtorch_version" "${CMAKE_CURRENT_LIST_DIR}/libtorch_version.cpp"
              LINK_LIBRARIES ${CMAKE_DL_LIBS} OUTPUT_VARIABLE _built COPY_FILE "${_ask}")
  set(_answers "no program")
  if(LibTorch_ASKS) # not by try_run, which cuts a path at its blanks
    execute_process(COMMAND "${_ask}" "${_root}/lib/libtorch_cpu.so" RESULT_VARIABLE _answers OUTPUT_VARIABLE _built)
  endif()
  string(STRIP "${_built}" _built)
  if(NOT _answers EQUAL 0)
    message(FATAL_ERROR "LibTorch: ${_root}/lib/libtorch_cpu.so can't be loaded: ${_built}. Remove ${_root} and run "
                        "scripts/setup, or point LibTorch_ROOT at a complete LibTorch.")
  elseif(NOT _built STREQUAL LibTorch_VERSION)
    message(FATAL_ERROR "LibTorch: the library in ${_root}/lib is ${_built}, the headers are ${LibTorch_VERSION}: a mixed "
                        "pair. Remove ${_root} and run scripts/setup, or point LibTorch_ROOT at a whole LibTorch.")
  endif()
  set(LibTorch_ASKED "${_root} ${_stamp}" CACHE INTERNAL "the library whose version was compared with the headers")
endif()

# One OpenMP runtime in the process: the one that LibTorch brings, if it brings one.
file(GLOB _gomp "${_root}/lib/libgomp*.so*")
list(LENGTH _gomp _gomps)
if(_gomps GREATER 0)
  list(GET _gomp 0 LibTorch_GOMP)
else()
  find_library(LibTorch_GOMP NAMES gomp libgomp.so.1 REQUIRED)
endif()
list(APPEND _libraries "${LibTorch_GOMP}")

add_library(LibTorch::LibTorch INTERFACE IMPORTED)
target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE "${_root}/include"
                           "${_root}/include/torch/csrc/api/include")
target_compile_options(LibTorch::LibTorch INTERFACE -fopenmp) # at::parallel_for is silently serial without it
target_link_libraries(LibTorch::LibTorch INTERFACE ${_libraries})
# CUDA builds register their kernels from libraries that no symbol of ours names. What those need of NVIDIA's lies beside
# them or in wheels of its own, where the loader finds it; the linker need not.
set(_cuda "")
foreach(_name torch_cuda c10_cuda)
  if(EXISTS "${_root}/lib/lib${_name}.so")
    list(APPEND _cuda "${_root}/lib/lib${_name}.so")
  endif()
endforeach()
if(_cuda)
  target_link_libraries(LibTorch::LibTorch INTERFACE -Wl,--allow-shlib-undefined -Wl,--no-as-needed ${_cuda} -Wl,--as-needed)
endif()
set(LibTorch_LIBRARY_DIR "${_root}/lib")
set(LibTorch_FOUND TRUE)
message(STATUS "LibTorch ${LibTorch_VERSION} in ${_root}")
