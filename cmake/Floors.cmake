# sextant_floor(NAME [TORCH] [FLOORS lower...] [ONLY folder/header.h...] [LIBRARIES targets...])
#   sextant/NAME/**/*.cpp       -> library sextant_NAME
#   sextant/NAME/**/*_test.cpp  -> program NAME_test (GoogleTest)
#   ONLY                        of that lower folder only the headers named may be included
# The same lines are what tests/layers checks the #includes against: sextant_write_floors() writes them down for it.
# A test suite whose name ends in Slow carries the label `slow`, the rest `fast`.

# The one precompiled header: every torch file starts from it.
file(WRITE "${PROJECT_BINARY_DIR}/pch/pch.cpp" "")
add_library(sextant_pch OBJECT "${PROJECT_BINARY_DIR}/pch/pch.cpp")

function(sextant_compile_options target)
  target_compile_options(${target} PRIVATE ${SEXTANT_WARNINGS} ${SEXTANT_SANITIZERS})
  target_link_options(${target} PRIVATE ${SEXTANT_SANITIZERS})
  target_include_directories(${target} PUBLIC "${PROJECT_SOURCE_DIR}")
endfunction()

sextant_compile_options(sextant_pch)
target_link_libraries(sextant_pch PUBLIC LibTorch::LibTorch nlohmann_json::nlohmann_json)
target_precompile_headers(sextant_pch PRIVATE <torch/torch.h> <nlohmann/json.hpp>)

if(SEXTANT_TESTS)
  find_package(GTest REQUIRED)
endif()

# One ctest entry a program and label: starting a torch program costs a quarter of a second, so not one a test.
function(sextant_register_tests target)
  add_test(NAME ${target} COMMAND ${target} --gtest_brief=1 "--gtest_filter=-*Slow.*")
  add_test(NAME ${target}.slow COMMAND ${target} --gtest_brief=1 "--gtest_filter=*Slow.*")
  set_tests_properties(${target} PROPERTIES LABELS fast TIMEOUT 120)
  set_tests_properties(${target}.slow PROPERTIES LABELS slow TIMEOUT 900)
  set_tests_properties(${target} ${target}.slow PROPERTIES WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
endfunction()

function(sextant_floor name)
  cmake_parse_arguments(FLOOR "TORCH" "" "FLOORS;ONLY;LIBRARIES" ${ARGN})
  string(REPLACE ";" "," floors "${FLOOR_FLOORS}")
  string(REPLACE ";" "," only "${FLOOR_ONLY}")
  set_property(GLOBAL APPEND_STRING PROPERTY sextant_floors "${name} torch=${FLOOR_TORCH} floors=${floors} only=${only}\n")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/sextant/${name}/*.cpp")
  set(tests "${sources}")
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(TRANSFORM FLOOR_FLOORS PREPEND sextant_)

  if(sources)
    add_library(sextant_${name} STATIC ${sources})
    set(scope PUBLIC)
    sextant_compile_options(sextant_${name})
  else()
    add_library(sextant_${name} INTERFACE)
    target_include_directories(sextant_${name} INTERFACE "${PROJECT_SOURCE_DIR}")
    set(scope INTERFACE)
  endif()
  target_link_libraries(sextant_${name} ${scope} ${FLOOR_FLOORS} ${FLOOR_LIBRARIES})
  if(FLOOR_TORCH)
    target_link_libraries(sextant_${name} ${scope} LibTorch::LibTorch nlohmann_json::nlohmann_json)
    if(sources)
      target_precompile_headers(sextant_${name} REUSE_FROM sextant_pch)
    endif()
  endif()

  if(SEXTANT_TESTS AND tests)
    add_executable(${name}_test ${tests})
    sextant_compile_options(${name}_test)
    target_link_libraries(${name}_test PRIVATE sextant_${name} GTest::gtest_main)
    if(FLOOR_TORCH)
      target_precompile_headers(${name}_test REUSE_FROM sextant_pch)
    endif()
    sextant_register_tests(${name}_test)
  endif()
endfunction()

function(sextant_write_floors file)
  get_property(floors GLOBAL PROPERTY sextant_floors)
  file(GENERATE OUTPUT "${file}" CONTENT "${floors}")
endfunction()
