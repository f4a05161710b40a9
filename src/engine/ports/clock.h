// Ports: time and randomness. The engine asks once per round; the core is handed the answers.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace reeve::engine {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Never runs backwards while the process lives, whatever happens to the wall clock.
  virtual Time now() = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t bits() = 0;
};

}  // namespace reeve::engine
