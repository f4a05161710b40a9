#include "schedule/retry_budget.h"

#include <algorithm>

namespace reeve::schedule {
namespace {

constexpr std::int64_t kOneRetry = 1'000'000;  // millionths of a retry
constexpr std::int64_t kSavedSeconds = 10;
constexpr std::int64_t kSavedMin = 10;  // retries
constexpr Duration kBurst = std::chrono::milliseconds{100};

std::int64_t floor_of(const RetryBudgetSetup& setup) {
  return std::max<std::int64_t>(setup.floor_per_kilosecond, 1);
}

/// What can be saved up: what comes in by itself in ten seconds, but not next to nothing.
std::int64_t most_of(const RetryBudgetSetup& setup) {
  return std::max(floor_of(setup) * kSavedSeconds * (kOneRetry / 1000), kSavedMin * kOneRetry);
}

/// A thousandth of the floor is what comes in in a second, so a millionth of a second brings so
/// many thousandths of a millionth.
std::int64_t income(const RetryBudgetSetup& setup, Duration elapsed) {
  const std::int64_t most = kDurationMax.count() / floor_of(setup);
  return std::clamp<std::int64_t>(elapsed.count(), 0, most) * floor_of(setup) / 1000;
}

}  // namespace

void RetryBudgets::configure(const SchedulingPolicy& policy) {
  common_ = policy.retry_budget;
  own_.clear();
  for (const QueueSetup& queue : policy.queues) {
    if (queue.retry_budget) own_.emplace(queue.name, *queue.retry_budget);
  }
  for (auto& [queue, budget] : budgets_) {
    budget.setup = setup_of(queue);
    budget.millionths = std::min(budget.millionths, most_of(budget.setup));
  }
}

const RetryBudgetSetup& RetryBudgets::setup_of(std::string_view queue) const {
  while (true) {
    if (const auto found = own_.find(queue); found != own_.end()) return found->second;
    const std::size_t slash = queue.rfind('/');
    if (slash == std::string_view::npos) return common_;
    queue = queue.substr(0, slash);
  }
}

void RetryBudgets::count(Budget& budget, Time now) {
  if (now <= budget.counted_at) return;  // a clock that went back
  budget.millionths = std::min(budget.millionths + income(budget.setup, now - budget.counted_at),
                               most_of(budget.setup));
  budget.counted_at = now;
}

RetryBudgets::Budget& RetryBudgets::budget_of(const std::string& queue, Time now) {
  const auto [found, is_new] = budgets_.try_emplace(queue);
  Budget& budget = found->second;
  if (is_new) budget = {setup_of(queue), most_of(setup_of(queue)), now, kUnset};
  count(budget, now);
  return budget;
}

void RetryBudgets::on_success(const std::string& queue, Time now) {
  // One that nobody has asked for is full.
  if (!budgets_.contains(queue)) return;
  Budget& budget = budget_of(queue, now);
  budget.millionths = std::min(budget.millionths + budget.setup.share_permille * (kOneRetry / 1000),
                               most_of(budget.setup));
}

Time RetryBudgets::take(const std::string& queue, Time now) {
  Budget& budget = budget_of(queue, now);
  budget.millionths -= kOneRetry;
  const std::int64_t cap = std::max<std::int64_t>(budget.setup.per_second_max, 1);
  if (budget.millionths < 0) {  // promised: as the floor comes in, one after the other
    const std::int64_t rate = std::min(floor_of(budget.setup), cap * 1000);
    const std::int64_t missing = std::min(-budget.millionths, kDurationMax.count() / 1000);
    return now + Duration{(missing * 1000 + rate - 1) / rate};
  }
  const Time next = budget.next == kUnset ? now : std::max(budget.next, now);
  budget.next = next + Duration{(kOneRetry + cap - 1) / cap};
  return std::max(now, next - kBurst);
}

std::int64_t RetryBudgets::left(const std::string& queue, Time now) const {
  const auto found = budgets_.find(queue);
  if (found == budgets_.end()) return most_of(setup_of(queue)) / kOneRetry;
  Budget budget = found->second;
  count(budget, now);
  return budget.millionths / kOneRetry;
}

}  // namespace reeve::schedule
