// How often the tasks of each queue may be tried again: a bulkhead, so that what fails in one queue
// neither uses up the retries of another nor comes back all at once. A budget as in Finagle's
// RetryBudget (a share of what succeeds, and a floor that comes in by itself, saved up for ten
// seconds). What there is budget for goes at once, but for a cap in a second (generic cell rate
// algorithm). Whoever is beyond either is given a moment of its own, in the order in which they
// ask, so each asks once: beyond the budget as the floor comes in, and not faster than the cap.
//
// Integers only: the same calls give the same moments. Pure; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/scheduling_policy.h"
#include "base/time.h"

namespace reeve::schedule {

class RetryBudgets {
 public:
  /// What has been saved up and given out stays, as far as the new limits allow.
  void configure(const SchedulingPolicy& policy);
  /// An attempt of the queue has ended well.
  void on_success(const std::string& queue, Time now);
  /// Takes one retry: when it may be queued; not before now.
  Time take(const std::string& queue, Time now);
  /// Retries that may be taken at once; negative: so many have a moment to come.
  std::int64_t left(const std::string& queue, Time now) const;

 private:
  struct Budget {
    RetryBudgetSetup setup;
    std::int64_t millionths = 0;  ///< saved up; negative: promised
    Time counted_at = kUnset;     ///< up to when the floor has come in
    Time next = kUnset;           ///< under the cap: the theoretical arrival of the next
  };
  const RetryBudgetSetup& setup_of(std::string_view queue) const;
  Budget& budget_of(const std::string& queue, Time now);
  static void count(Budget& budget, Time now);

  RetryBudgetSetup common_;
  std::map<std::string, RetryBudgetSetup, std::less<>> own_;  ///< by queue
  std::map<std::string, Budget> budgets_;                     ///< of those that have been asked for
};

}  // namespace reeve::schedule
