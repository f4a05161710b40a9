// When something is open: the weekly windows of a queue or pool (WindowSetup). Pure.
#pragma once

#include <optional>
#include <vector>

#include "base/scheduling_policy.h"
#include "base/time.h"

namespace reeve::schedule {

class Calendar {
 public:
  void add(const WindowSetup& window) { windows_.push_back(window); }
  bool empty() const { return windows_.empty(); }
  /// Open is what lies in any window that is not `closed` (or there is none such), and in no
  /// `closed` one.
  bool is_open(Time now) const;
  /// The first moment after `now` at which it is open, respectively is not; kNever: never.
  Time opens(Time now) const { return next(now, true); }
  Time closes(Time now) const { return next(now, false); }

 private:
  Time next(Time now, bool open) const;
  std::vector<WindowSetup> windows_;
};

}  // namespace reeve::schedule
