# Language level, warnings, hardening and the six build types. Every option here is global on
# purpose: the shared precompiled headers are only valid where the flags are the same.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_SKIP_BUILD_RPATH ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Dev CACHE STRING "Dev, Release, Asan, Tsan, Coverage or Fuzz" FORCE)
endif()
set_property(CACHE CMAKE_BUILD_TYPE PROPERTY STRINGS Dev Release Asan Tsan Coverage Fuzz)

# NDEBUG is never defined: ENSURE and the assertions of the libraries stay on in release.
set(CMAKE_CXX_FLAGS_DEV "-O1 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -D_FORTIFY_SOURCE=3")
# Of the files that only test programs hold: half of what there is to compile, and none of it hot.
set(REEVE_TEST_FLAGS "$<$<CONFIG:Release>:-O0;-U_FORTIFY_SOURCE>")
set(CMAKE_CXX_FLAGS_ASAN "-O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all")
set(CMAKE_CXX_FLAGS_TSAN "-O1 -g1 -fsanitize=thread")
set(CMAKE_CXX_FLAGS_COVERAGE "-O0 -g1 --coverage -fprofile-update=atomic")
# Of Clang, whose libFuzzer learns from what an input reaches: see tests/fuzz.
set(CMAKE_CXX_FLAGS_FUZZ
  "-O1 -g1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all")
foreach(type DEV RELEASE ASAN TSAN COVERAGE FUZZ)
  set(CMAKE_EXE_LINKER_FLAGS_${type} "")
endforeach()

# -fPIE is written by hand, and not through CMAKE_POSITION_INDEPENDENT_CODE, which would give
# libraries -fPIC and programs -fPIE: two sets of flags that cannot share a precompiled header.
add_compile_options(
  -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection -fno-omit-frame-pointer
  -D_GLIBCXX_ASSERTIONS)
add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
# See dependencies.cmake. The sanitizers' own libraries bring the shared one.
add_link_options("$<$<CONFIG:Dev,Release>:-static-libstdc++;-static-libgcc>")

add_compile_options(
  -Wall -Wextra -Wpedantic -Werror
  -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Wcast-qual
  -Wformat=2 -Wimplicit-fallthrough -Wduplicated-cond -Wduplicated-branches -Wlogical-op
  -Wextra-semi -Wundef -Wmissing-declarations -Wredundant-decls -Wsuggest-override
  # Options{.timeout = 3s} leaves the other members at their defaults, which is its point.
  -Wno-missing-field-initializers
  # GCC 12 reports these inside std::string, std::vector and std::optional where nothing is wrong
  # (GCC bugs 105651, 105562 and 105329).
  -Wno-restrict
  -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-maybe-uninitialized)

# The release preset compiles thirty-two files of a folder as one (CMAKE_UNITY_BUILD in
# CMakePresets.json): much of the time went into reading the same headers again.
# There a file is "included", so that GCC takes what it keeps to itself for a header's.
if(CMAKE_UNITY_BUILD)
  add_compile_options(-Wno-subobject-linkage)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # The warnings above are those of GCC, which compiles the same files for every other preset.
  add_compile_options(-w)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Precompiled headers under ccache.
  add_compile_options(-fpch-preprocess)
endif()

find_program(REEVE_CCACHE ccache)
if(REEVE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    /usr/bin/env
    "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
    ${REEVE_CCACHE})
endif()

# Linking is memory-bound; two at a time suffice.
set_property(GLOBAL PROPERTY JOB_POOLS link=2)
set(CMAKE_JOB_POOL_LINK link)
