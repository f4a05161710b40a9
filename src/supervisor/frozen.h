// Control groups of version 1 that a killed runtime left frozen: a signal reaches nobody in them.
// Version 2 lets killed processes go by itself. Free function; any thread.
#pragma once

#include <sys/types.h>

#include <string_view>

namespace reeve::supervisor {

/// Lets go the process if it is in a frozen group "reeve.<prefix>..." or below one. What others
/// froze stays as it is. Kill it before, so that it runs no code of its own.
void thaw(pid_t pid, std::string_view prefix);

}  // namespace reeve::supervisor
