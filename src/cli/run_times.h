// How long the tasks of a workflow took before, as the history of a state directory tells. No
// thread rule.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "engine/ports/history.h"
#include "spec/workflow.h"

namespace reeve::cli {

struct RunTimes {
  /// By group of the workflow that was asked about; found by id in each earlier run.
  std::vector<std::vector<Duration>> by_group;
  std::uint32_t runs = 0;  ///< in which some task of it has succeeded
};

/// Of the newest runs of that name, and of the newest of their tasks.
Result<RunTimes> past_run_times(engine::History& history, const spec::Workflow& workflow);

}  // namespace reeve::cli
