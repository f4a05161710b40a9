// The programs that interpreters run first where they are started ahead of their attempts: each
// imports what is asked for, says that it is ready, waits to be told of its attempt, and then lets
// the interpreter go on with the attempt's script as if it had just been started. Free functions;
// thread-safe.
#pragma once

#include <string>
#include <vector>

namespace reeve::supervisor {

/// Where the loaders lie in a sandbox, below the directory of the attempt's own files.
inline constexpr const char* kLoaderDirectory = ".warm";
inline constexpr const char* kPythonLoader = ".warm/sitecustomize.py";
inline constexpr const char* kNodeLoader = ".warm/loader.js";

/// A module that Python imports by itself before the script, when it finds it in PYTHONPATH.
std::string python_loader(const std::vector<std::string>& modules);
/// A module for node's --require.
std::string node_loader(const std::vector<std::string>& modules);
/// For -c of a POSIX shell.
std::string shell_loader();

}  // namespace reeve::supervisor
