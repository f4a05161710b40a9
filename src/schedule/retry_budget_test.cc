#include "schedule/retry_budget.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/generator.h"

namespace reeve::schedule {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time kBudgetStart{std::chrono::hours{480'000}};

SchedulingPolicy policy_of(RetryBudgetSetup setup) {
  SchedulingPolicy policy;
  policy.retry_budget = setup;
  return policy;
}

TEST(RetryBudgets, what_is_saved_up_goes_at_once_and_the_rest_in_turn) {
  RetryBudgets budgets;
  budgets.configure(policy_of({.share_permille = 0, .floor_per_kilosecond = 2000}));
  EXPECT_EQ(budgets.left("q", kBudgetStart), 20);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(budgets.take("q", kBudgetStart), kBudgetStart) << i;
  EXPECT_EQ(budgets.take("q", kBudgetStart), kBudgetStart + milliseconds{500});
  EXPECT_EQ(budgets.take("q", kBudgetStart), kBudgetStart + milliseconds{1000});
  EXPECT_EQ(budgets.left("q", kBudgetStart), -2);
  EXPECT_EQ(budgets.take("q", kBudgetStart + seconds{2}), kBudgetStart + seconds{2})
      << "some has come in";
}

TEST(RetryBudgets, a_share_of_what_succeeds_comes_in) {
  RetryBudgets budgets;
  budgets.configure(policy_of({.share_permille = 500, .floor_per_kilosecond = 1}));
  for (int i = 0; i < 10; ++i) budgets.take("q", kBudgetStart);
  EXPECT_GT(budgets.take("q", kBudgetStart), kBudgetStart + seconds{900});
  for (int i = 0; i < 4; ++i) budgets.on_success("q", kBudgetStart);
  EXPECT_EQ(budgets.take("q", kBudgetStart), kBudgetStart);
}

TEST(RetryBudgets, a_queue_cannot_take_those_of_another) {
  RetryBudgets budgets;
  SchedulingPolicy policy = policy_of({.floor_per_kilosecond = 1000});
  policy.queues.push_back({.name = "a/b", .cap = {}});
  policy.queues.push_back(
      {.name = "c", .cap = {}, .retry_budget = RetryBudgetSetup{.floor_per_kilosecond = 100}});
  budgets.configure(policy);
  for (int i = 0; i < 1000; ++i) budgets.take("a", kBudgetStart);
  EXPECT_GT(budgets.take("a", kBudgetStart), kBudgetStart + seconds{900});
  EXPECT_EQ(budgets.take("a/b", kBudgetStart), kBudgetStart);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(budgets.take("c/d", kBudgetStart), kBudgetStart);
  EXPECT_EQ(budgets.take("c/d", kBudgetStart), kBudgetStart + seconds{10})
      << "as the queue above says";
}

RC_GTEST_PROP(RetryBudgets, no_second_has_more_than_the_cap_and_its_burst, ()) {
  const int cap = *rc::gen::inRange(1, 2000);
  RetryBudgets budgets;
  budgets.configure(policy_of({.floor_per_kilosecond = 100'000'000, .per_second_max = cap}));
  Generator random{*rc::gen::arbitrary<std::uint64_t>()};
  std::vector<Time> given;
  Time now = kBudgetStart;
  for (int i = 0; i < 3000; ++i) {
    now += Duration{static_cast<std::int64_t>(random.below(1000))};
    given.push_back(budgets.take("q", now));
    RC_ASSERT(given.back() >= now);
  }
  std::ranges::sort(given);
  const auto most = static_cast<std::size_t>(cap + cap / 10 + 2);
  for (std::size_t i = most; i < given.size(); ++i)
    RC_ASSERT(given[i] - given[i - most] >= seconds{1});
}

}  // namespace
}  // namespace reeve::schedule
