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

void Calendar::add(const WindowSetup& window) {
  windows_.push_back(window);
  longest_ = find_longest();
}

/// Everything comes round in a week, wherever that begins.
Duration Calendar::find_longest() const {
  const Time begin{};
  Duration longest{0};
  for (Time at = is_open(begin) ? closes(begin) : begin; at <= begin + days{15};) {
    const Time from = at == kNever ? kNever : opens(at);
    if (from == kNever) return at == kNever ? kDurationMax : longest;
    at = closes(from);
    if (at == kNever) return kDurationMax;
    longest = std::max(longest, at - from);
  }
  return longest;
}

bool Calendar::has_time(Time now, Duration length) const {
  if (!is_open(now)) return false;
  if (length < Duration{0} || length > longest_) return true;
  const Time end = closes(now);
  return end == kNever || length <= end - now;
}

Time Calendar::opens_for(Duration length, Time now) const {
  Time at = is_open(now) ? closes(now) : now;
  while (at != kNever) {
    const Time from = opens(at);
    if (from == kNever || has_time(from, length)) return from;
    at = closes(from);
  }
  return kNever;
}

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
