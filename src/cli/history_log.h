// What has run in a state directory, as a log of jobs to simulate. No thread rule.
#pragma once

#include "engine/ports/history.h"
#include "schedule/workload_log.h"

namespace reeve::cli {

/// Processors are in thousandths: tasks may ask for a part of one.
inline constexpr std::int64_t kHistoryUnits = 1000;
/// Expected of a task that has no limit on its time.
inline constexpr Duration kRequestUnlimited = std::chrono::hours{24};

/// Every attempt that ran and has ended is a job: submitted when it was queued; what is like it are
/// attempts of the same task of a workflow of that name. Requested is the limit on its time.
Result<schedule::WorkloadLog> log_of_history(engine::History& history);

}  // namespace reeve::cli
