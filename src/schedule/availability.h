// How much of one capacity is free, over time: a step function that begins at `now` and whose last
// step holds for ever. Backfilling asks it when something of a length can begin. Times are those
// of the caller's clock; amounts are of one kind (processors). Pure; one thread.
//
// Cost: linear in the steps of the range, of which there are at most two per taking.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"

namespace reeve::schedule {

class Availability {
 public:
  /// REQUIRES capacity > 0.
  explicit Availability(std::int64_t capacity, Time begin = Time{});

  std::int64_t capacity() const { return capacity_; }
  /// Forgets what was before; nothing is asked of it again.
  void advance(Time now);
  /// REQUIRES that `at` is not before the last advance().
  std::int64_t free_at(Time at) const;
  /// The first moment from `from` on at which `amount` is free for `length`.
  /// REQUIRES amount <= capacity.
  Time earliest(std::int64_t amount, Duration length, Time from) const;
  /// Whether earliest() is `from`.
  bool fits(std::int64_t amount, Duration length, Time from) const;
  /// How long `amount` is free from now on: kDurationMax, if nothing is in the way; negative, if it
  /// is not free now.
  Duration free_for(std::int64_t amount, Time from) const;
  /// Takes `amount` in [from, to); nothing when that is empty. What is free may become negative:
  /// who takes more than there is has promised too much, and sees it.
  void take(std::int64_t amount, Time from, Time to);
  void give(std::int64_t amount, Time from, Time to) { take(-amount, from, to); }

 private:
  struct Step {
    Time at;
    std::int64_t free;
  };
  /// Index of the step that holds at this time.
  std::size_t index_at(Time at) const;
  /// Makes a step begin there; its index.
  std::size_t split(Time at);

  std::int64_t capacity_;
  std::vector<Step> steps_;
};

}  // namespace reeve::schedule
