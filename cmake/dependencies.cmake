# Third-party libraries: Debian 12 packages, all of them; nothing is downloaded here.
# A new one needs a line in docs/decisions/ and in the package lists of ./dev.
#
# All are linked statically. The binary can be copied to another machine, and starts three times
# as fast: each `reeve run` starts two processes, and the dynamic linker took most of that.

set(CMAKE_FIND_LIBRARY_SUFFIXES .a .so)
set(Boost_USE_STATIC_LIBS ON)

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)  # Boost::json
set(OPENSSL_USE_STATIC_LIBS ON)
find_package(OpenSSL 3 REQUIRED)                    # OpenSSL::SSL OpenSSL::Crypto
find_package(tl-expected REQUIRED)                 # tl::expected
find_package(fmt REQUIRED)                         # reeve_fmt
find_package(spdlog REQUIRED)                      # spdlog::spdlog
find_package(SQLite3 REQUIRED)                     # SQLite::SQLite3
find_package(CLI11 REQUIRED)                       # CLI11::CLI11
find_package(valijson REQUIRED)                    # valijson
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET GLOBAL libsodium)
add_library(sodium::sodium ALIAS PkgConfig::sodium)
pkg_check_modules(seccomp REQUIRED IMPORTED_TARGET GLOBAL libseccomp)
add_library(seccomp::seccomp ALIAS PkgConfig::seccomp)

find_library(YAML_CPP_LIBRARY yaml-cpp REQUIRED)  # its package knows the shared one only
add_library(yaml-cpp::yaml-cpp UNKNOWN IMPORTED)
set_target_properties(yaml-cpp::yaml-cpp PROPERTIES IMPORTED_LOCATION "${YAML_CPP_LIBRARY}")
add_library(reeve_fmt STATIC "${PROJECT_SOURCE_DIR}/cmake/fmt.cc")

# Static, with the two filters that layers of images use: see src/images/CMakeLists.txt.
find_library(REEVE_LIBARCHIVE libarchive.a REQUIRED)
find_library(REEVE_ZLIB libz.a REQUIRED)
find_library(REEVE_ZSTD libzstd.a REQUIRED)
add_library(archive::archive INTERFACE IMPORTED)
target_link_libraries(archive::archive INTERFACE
  "${REEVE_LIBARCHIVE}" "${REEVE_ZLIB}" "${REEVE_ZSTD}")

find_package(GTest REQUIRED)       # GTest::gtest GTest::gmock
find_package(rapidcheck REQUIRED)  # rapidcheck
find_package(benchmark REQUIRED)   # benchmark::benchmark
