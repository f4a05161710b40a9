// A log of jobs in the Standard Workload Format, version 2.2 (Parallel Workloads Archive:
// https://www.cs.huji.ac.il/labs/parallel/workload/swf.html): a line of 18 numbers per job, -1 for
// what is not known, `;` before comments and headers. Pure; values; no thread rule.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace reeve::schedule {

/// Times are whole seconds of the log's own clock.
struct LogJob {
  std::int64_t number = 0;
  Duration submitted{0};
  Duration run{0};  ///< > 0
  std::int64_t processors = 1;
  Duration requested{
      0};  ///< what the user said it would take at most; the run time if they did not
  std::int64_t user = -1;
  std::int64_t executable = -1;
  Duration deadline = Duration::max();  ///< after its submission; max: none. No log has it
  friend bool operator==(const LogJob&, const LogJob&) = default;
};

struct WorkloadLog {
  std::vector<LogJob> jobs;     ///< by time of submission, then number
  std::int64_t processors = 0;  ///< of the machine: MaxProcs of the header; 0: not said
  std::int64_t units = 1;       ///< of what jobs and the machine have, in one processor
  std::int64_t left_out = 0;    ///< jobs that never ran, or whose size is not known
};

inline constexpr std::int64_t kLogJobsMax = 10'000'000;

/// A run longer than its request is cut to it, as the machine would have. Errors name the line.
Result<WorkloadLog> parse_workload_log(std::string_view text);

}  // namespace reeve::schedule
