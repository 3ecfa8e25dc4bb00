# "sextant_build_info.h": what this build is and where its data lies. Only the revision changes from commit to commit; it
# sits in a file of its own, which is compiled anew only when the revision is another.
set(_generated "${PROJECT_BINARY_DIR}/generated")
set(SEXTANT_DATA share/sextant) # below the prefix; the program lies in bin/
configure_file("${CMAKE_CURRENT_LIST_DIR}/sextant_build_info.h.in" "${_generated}/sextant_build_info.h" @ONLY)
configure_file("${CMAKE_CURRENT_LIST_DIR}/sextant_build_info.cpp.in" "${_generated}/sextant_build_info.cpp" COPYONLY)

find_package(Git QUIET)
add_custom_target(sextant_revision
  COMMAND "${CMAKE_COMMAND}" "-DGIT=${GIT_EXECUTABLE}" "-DSOURCE=${PROJECT_SOURCE_DIR}" "-DFILE=${_generated}/revision.inc"
          -P "${CMAKE_CURRENT_LIST_DIR}/GitRevision.cmake"
  BYPRODUCTS "${_generated}/revision.inc"
  COMMENT "")
add_library(sextant_build_info STATIC "${_generated}/sextant_build_info.cpp")
add_dependencies(sextant_build_info sextant_revision)
target_compile_options(sextant_build_info PRIVATE ${SEXTANT_WARNINGS} ${SEXTANT_SANITIZERS})
target_include_directories(sextant_build_info PUBLIC "${_generated}")
