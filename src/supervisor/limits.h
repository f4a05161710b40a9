// The time limits of one attempt, as instants of the monotonic clock. Pure values.
#pragma once

#include "base/launch.h"
#include "supervisor/clock.h"

namespace reeve::supervisor {

enum class Breach : std::uint8_t { none, start_timeout, run_timeout, idle_timeout, grace_over };

struct Limits {
  Instant start_by = kNoDeadline;
  Instant run_until = kNoDeadline;
  Instant last_life{};  ///< output or progress came then
  Duration idle{0};     ///< 0: may be silent for ever
  Instant kill_at = kNoDeadline;

  static Limits of(const Launch& launch, Instant now);
  /// When check() has to be asked next.
  Instant next() const;
  /// What is over at `now`; the gravest first.
  Breach check(Instant now) const;
  /// The attempt was told to end: its own limits count no more, only the grace.
  void stop(Instant kill_deadline);
  /// Nothing counts any more: SIGKILL was sent, or it has ended.
  void clear();
};

/// `from` + `duration`, without overflow; a duration of 0 or less means no deadline.
Instant deadline_after(Instant from, Duration duration);

}  // namespace reeve::supervisor
