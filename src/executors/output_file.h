// The file that a task writes its outputs to (REEVE_OUTPUT), in the format of GITHUB_OUTPUT:
// `name=value` lines, and `name<<WORD` up to a line that is WORD. Hostile input. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/launch.h"
#include "base/result.h"

namespace reeve::executors {

inline constexpr std::size_t kOutputFileBytesMax = 1U << 20;

/// In the order of their first line; a later value of a name replaces the earlier. An error names
/// the line. Names are letters, digits, `_` and `-`, and do not start with a digit or `-`.
Result<std::vector<OutputValue>> parse_output_file(std::string_view text);

/// Reads and parses the file into `end.outputs`. What cannot be read makes an end that was a
/// success a rejected one, and is said in its message.
void collect_outputs(const std::string& path, AttemptEnd& end);

}  // namespace reeve::executors
