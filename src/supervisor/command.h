// From a Launch to what execve is given: argv, and the files that argv[0] may mean. Pure, but for
// write_script.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/launch.h"
#include "base/result.h"

namespace reeve::supervisor {

/// A script up to this size goes on the command line of a shell (the kernel's limit is 128 KiB).
inline constexpr std::size_t kInlineScriptBytesMax = 100U << 10;

/// Whether the script must be written to a file for its interpreter.
bool needs_script_file(const Launch& launch);
/// argv; `script_path` is used when needs_script_file().
std::vector<std::string> command_line(const Launch& launch, const std::string& script_path);

/// The files to try in turn for a program name, as execvp(3) does. `path` is the attempt's PATH.
std::vector<std::string> program_candidates(std::string_view program, const char* path);

/// Leaves errno when it fails.
Status write_script(const std::string& script_path, std::string_view script);

}  // namespace reeve::supervisor
