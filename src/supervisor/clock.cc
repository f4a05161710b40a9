#include "supervisor/clock.h"

#include <algorithm>

namespace reeve::supervisor {
namespace {

Time wall_now() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

}  // namespace

Instant monotonic_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

WallClock::WallClock() : origin_(monotonic_now()), base_(wall_now()) {}

void WallClock::follow() {
  const Instant now = monotonic_now();
  base_ = std::max(at(now), wall_now());
  origin_ = now;
}

}  // namespace reeve::supervisor
