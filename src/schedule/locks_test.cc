#include "schedule/locks.h"

#include <gtest/gtest.h>

namespace reeve::schedule {
namespace {

TEST(Locks, names_are_interned_and_the_newest_limit_counts) {
  Locks locks;
  const LockId db = locks.intern("db", 1);
  const LockId disk = locks.intern("disk", 3);
  EXPECT_NE(db, disk);
  EXPECT_EQ(locks.intern("db", 2), db);
  EXPECT_EQ(locks.limit(db), 2);
  EXPECT_EQ(locks.limit(disk), 3);
  EXPECT_EQ(locks.name(disk), "disk");
  EXPECT_EQ(locks.size(), 2U);
}

TEST(Locks, equal_sets_are_one_whatever_their_order) {
  Locks locks;
  const LockId a = locks.intern("a", 1);
  const LockId b = locks.intern("b", 1);
  EXPECT_EQ(locks.intern_set({}), LockSetId{});
  const LockSetId both = locks.intern_set({{b, 1}, {a, 1}});
  EXPECT_EQ(locks.intern_set({{a, 1}, {b, 1}}), both);
  EXPECT_NE(locks.intern_set({{a, 1}}), both);
  EXPECT_EQ(locks.set(both).front().lock, a);
  EXPECT_TRUE(locks.set(LockSetId{}).empty());
}

TEST(Locks, a_set_is_busy_while_one_of_it_has_too_few_units) {
  Locks locks;
  const LockId a = locks.intern("a", 1);
  const LockId b = locks.intern("b", 3);
  const LockSetId all = locks.intern_set({{a, 1}, {b, 2}});
  const LockSetId two = locks.intern_set({{b, 2}});
  const LockSetId one = locks.intern_set({{b, 1}});
  EXPECT_EQ(locks.first_busy(all), nullptr);
  locks.take(two);
  ASSERT_NE(locks.first_busy(all), nullptr);
  EXPECT_EQ(locks.first_busy(all)->lock, b);
  EXPECT_EQ(locks.first_busy(one), nullptr);
  locks.take(one);
  EXPECT_EQ(locks.in_use(b), 3);
  EXPECT_NE(locks.first_busy(one), nullptr);
  locks.release(two);
  EXPECT_EQ(locks.first_busy(all), nullptr);
  locks.take(all);
  EXPECT_EQ(locks.first_busy(all)->lock, a);
  EXPECT_EQ(locks.first_busy(LockSetId{}), nullptr);
}

TEST(Locks, what_is_in_no_set_that_is_used_and_free_is_forgotten) {
  Locks locks;
  const LockId held = locks.intern("held", 1);
  const LockId used = locks.intern("used", 1);
  const LockId gone = locks.intern("gone", 1);
  const LockSetId held_alone = locks.intern_set({{held, 1}});
  const LockSetId used_alone = locks.intern_set({{used, 1}});
  const LockSetId of_gone = locks.intern_set({{gone, 1}});
  locks.take(held_alone);
  std::vector<bool> is_used(locks.sets_end());
  is_used[used_alone.value] = true;
  locks.keep(is_used);
  EXPECT_EQ(locks.names(), 3U) << "two locks and a set";
  EXPECT_EQ(locks.name(gone), "");
  EXPECT_EQ(locks.in_use(held), 1) << "whoever holds it may have another set by now";
  EXPECT_EQ(locks.intern("used", 1), used);
  EXPECT_EQ(locks.intern_set({{used, 1}}), used_alone);
  EXPECT_EQ(locks.intern("new", 2), gone) << "its number is given again";
  EXPECT_EQ(locks.limit(gone), 2);
  const LockSetId next = locks.intern_set({{gone, 2}});
  EXPECT_TRUE(next == of_gone || next == held_alone);
  EXPECT_EQ(locks.size(), 3U);
}

}  // namespace
}  // namespace reeve::schedule
