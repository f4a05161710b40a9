#include "schedule/filling_queue.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::schedule {
namespace {

RankedJob job(std::uint32_t id, std::int64_t key, std::int64_t amount, int length) {
  return {key, {id, amount, Time{}, Duration{1}, Duration{length}}};
}

TEST(FillingQueue, gives_the_first_whose_amount_is_free_for_long_enough) {
  FillingQueue queue;
  queue.insert(job(1, 10, 4, 50));
  queue.insert(job(2, 20, 2, 500));
  queue.insert(job(3, 30, 1, 70));
  const auto first = [&](Duration of_one, Duration of_two, Duration of_four) {
    const auto found = queue.first_that_fits([&](std::int64_t amount) {
      return amount == 1 ? of_one : (amount == 2 ? of_two : of_four);
    });
    return found ? found->job.id : 0U;
  };
  EXPECT_EQ(first(kDurationMax, kDurationMax, kDurationMax), 1U);
  EXPECT_EQ(first(kDurationMax, kDurationMax, Duration{49}), 2U);
  EXPECT_EQ(first(Duration{80}, Duration{80}, Duration{-1}), 3U);
  EXPECT_EQ(first(Duration{60}, Duration{60}, Duration{-1}), 0U);
  EXPECT_EQ(first(Duration{-1}, kDurationMax, kDurationMax), 0U) << "more is not free either";
  queue.erase(job(1, 10, 4, 50));
  EXPECT_EQ(first(kDurationMax, kDurationMax, kDurationMax), 2U);
}

/// Beside a plain sorted list, at sizes at which blocks are cut and emptied.
RC_GTEST_PROP(FillingQueue, is_what_a_sorted_list_says, ()) {
  FillingQueue fast;
  std::set<RankedJob> slow;
  const auto changes = *rc::gen::inRange(0, 1500);
  for (int i = 0; i < changes; ++i) {
    if (*rc::gen::inRange(0, 3) > 0 || slow.empty()) {
      const RankedJob one = job(static_cast<std::uint32_t>(i), *rc::gen::inRange(0, 1000),
                                *rc::gen::inRange(1, 3), *rc::gen::inRange(1, 100));
      fast.insert(one);
      slow.insert(one);
    } else {
      const auto at =
          std::next(slow.begin(), *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(slow)));
      fast.erase(*at);
      slow.erase(at);
    }
  }
  const Duration of_one{*rc::gen::inRange(-1, 100)};
  const Duration of_two{*rc::gen::inRange(-1, static_cast<int>(of_one.count()) + 1)};
  const auto length_of = [&](std::int64_t amount) { return amount == 1 ? of_one : of_two; };
  const auto expected = std::ranges::find_if(
      slow, [&](const RankedJob& one) { return one.job.promised <= length_of(one.job.amount); });
  const auto found = fast.first_that_fits(length_of);
  RC_ASSERT(found.has_value() == (expected != slow.end()));
  if (found) RC_ASSERT(found->job.id == expected->job.id);
}

}  // namespace
}  // namespace reeve::schedule
