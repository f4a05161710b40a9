// Which kept artifacts a launch speaks of: only those are in sight of its attempt. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/launch.h"

namespace reeve::supervisor {

/// The directories `store`/<2 hex>/<62 hex> (artifacts/store_layout.h) whose paths stand in what
/// the launch says: arguments, script and environment. Sorted, each once; whether they are there is
/// not looked at.
std::vector<std::string> named_artifacts(const Launch& launch, std::string_view store);

}  // namespace reeve::supervisor
