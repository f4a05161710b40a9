#include "schedule/usage.h"

#include <algorithm>

namespace reeve::schedule {
namespace {

constexpr Duration kHour = std::chrono::hours{1};

std::int64_t hour_of(Time now) { return now.time_since_epoch() / kHour; }

}  // namespace

std::size_t UsageHours::place(std::int64_t hour) {
  return static_cast<std::size_t>((hour % kHours + kHours) % kHours);
}

void UsageHours::go_to(std::int64_t hour) {
  for (std::int64_t h = std::max(newest_hour_ + 1, hour - kHours + 1); h <= hour; ++h)
    millicore_seconds_[place(h)] = 0;
  newest_hour_ = std::max(newest_hour_, hour);
}

void UsageHours::add(std::int64_t millicore_seconds, Time now) {
  go_to(hour_of(now));
  millicore_seconds_[place(newest_hour_)] += millicore_seconds;
}

void UsageHours::add(const UsageHours& other) {
  go_to(other.newest_hour_);
  for (std::int64_t h = newest_hour_ - kHours + 1; h <= other.newest_hour_; ++h)
    millicore_seconds_[place(h)] += other.millicore_seconds_[place(h)];
}

std::int64_t UsageHours::in_day(Time now) const {
  std::int64_t sum = 0;
  for (std::int64_t hour = hour_of(now) - 23; hour <= hour_of(now); ++hour) {
    if (hour <= newest_hour_ && hour > newest_hour_ - kHours)
      sum += millicore_seconds_[place(hour)];
  }
  return sum;
}

Time UsageHours::falls_below(std::int64_t most, Time now) const {
  for (std::int64_t ahead = 1; ahead <= 24; ++ahead) {
    const Time at{(hour_of(now) + ahead) * kHour};
    if (in_day(at) < most) return at;
  }
  return now + 24 * kHour;
}

}  // namespace reeve::schedule
