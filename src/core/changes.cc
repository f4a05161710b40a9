#include "core/changes.h"

namespace reeve::core {

void Changes::clear() {
  runs.clear();
  tasks.clear();
  attempts.clear();
  expansions.clear();
  estimates.clear();
  drains.clear();
  workflows.clear();
  progressed.clear();
  task_changes.clear();
  run_changes.clear();
  effects.clear();
  stale_reports = 0;
  timer_fired = false;
}

}  // namespace reeve::core
