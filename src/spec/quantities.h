// Texts that mean a share, a time of the day or an offset, as the files of this folder write them.
// Pure functions; no thread rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace reeve::spec {

/// "50%" → 500, "0.5%" → 5: above 0, up to 100, at most one digit behind the point.
std::optional<std::int32_t> parse_permille(std::string_view text);
/// "06:30": "00:00" to "24:00", two digits each.
std::optional<Duration> parse_day_time(std::string_view text);
/// "+01:00", "-03:30": at most 14 hours either way.
std::optional<Duration> parse_utc_offset(std::string_view text);
/// "06:30", for messages.
std::string format_day_time(Duration time);
/// Of a number that is at least 0: in millionths, rounded.
std::int64_t to_micros(double number);

}  // namespace reeve::spec
