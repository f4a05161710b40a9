#include "supervisor/limits.h"

#include <algorithm>

namespace reeve::supervisor {

Instant deadline_after(Instant from, Duration duration) {
  if (duration <= Duration{0} || duration >= kNoDeadline - from) return kNoDeadline;
  return from + duration;
}

Limits Limits::of(const Launch& launch, Instant now) {
  Limits limits;
  limits.start_by = deadline_after(now, launch.start_timeout);
  limits.run_until = deadline_after(now, launch.run_timeout);
  limits.last_life = now;
  limits.idle = launch.idle_timeout;
  return limits;
}

Instant Limits::next() const {
  return std::min({start_by, run_until, deadline_after(last_life, idle), kill_at});
}

Breach Limits::check(Instant now) const {
  if (kill_at <= now) return Breach::grace_over;
  if (run_until <= now) return Breach::run_timeout;
  if (start_by <= now) return Breach::start_timeout;
  if (deadline_after(last_life, idle) <= now) return Breach::idle_timeout;
  return Breach::none;
}

void Limits::stop(Instant kill_deadline) {
  start_by = kNoDeadline;
  run_until = kNoDeadline;
  idle = Duration{0};
  kill_at = std::min(kill_at, kill_deadline);
}

void Limits::clear() {
  stop(kNoDeadline);
  kill_at = kNoDeadline;
}

}  // namespace reeve::supervisor
