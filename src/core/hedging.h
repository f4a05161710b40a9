// What is kept of a task's second attempts (core/hedge.cc). Values; no thread rule.
#pragma once

#include <cstdint>
#include <tuple>

#include "base/codec.h"
#include "base/ids.h"
#include "base/time.h"

namespace reeve::core {

/// The second attempt beside the one that Task names (core/hedge.cc).
struct Companion {
  Token token;  ///< 0: there is none
  std::uint16_t attempt = 0;
  bool won = false;          ///< it has ended well, and its result stands: the other is to end
  Time handed_at = kUnset;   ///< to the executor
  Time started_at = kUnset;  ///< unset: it has not said so yet
  friend bool operator==(const Companion&, const Companion&) = default;
  static constexpr auto fields() {
    return std::tuple{field("token", &Companion::token), field("attempt", &Companion::attempt),
                      field("won", &Companion::won), field("handed_at", &Companion::handed_at),
                      field("started_at", &Companion::started_at)};
  }
};
struct Hedging {
  Companion companion;
  std::uint16_t attempts = 0;  ///< highest number of an attempt given out while there were two
  std::uint16_t hedges = 0;    ///< second attempts so far
  friend bool operator==(const Hedging&, const Hedging&) = default;
  static constexpr auto fields() {
    return std::tuple{field("companion", &Hedging::companion),
                      field("attempts", &Hedging::attempts), field("hedges", &Hedging::hedges)};
  }
};

}  // namespace reeve::core
