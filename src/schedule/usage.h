// What users and queues had: processor time by hour of the clock, for quotas of a day, and the
// decayed share that fairness goes by. It outlives the engine: the store keeps a row of each.
// Values; no thread rule.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <tuple>

#include "base/codec.h"
#include "base/time.h"

namespace reeve::schedule {

/// Of the present hour and the 24 before it.
class UsageHours {
 public:
  void add(std::int64_t millicore_seconds, Time now);
  void add(const UsageHours& other);
  std::int64_t in_day(Time now) const;
  /// The beginning of the next hour in which in_day() is below `most`, if nothing is added.
  Time falls_below(std::int64_t most, Time now) const;
  friend bool operator==(const UsageHours&, const UsageHours&) = default;
  static constexpr auto fields() {
    return std::tuple{field("newest_hour", &UsageHours::newest_hour_),
                      field("millicore_seconds", &UsageHours::millicore_seconds_)};
  }

 private:
  static constexpr std::int64_t kHours = 25;
  static std::size_t place(std::int64_t hour);
  void go_to(std::int64_t hour);

  std::int64_t newest_hour_ = 0;  ///< since 1970
  std::array<std::int64_t, kHours> millicore_seconds_{};
};

/// A queue, or a user in one, as it is stored. Its share is of the dominant dimension, 0 to 1.
struct UsageRecord {
  std::string queue;  ///< path
  std::string user;   ///< "" unless is_user
  bool is_user = false;
  double past = 0;        ///< decayed mean of the share, at `settled`
  double share = 0;       ///< from then on
  Time settled = kUnset;  ///< when the share changed last
  UsageHours hours;       ///< of users
  friend bool operator==(const UsageRecord&, const UsageRecord&) = default;
  static constexpr auto fields() {
    return std::tuple{
        field("queue", &UsageRecord::queue),     field("user", &UsageRecord::user),
        field("is_user", &UsageRecord::is_user), field("past", &UsageRecord::past),
        field("share", &UsageRecord::share),     field("settled", &UsageRecord::settled),
        field("hours", &UsageRecord::hours)};
  }
};

}  // namespace reeve::schedule
