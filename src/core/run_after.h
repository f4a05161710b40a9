// What a run follows: `reeve submit --after`. Kept with its record, and how each of those runs
// ended once it has. Values; no thread rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/codec.h"
#include "base/ids.h"
#include "core/task_state.h"

namespace reeve::core {

/// How a run is to end for another to follow it. Stored as numbers: append only.
enum class AfterCondition : std::uint8_t {
  success,  ///< it succeeds
  failure,  ///< it ends otherwise: failed or cancelled
  end,      ///< it ends
};
inline constexpr std::size_t kAfterConditionCount = 3;
std::string_view name(AfterCondition condition);
std::optional<AfterCondition> parse_after_condition(std::string_view text);
/// Whether a run that ended so may be followed. REQUIRES that `ended` is final.
bool holds(AfterCondition condition, RunState ended);

/// A run that another one follows.
struct RunAfter {
  RunId run;
  Uuid uuid;  ///< of that run, for people
  AfterCondition condition = AfterCondition::success;
  bool is_open = false;               ///< it has not ended, and is waited for
  RunState ended = RunState::queued;  ///< how it ended; not final: that was not asked
  friend bool operator==(const RunAfter&, const RunAfter&) = default;
  static constexpr auto fields() {
    return std::tuple{field("run", &RunAfter::run), field("uuid", &RunAfter::uuid),
                      field("condition", &RunAfter::condition),
                      field("is_open", &RunAfter::is_open), field("ended", &RunAfter::ended)};
  }
};
/// So many runs may be followed by one.
inline constexpr std::size_t kRunAfterMax = 256;

/// One word wide: most runs follow none, for which it is null.
using RunAfterList = std::unique_ptr<std::vector<RunAfter>>;
inline RunAfterList copy_of(const RunAfterList& list) {
  return list == nullptr ? nullptr : std::make_unique<std::vector<RunAfter>>(*list);
}

}  // namespace reeve::core
