#include "sim/clock.h"

#include <algorithm>

namespace reeve::sim {

EngineClock::EngineClock(const WallClock& wall, ClockKeeping keeping)
    : wall_(wall),
      keeping_(keeping),
      first_offset_(wall.offset()) {}

Duration EngineClock::offset() const {
  return keeping_ == ClockKeeping::steady ? first_offset_ : wall_.offset();
}

Time EngineClock::now() {
  last_ = std::max(last_, wall_.agenda().now() + offset());
  return last_;
}

Time EngineClock::world_time(Time engine_time) const {
  const Time now = wall_.agenda().now();
  if (engine_time <= now + offset()) return now;
  return engine_time - offset();
}

}  // namespace reeve::sim
