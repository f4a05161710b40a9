// Moments at which the core has something to do. A heap with lazy removal: an entry that no longer
// matches its task's wake_at is stale and dropped when it comes up. One thread; pure.
#pragma once

#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace reeve::core {

enum class TimerKind : std::uint8_t { task, group, run };
struct Timer {
  Time at = kNever;
  TimerKind kind = TimerKind::task;
  RunId run;
  std::uint32_t index = 0;  ///< of the task or group
  friend auto operator<=>(const Timer&, const Timer&) = default;
};

class Timers {
 public:
  void set(const Timer& timer);
  std::optional<Time> next() const;
  /// The earliest timer that is due, removed; nullopt when none is.
  std::optional<Timer> pop_due(Time now);

 private:
  std::vector<Timer> heap_;  // min-heap by the whole value: ties break the same way every time
};

}  // namespace reeve::core
