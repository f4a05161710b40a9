#include "schedule/usage.h"

#include <map>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::schedule {
namespace {

using std::chrono::hours;

Time at_hour(std::int64_t hour) { return Time{hours{hour}} + std::chrono::minutes{7}; }

/// Against a map of hours that forgets nothing.
RC_GTEST_PROP(UsageHours, a_day_is_the_sum_of_its_hours, ()) {
  UsageHours usage;
  std::map<std::int64_t, std::int64_t> model;
  std::int64_t hour = *rc::gen::inRange<std::int64_t>(0, 500'000);
  for (int i = 0; i < 60; ++i) {
    hour += *rc::gen::element<std::int64_t>(0, 0, 1, 2, 7, 23, 24, 25, 26, 100);
    const auto amount = *rc::gen::inRange<std::int64_t>(1, 1000);
    usage.add(amount, at_hour(hour));
    model[hour] += amount;
    for (const std::int64_t ahead : {0, 1, 5, 23, 24, 30}) {
      std::int64_t sum = 0;
      for (const auto& [at, used] : model)
        sum += at > hour + ahead - 24 && at <= hour + ahead ? used : 0;
      RC_ASSERT(usage.in_day(at_hour(hour + ahead)) == sum);
    }
    const auto most = *rc::gen::inRange<std::int64_t>(1, 2000);
    const Time frees = usage.falls_below(most, at_hour(hour));
    RC_ASSERT(usage.in_day(frees) < most);
    RC_ASSERT(frees == Time{hours{hour + 1}} || usage.in_day(frees - hours{1}) >= most);
  }
}

RC_GTEST_PROP(UsageHours, two_together_are_as_if_one_had_done_it_all, ()) {
  UsageHours both;
  UsageHours one;
  UsageHours other;
  std::int64_t newest = 0;
  for (int i = 0; i < 40; ++i) {
    const auto hour = *rc::gen::inRange<std::int64_t>(1000, 1060);
    newest = std::max(newest, hour);
    // A clock that is set back counts for the newest hour: all three have the same newest.
    for (UsageHours* each : {&both, &one, &other}) each->add(0, at_hour(newest));
    const auto amount = *rc::gen::inRange<std::int64_t>(1, 1000);
    both.add(amount, at_hour(newest));
    (*rc::gen::arbitrary<bool>() ? one : other).add(amount, at_hour(newest));
  }
  one.add(other);
  RC_ASSERT(one == both);
}

TEST(UsageHours, what_is_long_ago_is_gone) {
  UsageHours old;
  old.add(5, at_hour(100));
  UsageHours fresh;
  fresh.add(7, at_hour(200));
  fresh.add(old);
  EXPECT_EQ(fresh.in_day(at_hour(200)), 7);
  old.add(fresh);
  EXPECT_EQ(old.in_day(at_hour(200)), 7);
  EXPECT_EQ(old.in_day(at_hour(100)), 0) << "its day is over";
}

}  // namespace
}  // namespace reeve::schedule
