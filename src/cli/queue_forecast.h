// When what waits in a state directory will start, by the rules of the engine and what tasks took
// before: the present queue, played in virtual time again and again. Reads only. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/resources.h"
#include "cli/archive.h"
#include "cli/forecast.h"

namespace reeve::cli {

/// Tasks of one group of a run that have not begun.
struct QueuedGroup {
  RunId run;
  Uuid run_uuid;
  std::string workflow;
  GroupIndex group_index;
  std::string group;
  std::int32_t priority = 0;
  std::uint64_t waiting = 0;
  std::uint64_t running = 0;  ///< of its tasks, those that are at work
  Time since = kUnset;        ///< that the first of them is queued; kUnset: it waits for others
  Reason reason;              ///< of the first that waits
  std::string sentence;
  std::optional<Forecast> start;  ///< of its next task, from now; none: nothing is known
  std::optional<Forecast> end;    ///< of its last
};

/// In the order in which they would start. `with_times`: forecasts, where tasks of any of these
/// workflows have ended before. `drains`: nodes that are drained, where nothing starts.
Result<std::vector<QueuedGroup>> queued_groups(Archive& archive, const Resources& capacity,
                                               Time now, bool with_times,
                                               std::vector<core::DrainRecord> drains);

}  // namespace reeve::cli
