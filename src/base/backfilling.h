// What the promises of places go by, as the cluster file says it. Values; no thread rule.
#pragma once

#include <cstdint>

namespace reeve {

/// What is expected of an attempt that has outlived its prediction.
enum class Overrun : std::uint8_t {
  extend,   ///< as long again
  request,  ///< its time limit
};

/// Who is promised a place, of those that do not fit.
enum class Backfilling : std::uint8_t {
  easy,          ///< the first `reservations`, one for a node
  conservative,  ///< each of the first thousand tasks, as if those behind did not exist
};

}  // namespace reeve
