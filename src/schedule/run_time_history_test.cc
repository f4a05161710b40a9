#include "schedule/run_time_history.h"

#include <gtest/gtest.h>

namespace reeve::schedule {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(RunTimeHistory, knows_nothing_of_whom_it_has_not_seen) {
  RunTimeHistory history;
  EXPECT_FALSE(history.expect({.user = 1}));
  history.add({.user = 1}, minutes(1));
  EXPECT_FALSE(history.expect({.user = 2}));
  EXPECT_EQ(history.expect({.user = 1}), minutes(1));
}

TEST(RunTimeHistory, likes_count_more_than_others_of_the_user) {
  RunTimeHistory history;
  const JobLikeness small{.user = 1, .executable = 5, .amount = 2, .requested = hours(1)};
  const JobLikeness large{.user = 1, .executable = 5, .amount = 64, .requested = hours(9)};
  for (int i = 0; i < 10; ++i) {
    history.add(small, minutes(1));
    history.add(large, hours(5));
  }
  EXPECT_LT(*history.expect(small), minutes(5));
  EXPECT_GT(*history.expect(large), hours(1));
  const auto other = history.expect({.user = 1, .executable = 6, .amount = 1});
  EXPECT_GT(*other, minutes(1));
  EXPECT_LT(*other, hours(5));
}

TEST(RunTimeHistory, follows_what_changes_and_is_not_spoilt_by_one) {
  RunTimeHistory history;
  for (int i = 0; i < 50; ++i) history.add({.user = 1}, seconds(100));
  history.add({.user = 1}, hours(100));
  EXPECT_LT(*history.expect({.user = 1}), seconds(1000));
  for (int i = 0; i < 30; ++i) history.add({.user = 1}, seconds(10));
  EXPECT_LT(*history.expect({.user = 1}), seconds(12));
}

TEST(RunTimeHistory, what_took_no_time_took_a_second) {
  RunTimeHistory history;
  history.add({.user = 1}, Duration{0});
  EXPECT_EQ(history.expect({.user = 1}), seconds(1));
}

}  // namespace
}  // namespace reeve::schedule
