# The program, its version record and its installation.
include(GNUInstallDirs)
add_executable(sextant "${PROJECT_SOURCE_DIR}/sextant/cli/main.cpp")
sextant_compile_options(sextant)
target_link_libraries(sextant PRIVATE sextant_cli)
target_precompile_headers(sextant REUSE_FROM sextant_pch)
