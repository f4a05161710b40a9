// Windows over a week: finds a queue or pool that would never be open, and names the windows that
// cannot both hold. Pure.
#pragma once

#include <span>
#include <string_view>

#include "base/scheduling_policy.h"
#include "spec/diagnostics.h"

namespace reeve::spec {

struct CalendarEntry {
  WindowSetup window;
  YamlNode node;  ///< where it stands
};

/// Of every queue and pool that a window names. A queue is open when those above it are, too; the
/// open windows of one add up, and what is closed is closed.
void check_calendar(std::span<const CalendarEntry> entries, Diagnostics& diagnostics);

/// "a/b" is below "a"; "ab" is not.
bool is_same_or_below(std::string_view queue, std::string_view above);

}  // namespace reeve::spec
