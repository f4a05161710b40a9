// What the command line says about sandboxes, whether a workflow may run under it, and which tier
// people are told of. No state.
#pragma once

#include "base/sandbox_rules.h"
#include "cli/arguments.h"
#include "spec/workflow.h"

namespace reeve::cli {

/// Of --sandbox and --allow.
SandboxRules sandbox_rules(const Arguments& arguments);

/// A failure (6) that names the tasks which need permission, where they say so and what gives it.
Checked<void> check_permitted(const spec::Workflow& workflow, const SandboxRules& rules);

}  // namespace reeve::cli
