// When something is open: the weekly windows of a queue or pool (WindowSetup). Pure.
#pragma once

#include <optional>
#include <vector>

#include "base/scheduling_policy.h"
#include "base/time.h"

namespace reeve::schedule {

class Calendar {
 public:
  void add(const WindowSetup& window);
  bool empty() const { return windows_.empty(); }
  /// Open is what lies in any window that is not `closed` (or there is none such), and in no
  /// `closed` one.
  bool is_open(Time now) const;
  /// The first moment after `now` at which it is open, respectively is not; kNever: never.
  Time opens(Time now) const { return next(now, true); }
  Time closes(Time now) const { return next(now, false); }
  /// The longest time without a closing. What takes longer than that is not held back for its
  /// length: it would wait for ever.
  Duration longest() const { return longest_; }
  /// Whether what takes so long (negative: nobody knows) may start: it is open, for as long.
  bool has_time(Time now, Duration length) const;
  /// The first opening after `now` from which on it is open for so long.
  Time opens_for(Duration length, Time now) const;

 private:
  Time next(Time now, bool open) const;
  Duration find_longest() const;
  std::vector<WindowSetup> windows_;
  Duration longest_ = kDurationMax;
};

}  // namespace reeve::schedule
