// A page that shows what a simulation gave: figures of each policy, how the waits are spread, what
// of the machine was used and what waited, and who ran when on which processors. One HTML file
// that needs nothing else. Pure.
#pragma once

#include <string>
#include <vector>

#include "schedule/log_simulation.h"

namespace reeve::cli {

struct SimulatedPolicy {
  std::string name;
  schedule::SimulationResult result;
  schedule::SimulationSummary summary;
};

std::string simulation_report(const schedule::WorkloadLog& log,
                              const std::vector<SimulatedPolicy>& policies);

}  // namespace reeve::cli
