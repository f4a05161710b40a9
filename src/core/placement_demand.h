// What a task of a group asks of the cluster, as the planner takes it. Pure.
#pragma once

#include "schedule/demand.h"
#include "spec/workflow.h"

namespace reeve::core {

/// Its resources and their alternatives, its rules, its labels (those of the workflow too), its
/// image.
schedule::Demand placement_demand(const spec::Workflow& workflow, const spec::TaskGroup& group,
                                  const spec::Policy& policy);

}  // namespace reeve::core
