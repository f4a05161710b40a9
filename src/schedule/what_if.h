// What would make a waiting task start: single changes, each tried on a copy of the planner by a
// pass of the very kind that decides. What is given back is therefore true as long as nothing else
// changes. Costs a copy and a pass for each trial: for a person who asks, not for each task.
//
// Pure; no thread rule.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "schedule/planner.h"

namespace reeve::schedule {

enum class Change : std::uint8_t {
  later,        ///< nothing but time: at `at`
  room,         ///< its node has `amount` times what it asks for more
  queue_limit,  ///< the queues above it have no limits
  lock,         ///< the lock that is busy allows `amount` at once
  priority,     ///< handed in now with a priority higher by `amount`
};
struct WouldStart {
  Change change = Change::later;
  std::int64_t amount = 0;
  Time at = kNever;
};

/// Above so many waiting tasks nothing is tried.
inline constexpr std::uint64_t kWhatIfWaitingMax = 200'000;

/// What makes `task`, which waits in the class `id`, start; each change alone; none if nothing does
/// that is tried. `is_stale`: a task that does not wait any more, though it is still listed.
std::vector<WouldStart> would_start(const Planner& planner, ClassId id, TaskId task, Time now,
                                    const std::function<bool(TaskId)>& is_stale);

}  // namespace reeve::schedule
