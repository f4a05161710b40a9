// A log of jobs under the planner that the engine itself decides by: its queues, shares, order,
// promises and nodes. What a job takes is expected from what its user's like jobs took
// (run_time_history.h), at most its request. Virtual time; same input, same result. Pure; no thread
// rule.
#pragma once

#include <cstdint>
#include <vector>

#include "base/cluster.h"
#include "base/scheduling_policy.h"
#include "schedule/log_simulation.h"

namespace reeve::schedule {

/// invalid_argument: a job that no node, and no group of nodes, could ever hold, by number. Without
/// nodes the machine is one of `processors`. A job that is larger than the largest node is a gang.
Result<SimulationResult> simulate_planner(const WorkloadLog& log, std::int64_t processors,
                                          const PlannerSetup& setup);

}  // namespace reeve::schedule
