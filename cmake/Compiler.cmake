# How our own code is compiled and linked: the warnings, the sanitisers, the oldest machine, the compiler's cache.
# Designated initialisers name what differs from the defaults; what they leave out is meant.
set(SEXTANT_WARNINGS -Wall -Wextra -Wconversion -Werror -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  list(APPEND SEXTANT_WARNINGS -Wno-restrict) # GCC 12 warns falsely at "a" + string (its bug 105651)
endif()
set(SEXTANT_SANITIZERS "")
if(SEXTANT_SANITIZE)
  set(SEXTANT_SANITIZERS -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
                         -D_GLIBCXX_ASSERTIONS -Wno-maybe-uninitialized) # which GCC sees in <regex> where there is none
endif()

# The oldest x86 that is served; LibTorch and our kernels choose better instructions when they run.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64)
  add_compile_options(-march=x86-64-v2)
endif()
add_link_options(-Wl,--as-needed) # a library that gives no symbol is not loaded at start

# ccache sees through a precompiled header only when told that its timestamps and macros don't matter.
find_program(SEXTANT_CCACHE ccache)
if(SEXTANT_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${SEXTANT_CCACHE}")
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-fpch-preprocess)
  endif()
endif()
