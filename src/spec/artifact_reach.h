// Whether a declared file is where a task can be seen to have no business: what is collected is
// what the task itself could read. Only what the text of a workflow shows; the rest is seen when it
// is collected. Pure.
#pragma once

#include <string>

#include "base/sandbox.h"
#include "spec/workflow.h"

namespace reeve::spec {

/// Why, for people; or "": it is in reach, or that cannot be told yet.
std::string why_out_of_reach(const std::string& path, const SandboxRequest& sandbox,
                             const GroupDetail& detail);

}  // namespace reeve::spec
