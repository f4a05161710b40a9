// Whether this machine and this user can make sandboxes: by making one. For `reeve doctor`. Works
// in a process of its own, so that the caller stays where it is. REQUIRES one thread.
#pragma once

#include <string>

#include "base/result.h"

namespace reeve::sandbox {

/// What a sandbox here can limit, for people; or why there can be none, with the step that failed.
Result<std::string> try_sandbox();

}  // namespace reeve::sandbox
