// The secrets of an attempt as private files, mode 0600, below `<state>/secrets/<token>/`, and
// their paths in its environment. One writer at a time, the engine's thread.
#pragma once

#include <string>

#include "base/launch.h"
#include "base/result.h"

namespace reeve::executors {

/// Writes launch.secrets and replaces them by REEVE_SECRET_<NAME> in its environment.
Status write_secrets(const std::string& state_directory, Launch& launch);
/// Nothing happens if the attempt had none.
void remove_secrets(const std::string& state_directory, Token token);

}  // namespace reeve::executors
