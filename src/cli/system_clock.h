// The real Clock and Random of the engine: the only places of the program that decide what time it
// is and what chance says. Used by the engine's thread; wall_now() by any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/ports/clock.h"

namespace reeve::cli {

/// What the wall clock says; may jump. For display and for file times, never for decisions.
Time wall_now();

/// The wall clock at the start, then time that has passed since (suspended time counts). So it
/// never runs backwards, nor jumps with a wall clock that is set.
class SystemClock final : public engine::Clock {
 public:
  SystemClock();
  Time now() override;
  /// From here on `now()` is at least this: the last moment of an earlier engine, when the wall
  /// clock was set back since.
  void go_on_from(Time last);

 private:
  Time start_;
  Duration boot_start_;
};

/// Random bits of the kernel, fetched in blocks.
class SystemRandom final : public engine::Random {
 public:
  std::uint64_t bits() override;

 private:
  std::array<std::uint64_t, 32> block_{};
  std::size_t used_ = block_.size();
};

}  // namespace reeve::cli
