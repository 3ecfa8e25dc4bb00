# The program and its installation: bin/sextant, LibTorch's libraries beside it, the data it came with.
add_executable(sextant "${PROJECT_SOURCE_DIR}/sextant/cli/main.cpp")
sextant_compile_options(sextant)
target_link_libraries(sextant PRIVATE sextant_cli)
target_precompile_headers(sextant REUSE_FROM sextant_pch)

# LibTorch for the CPU is copied into the prefix. One with CUDA has gigabytes and is used where it lies.
if(EXISTS "${LibTorch_LIBRARY_DIR}/libtorch_cuda.so")
  option(SEXTANT_INSTALL_LIBTORCH "cmake --install copies LibTorch's libraries" OFF)
else()
  option(SEXTANT_INSTALL_LIBTORCH "cmake --install copies LibTorch's libraries" ON)
endif()
if(SEXTANT_INSTALL_LIBTORCH)
  set_target_properties(sextant PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/sextant")
  install(DIRECTORY "${LibTorch_LIBRARY_DIR}/" DESTINATION lib/sextant
          FILES_MATCHING PATTERN "*.so*" PATTERN "libtorch_python*" EXCLUDE)
else()
  set_target_properties(sextant PROPERTIES INSTALL_RPATH "${LibTorch_LIBRARY_DIR}")
endif()
install(TARGETS sextant RUNTIME DESTINATION bin)
foreach(folder assets recipes zoo)
  if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}")
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}" DESTINATION "${SEXTANT_DATA}")
  endif()
endforeach()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${SEXTANT_DATA}")

if(SEXTANT_TESTS)
  add_test(NAME program_test COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${PROJECT_SOURCE_DIR}" "-DBUILD=${PROJECT_BINARY_DIR}"
           "-DPROGRAM=$<TARGET_FILE:sextant>" "-DLIBTORCH=${LibTorch_LIBRARY_DIR}" "-DGOMP=${LibTorch_GOMP}" "-DCOPIED=${SEXTANT_INSTALL_LIBTORCH}"
           -P "${CMAKE_CURRENT_LIST_DIR}/ProgramTest.cmake")
  set_tests_properties(program_test PROPERTIES LABELS fast TIMEOUT 120)
endif()
