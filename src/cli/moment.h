// Moments on the command line: "2h" means two hours ago, or a time as RFC 3339 has it.
#pragma once

#include <string_view>

#include "cli/arguments.h"

namespace reeve::cli {

/// kUnset when the option is not given.
Checked<Time> read_moment(const Arguments& arguments, std::string_view option);

}  // namespace reeve::cli
