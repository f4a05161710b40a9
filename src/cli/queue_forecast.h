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
#include "core/event.h"

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
  TaskId first;               ///< that waits
  std::string first_label;    ///< its name within the run
  Reason reason;              ///< of it
  std::string sentence;
  std::optional<Forecast> start;  ///< of its next task, from now; none: nothing is known
  std::optional<Forecast> end;    ///< of its last
};

/// What there is, and by which rules it is shared.
struct QueueSetting {
  Resources capacity;
  std::optional<core::PolicySet> policy;
  std::vector<core::DrainRecord> drains;  ///< nodes where nothing starts
};

/// In the order in which they would start. `with_times`: forecasts, where tasks of any of these
/// workflows have ended before. Reasons are those that the engine gives, where one is at work: of
/// the first kAskedMax.
inline constexpr std::size_t kAskedMax = 300;
Result<std::vector<QueuedGroup>> queued_groups(Archive& archive, const QueueSetting& setting,
                                               Time now, bool with_times);

}  // namespace reeve::cli
