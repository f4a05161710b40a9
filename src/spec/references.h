// Whether what expressions read exists: contexts that are available where the expression stands,
// declared inputs, needs, variables and axes. Pure.
#pragma once

#include "spec/link.h"
#include "spec/reading.h"
#include "spec/workflow.h"

namespace reeve::spec {

void check_references(const std::vector<ExpressionSite>& sites, GroupNames& names,
                      const Workflow& workflow, Diagnostics& diagnostics);

}  // namespace reeve::spec
