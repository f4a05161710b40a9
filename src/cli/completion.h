// Scripts that make shells complete reeve's commands, options, choices, files and runs: from the
// command table. Pure.
#pragma once

#include <string>
#include <string_view>

namespace reeve::cli {

/// `shell`: bash, zsh or fish (the choices of the command); else "".
std::string completion_script(std::string_view shell);

}  // namespace reeve::cli
