#include "schedule/calendar.h"

#include <algorithm>

namespace reeve::schedule {
namespace {

using std::chrono::days;

/// Midnight of the day (of the window's clock) that holds `now`, as a moment.
Time midnight_of(const WindowSetup& window, Time now) {
  return Time{std::chrono::floor<days>(now + window.offset)} - window.offset;
}

bool is_on(const WindowSetup& window, Time midnight) {
  const std::chrono::weekday day{std::chrono::floor<days>(midnight + window.offset)};
  return (window.days >> (day.iso_encoding() - 1) & 1) != 0;
}

/// Start and end of the window that begins on the day of this midnight. Equal times: a whole day.
std::pair<Time, Time> bounds(const WindowSetup& window, Time midnight) {
  const Duration length =
      window.to > window.from ? window.to - window.from : window.to - window.from + days{1};
  return {midnight + window.from, midnight + window.from + length};
}

bool holds(const WindowSetup& window, Time now) {
  const Time today = midnight_of(window, now);
  for (const Time midnight : {today, today - days{1}}) {
    const auto [begin, end] = bounds(window, midnight);
    if (is_on(window, midnight) && begin <= now && now < end) return true;
  }
  return false;
}

}  // namespace

bool Calendar::is_open(Time now) const {
  bool any = false;
  bool inside = false;
  for (const WindowSetup& window : windows_) {
    const bool in = holds(window, now);
    if (window.closed && in) return false;
    any |= !window.closed;
    inside |= !window.closed && in;
  }
  return inside || !any;
}

Time Calendar::next(Time now, bool open) const {
  // Whether it is open changes only at a bound; after eight days everything has come round.
  std::vector<Time> bounds_ahead;
  for (const WindowSetup& window : windows_) {
    const Time today = midnight_of(window, now);
    for (int day = -1; day <= 8; ++day) {
      const Time midnight = today + days{day};
      if (!is_on(window, midnight)) continue;
      const auto [begin, end] = bounds(window, midnight);
      bounds_ahead.push_back(begin);
      bounds_ahead.push_back(end);
    }
  }
  std::ranges::sort(bounds_ahead);
  for (const Time at : bounds_ahead) {
    if (at > now && is_open(at) == open) return at;
  }
  return kNever;
}

}  // namespace reeve::schedule
