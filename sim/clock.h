// The clocks of the simulated world. WallClock is the machine's: it can be set back and forward.
// EngineClock is what one engine process makes of it, as the Clock port demands: it never runs
// backwards while the process lives, whereas the next process starts from the wall clock as it is
// then. Neither reads a real clock. One thread.
#pragma once

#include "engine/ports/clock.h"
#include "sim/agenda.h"

namespace reeve::sim {

class WallClock {
 public:
  explicit WallClock(const Agenda& agenda) : agenda_(agenda) {}
  Time read() const { return agenda_.now() + offset_; }
  Duration offset() const { return offset_; }
  /// Somebody sets the clock.
  void jump(Duration by) { offset_ += by; }
  const Agenda& agenda() const { return agenda_; }

 private:
  const Agenda& agenda_;
  Duration offset_{0};
};

/// How an engine process keeps its time from running backwards.
enum class ClockKeeping : std::uint8_t {
  steady,  ///< reads the wall clock once, then counts: jumps are not seen until the next start
  stalls,  ///< follows the wall clock, and stands still until it has caught up
};

class EngineClock final : public engine::Clock {
 public:
  EngineClock(const WallClock& wall, ClockKeeping keeping);
  Time now() override;
  /// The world's time at which now() will have reached `engine_time`.
  Time world_time(Time engine_time) const;

 private:
  Duration offset() const;

  const WallClock& wall_;
  const ClockKeeping keeping_;
  const Duration first_offset_;
  Time last_ = kUnset;
};

}  // namespace reeve::sim
