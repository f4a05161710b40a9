// Time and duration as values. Nothing here reads a clock: `now` comes from the Clock port.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reeve {

using Duration = std::chrono::microseconds;
/// UTC wall time. Engine time never runs backwards (engine/ports/clock.h).
using Time = std::chrono::sys_time<Duration>;

inline constexpr Time kNever = Time::max();  ///< a timer that is not set
inline constexpr Time kUnset = Time::min();  ///< a moment that has not come

/// The longest duration that parse_duration accepts: a century. Adding it to any real moment stays
/// far from the end of Time.
inline constexpr Duration kDurationMax = std::chrono::days{36'525};

/// "2026-11-23T18:09:06.123456Z" (RFC 3339, microseconds; kNever and kUnset give ""). Moments
/// outside the years 0 to 9999 are shown as the first or last moment inside.
std::string format_time(Time time);
/// RFC 3339 with any offset. Digits below a microsecond are dropped; a leap second is the next one.
Result<Time> parse_time(std::string_view text);
/// "1.5s", "12ms", "2m05s", "3h07m": at most two units, for people.
std::string format_duration(Duration duration);
/// "10m", "1h30m", "500ms", "1.5s", "2d": a unit is demanded (us, ms, s, m, h, d, w; from large to
/// small). Errors say what was expected.
Result<Duration> parse_duration(std::string_view text);

}  // namespace reeve
