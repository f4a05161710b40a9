# The two rules that every folder uses:
#
#   engine_module(store/sqlite            # the folder below src/ (or sim, tests/..., bench)
#     SOURCES   sqlite_store.cc ...       # explicit; none at all makes a headers-only library
#     DEPS      reeve_engine ...          # our libraries, rings further in only
#     LIBS      SQLite::SQLite3 ...       # third-party libraries
#     TESTS     sqlite_store_test.cc ...  # *_test.cc and what only tests share
#     TEST_DEPS reeve_store_memory ...    # what only the tests link
#     TEST_BINARY adapters)               # pure | adapters | simulation | e2e; default by ring
#
# makes the static library reeve_store_sqlite. Includes are written from src/ ("core/state.h");
# the folders beside src/ are included from the root of the repository ("sim/world.h").
#
# Tests of all folders are linked into four programs, because linking one program per file is what
# makes builds slow. `test_<folder>` (test_store_sqlite, not built by default) holds the tests of
# one folder, for work on that folder alone.
#
#   engine_program(reeve SOURCES main.cc DEPS reeve_cli LIBS ... [OUTPUT bench])
#
# makes an executable in build/<preset>/, or in the folder below it that OUTPUT names.

# The precompiled headers: of a folder that links the core, those that hold it.
function(engine_precompiled_header target header)
  add_library(${target} STATIC "${PROJECT_SOURCE_DIR}/cmake/pch.cc")
  target_precompile_headers(${target} PRIVATE "${PROJECT_SOURCE_DIR}/cmake/${header}.h")
  if(target MATCHES "_core_")
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(${target} PRIVATE Boost::json)
  endif()
  if(target MATCHES "_test$")
    target_compile_options(${target} PRIVATE ${REEVE_TEST_FLAGS})
    target_link_libraries(${target} PRIVATE GTest::gtest GTest::gmock)
  endif()
endfunction()
engine_precompiled_header(reeve_pch pch_std)
engine_precompiled_header(reeve_pch_test pch_test)
engine_precompiled_header(reeve_core_pch pch_core)
engine_precompiled_header(reeve_core_pch_test pch_core_test)

# engine_pick_pch(<variable> <target and what it links>...). That of its tests has _test behind it.
function(engine_pick_pch result)
  if("${ARGN}" MATCHES "reeve_(core|engine|sim|cli|bench|store_[a-z]+)(;|$)")
    set(${result} reeve_core_pch PARENT_SCOPE)
  else()
    set(${result} reeve_pch PARENT_SCOPE)
  endif()
endfunction()

set(REEVE_PURE_FOLDERS base core schedule learn spec)
set(REEVE_TEST_BINARIES pure adapters simulation e2e)

function(engine_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TEST_BINARY"
    "SOURCES;DEPS;LIBS;TESTS;TEST_DEPS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "engine_module(${name}): unknown: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  string(REPLACE "/" "_" target "reeve_${name}")

  engine_pick_pch(pch ${target} ${arg_DEPS} ${arg_TEST_DEPS})

  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
    target_precompile_headers(${target} REUSE_FROM ${pch})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  engine_include_roots(${target} ${scope})
  target_link_libraries(${target} ${scope} ${arg_DEPS} ${arg_LIBS})
  set_property(GLOBAL APPEND PROPERTY reeve_linked ${arg_DEPS} ${arg_TEST_DEPS})

  if(arg_TESTS)
    engine_module_tests(${name} ${target})
  endif()
endfunction()

# The tests of one folder: compiled once, linked into one of the four programs and, on demand,
# into a program of their own. Reads the arg_* variables of engine_module.
macro(engine_module_tests name target)
  engine_pick_test_binary(${name})
  string(REPLACE "/" "_" flat "${name}")
  add_library(${target}_tests OBJECT ${arg_TESTS})
  target_compile_options(${target}_tests PRIVATE ${REEVE_TEST_FLAGS})
  target_precompile_headers(${target}_tests REUSE_FROM ${pch}_test)
  target_link_libraries(${target}_tests PUBLIC
    ${target} ${arg_TEST_DEPS} GTest::gtest GTest::gmock rapidcheck_gtest rapidcheck_gmock)
  target_compile_definitions(${target}_tests PRIVATE
    "REEVE_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"" "REEVE_BINARY=\"${PROJECT_BINARY_DIR}/reeve\"")
  engine_include_roots(${target}_tests PUBLIC)
  set_property(GLOBAL APPEND PROPERTY reeve_tests_${arg_TEST_BINARY} ${target}_tests)

  add_executable(test_${flat} EXCLUDE_FROM_ALL)
  target_link_libraries(test_${flat} PRIVATE ${target}_tests GTest::gtest_main)
  set_target_properties(test_${flat} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
endmacro()

macro(engine_pick_test_binary name)
  if(NOT arg_TEST_BINARY)
    string(REGEX REPLACE "/.*" "" top "${name}")
    if(top IN_LIST REEVE_PURE_FOLDERS)
      set(arg_TEST_BINARY pure)
    else()
      set(arg_TEST_BINARY adapters)
    endif()
  endif()
  if(NOT arg_TEST_BINARY IN_LIST REEVE_TEST_BINARIES)
    message(FATAL_ERROR "engine_module(${name}): no test binary called ${arg_TEST_BINARY}")
  endif()
endmacro()

function(engine_include_roots target scope)
  target_include_directories(${target} ${scope} "${PROJECT_SOURCE_DIR}/src")
  file(RELATIVE_PATH here "${PROJECT_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
  if(NOT here MATCHES "^src/")
    target_include_directories(${target} ${scope} "${PROJECT_SOURCE_DIR}")
  endif()
endfunction()

function(engine_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "EXCLUDE_FROM_ALL" "OUTPUT" "SOURCES;DEPS;LIBS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "engine_program(${name}): unknown: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  add_executable(${name} ${arg_SOURCES})
  engine_pick_pch(pch ${arg_DEPS})
  target_precompile_headers(${name} REUSE_FROM ${pch})
  engine_include_roots(${name} PRIVATE)
  target_link_libraries(${name} PRIVATE ${arg_DEPS} ${arg_LIBS})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${arg_OUTPUT}"
    EXCLUDE_FROM_ALL "${arg_EXCLUDE_FROM_ALL}")
  set_property(GLOBAL APPEND PROPERTY reeve_linked ${arg_DEPS})
endfunction()

# Called once, after every folder: the four test programs, their ctest entries, and a check that
# every library named in DEPS exists (CMake itself would pass a misspelt name to the linker).
function(engine_test_binaries)
  get_property(linked GLOBAL PROPERTY reeve_linked)
  list(REMOVE_DUPLICATES linked)
  foreach(library IN LISTS linked)
    if(NOT TARGET ${library})
      message(WARNING "DEPS names ${library}, which no folder defines")
    endif()
  endforeach()

  engine_test_binary(pure unit 60)
  engine_test_binary(adapters unit 60)
  engine_test_binary(simulation sim 300)
  engine_test_binary(e2e e2e 180)
  if(TARGET test_e2e AND TARGET reeve)
    add_dependencies(test_e2e reeve)
  endif()
endfunction()

# Suites whose name begins with "Conformance", or contains "/Conformance" (a parameterised suite),
# carry the label conformance whichever program holds them.
function(engine_test_binary which label timeout)
  get_property(objects GLOBAL PROPERTY reeve_tests_${which})
  if(NOT objects)
    return()
  endif()
  add_executable(test_${which})
  target_link_libraries(test_${which} PRIVATE ${objects} GTest::gtest_main)
  set(conformance "Conformance*:*/Conformance*")
  gtest_discover_tests(test_${which}
    DISCOVERY_MODE PRE_TEST
    NO_PRETTY_VALUES
    TEST_FILTER "-${conformance}"
    PROPERTIES LABELS ${label} TIMEOUT ${timeout})
  gtest_discover_tests(test_${which}
    DISCOVERY_MODE PRE_TEST
    NO_PRETTY_VALUES
    TEST_FILTER "${conformance}"
    PROPERTIES LABELS conformance TIMEOUT ${timeout})
endfunction()
