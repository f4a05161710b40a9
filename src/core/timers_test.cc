#include "core/timers.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::core {
namespace {

Timer at(std::int64_t second, std::uint32_t index = 0) {
  return {Time{std::chrono::seconds{second}}, TimerKind::task, RunId{1}, index};
}

TEST(Timers, fire_in_order_once_they_are_due) {
  Timers timers;
  EXPECT_FALSE(timers.next());
  for (const std::int64_t second : {5, 1, 3}) timers.set(at(second));
  EXPECT_EQ(timers.next(), Time{std::chrono::seconds{1}});
  EXPECT_FALSE(timers.pop_due(Time{}));
  EXPECT_EQ(timers.pop_due(Time{std::chrono::seconds{3}}), at(1));
  EXPECT_EQ(timers.pop_due(Time{std::chrono::seconds{3}}), at(3));
  EXPECT_FALSE(timers.pop_due(Time{std::chrono::seconds{3}}));
  EXPECT_EQ(timers.next(), Time{std::chrono::seconds{5}});
}

TEST(Timers, never_is_no_timer) {
  Timers timers;
  timers.set({kNever, TimerKind::run, RunId{1}, 0});
  EXPECT_FALSE(timers.next());
}

RC_GTEST_PROP(Timers, ties_break_the_same_way_whatever_the_order_of_setting, ()) {
  auto moments = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4));
  std::vector<Timer> set;
  for (std::uint32_t i = 0; i < moments.size(); ++i) set.push_back(at(moments[i], i));
  Timers forwards;
  Timers backwards;
  for (const Timer& timer : set) forwards.set(timer);
  std::ranges::reverse(set);
  for (const Timer& timer : set) backwards.set(timer);
  std::ranges::sort(set);
  for (const Timer& timer : set) {
    RC_ASSERT(forwards.pop_due(kNever) == timer);
    RC_ASSERT(backwards.pop_due(kNever) == timer);
  }
}

}  // namespace
}  // namespace reeve::core
