// What `reeve simulate` is given: a log, read or made up, the machine, and policies. No thread
// rule.
#pragma once

#include <string>
#include <vector>

#include "cli/session.h"
#include "schedule/log_simulation.h"

namespace reeve::cli {

struct SimulationInput {
  schedule::WorkloadLog log;
  std::int64_t processors = 0;  ///< in the log's units
};
/// Says how many jobs were left out.
Checked<SimulationInput> simulation_input(const Session& session);

struct ChosenPolicy {
  std::string name;
  schedule::SimulationPolicy policy;
};
Checked<std::vector<ChosenPolicy>> chosen_policies(const Arguments& arguments);

}  // namespace reeve::cli
