// The supervisor's two times: Instant for every limit (a wall clock that jumps must not matter) and
// wall time for reports, which is derived from Instants and so never runs backwards.
#pragma once

#include <chrono>

#include "base/time.h"

namespace reeve::supervisor {

/// CLOCK_MONOTONIC in microseconds.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;
inline constexpr Instant kNoDeadline = Instant::max();

Instant monotonic_now();

/// One owner; not thread-safe.
class WallClock {
 public:
  WallClock();
  Time at(Instant instant) const { return base_ + (instant - origin_); }
  /// Follows a wall clock that was set forward; one that was set back is not followed.
  void follow();

 private:
  Instant origin_;
  Time base_;
};

}  // namespace reeve::supervisor
