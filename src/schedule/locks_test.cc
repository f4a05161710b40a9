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

}  // namespace
}  // namespace reeve::schedule
