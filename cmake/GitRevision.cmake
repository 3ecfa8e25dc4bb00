# cmake -DGIT=... -DSOURCE=... -DFILE=... -P: writes the tree's revision as a string literal, only if it is another one.
set(revision "")
if(GIT AND EXISTS "${SOURCE}/.git")
  execute_process(COMMAND "${GIT}" describe --always --dirty --exclude=* WORKING_DIRECTORY "${SOURCE}"
                  OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT revision)
  set(revision unknown)
endif()
file(CONFIGURE OUTPUT "${FILE}" CONTENT "\"${revision}\"\n")
