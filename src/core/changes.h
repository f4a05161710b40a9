// What one step changed and wants done: the store writes the marked rows, observers hear of the
// changes, the engine dispatches the effects. Values in order; no thread rule.
#pragma once

#include <memory>
#include <vector>

#include "core/effect.h"
#include "core/estimates.h"
#include "core/records.h"

namespace reeve::core {

/// Answer to a request.
struct Applied {
  RunId run;
};

struct Changes {
  std::vector<RunId> runs;    ///< marked, each once
  std::vector<TaskId> tasks;  ///< marked, each once
  std::vector<AttemptRecord> attempts;
  std::vector<Expansion> expansions;
  std::vector<EstimateId> estimates;  ///< whose rows are to be written, each once
  std::vector<DrainRecord> drains;    ///< each replaces that of its node
  std::vector<std::shared_ptr<const spec::Workflow>> workflows;  ///< not seen before
  std::vector<TaskId> progressed;
  std::vector<TaskChange> task_changes;
  std::vector<RunChange> run_changes;
  std::vector<Effect> effects;
  std::uint64_t stale_reports = 0;  ///< late answers of old attempts, ignored
  bool timer_fired = false;         ///< time alone changed something that later steps depend on

  bool empty() const {
    return runs.empty() && tasks.empty() && attempts.empty() && expansions.empty() &&
           estimates.empty() && drains.empty() && effects.empty() && progressed.empty() &&
           !timer_fired;
  }
  void clear();
};

}  // namespace reeve::core
