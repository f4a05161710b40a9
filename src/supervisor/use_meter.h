// What an attempt uses at a moment, and rates from one look to the next. ProcessUse is read from
// /proc where there is no control group. One owner.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "base/launch.h"
#include "sandbox/cgroup.h"
#include "supervisor/clock.h"

namespace reeve::supervisor {

inline constexpr Duration kSamplePeriod = std::chrono::seconds(1);

struct ProcessUse {
  Duration cpu{0};
  std::int64_t memory_bytes = 0;
  std::int64_t processes = 0;
  std::int64_t read_bytes = 0;
  std::int64_t written_bytes = 0;
  std::optional<sandbox::CgroupStalls> stalls;
  friend bool operator==(const ProcessUse&, const ProcessUse&) = default;
};

/// The sum over the process and those that descend from it, at most kTreeProcessesMax, with the
/// processor time of children that they waited for. Memory is what is resident and not of files.
/// What left them (a daemon) is missed. nullopt: there is no such process.
std::optional<ProcessUse> use_of_tree(pid_t root);
inline constexpr std::size_t kTreeProcessesMax = 64;
/// Processor time of the process alone, so far; zero: there is none.
Duration cpu_of_process(pid_t pid);
/// Of it and all below it; nullopt: there is none, or there are more than kTreeProcessesMax.
std::optional<Duration> cpu_of_tree(pid_t root);

class UseMeter {
 public:
  /// Sums never fall, although a process that went may take its part of them with it.
  AttemptSample sample(const ProcessUse& use, Instant now);
  std::int64_t memory_peak_bytes() const { return last_.memory_peak_bytes; }

 private:
  AttemptSample last_;
  std::optional<sandbox::CgroupStalls> last_stalls_;
  Instant last_at_ = kNoDeadline;  ///< kNoDeadline: there was none
};

}  // namespace reeve::supervisor
