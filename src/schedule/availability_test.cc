#include "schedule/availability.h"

#include <array>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::schedule {
namespace {

Time at(int second) { return Time(std::chrono::seconds(second)); }
using std::chrono::seconds;

TEST(Availability, is_all_free_at_first) {
  const Availability all(10);
  EXPECT_EQ(all.free_at(at(5)), 10);
  EXPECT_EQ(all.earliest(10, seconds(1000), at(7)), at(7));
}

TEST(Availability, knows_when_enough_is_free_for_long_enough) {
  Availability some(10);
  some.take(6, at(0), at(100));
  some.take(8, at(150), at(200));
  EXPECT_EQ(some.earliest(4, seconds(50), at(0)), at(0));
  EXPECT_EQ(some.earliest(5, seconds(50), at(0)), at(100));
  EXPECT_EQ(some.earliest(5, seconds(51), at(0)), at(200)) << "it is short until 150";
  EXPECT_EQ(some.earliest(2, seconds(500), at(20)), at(20));
  EXPECT_TRUE(some.fits(4, seconds(150), at(0)));
  EXPECT_FALSE(some.fits(4, seconds(151), at(0)));
}

TEST(Availability, what_is_given_back_leaves_no_trace) {
  Availability some(4);
  some.take(3, at(10), at(20));
  some.give(3, at(10), at(20));
  EXPECT_EQ(some.earliest(4, seconds(100), at(0)), at(0));
}

TEST(Availability, forgets_what_was_before) {
  Availability some(4);
  some.take(3, at(0), at(10));
  some.take(1, at(0), at(20));
  some.advance(at(10));
  EXPECT_EQ(some.free_at(at(10)), 3);
  EXPECT_EQ(some.earliest(4, seconds(1), at(10)), at(20));
}

TEST(Availability, may_be_promised_more_than_there_is) {
  Availability some(1);
  some.take(2, at(0), at(5));
  EXPECT_EQ(some.free_at(at(0)), -1);
  EXPECT_EQ(some.earliest(1, seconds(1), at(0)), at(5));
}

/// Beside a plain array of what is free in each second.
RC_GTEST_PROP(Availability, is_what_an_array_of_seconds_says, ()) {
  constexpr int kSeconds = 40;
  constexpr int kCapacity = 8;
  Availability fast(kCapacity);
  std::array<std::int64_t, kSeconds + 1> slow{};
  slow.fill(kCapacity);  // the last one is all that comes after
  const auto takings = *rc::gen::inRange(0, 12);
  for (int i = 0; i < takings; ++i) {
    const int from = *rc::gen::inRange(0, kSeconds);
    const int to = *rc::gen::inRange(0, kSeconds + 1);
    const int amount = *rc::gen::inRange(-2, 4);
    fast.take(amount, at(from), at(to));
    for (int second = from; second < to; ++second)
      slow.at(static_cast<std::size_t>(second)) -= amount;
  }
  const int from = *rc::gen::inRange(0, kSeconds);
  const int length = *rc::gen::inRange(1, kSeconds);
  const int amount = *rc::gen::inRange(1, kCapacity + 1);
  if (*rc::gen::arbitrary<bool>()) fast.advance(at(from));
  const auto is_free = [&](int begin) {
    for (int second = begin; second < begin + length; ++second)
      if (slow.at(static_cast<std::size_t>(std::min(second, kSeconds))) < amount) return false;
    return true;
  };
  int expected = from;
  while (!is_free(expected)) ++expected;
  RC_ASSERT(fast.earliest(amount, seconds(length), at(from)) == at(expected));
  RC_ASSERT(fast.fits(amount, seconds(length), at(from)) == (expected == from));
  int free_for = 0;
  while (from + free_for <= kSeconds &&
         slow.at(static_cast<std::size_t>(from + free_for)) >= amount)
    ++free_for;
  const Duration expected_for = from + free_for > kSeconds ? kDurationMax
                                : free_for == 0            ? Duration{-1}
                                                           : seconds(free_for);
  RC_ASSERT(fast.free_for(amount, at(from)) == expected_for);
  RC_ASSERT(fast.free_at(at(from)) == slow.at(static_cast<std::size_t>(from)));
}

}  // namespace
}  // namespace reeve::schedule
