// Which tasks of a workflow want to be less enclosed than a person has allowed, and where their
// file says so. Pure.
#pragma once

#include <vector>

#include "base/sandbox_rules.h"
#include "spec/parse.h"

namespace reeve::spec {

/// An error for each such task, with the place of its field, sorted by position. Approvals run
/// nothing and ask for nothing.
std::vector<Diagnostic> check_permission(const Workflow& workflow, const SandboxRules& rules);

/// The weakest tier of a task of the workflow under the rules.
SandboxTier weakest_tier(const Workflow& workflow, const SandboxRules& rules);

}  // namespace reeve::spec
