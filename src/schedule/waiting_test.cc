#include "schedule/waiting.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::schedule {
namespace {

constexpr Time kNow{std::chrono::hours{1000}};
constexpr LeafId kLeaf{3};

ClassKey with_priority(std::int32_t priority, Time deadline = kNever) {
  return {.leaf = kLeaf, .priority = priority, .deadline = deadline};
}

Range range(std::uint32_t run, std::uint32_t first, std::uint32_t count = 1) {
  return {{RunId{run}, first}, count};
}

using Order = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

/// What would start if everything fitted.
Order drain(Waiting& waiting) {
  Order out;
  while (!waiting.empty()) {
    const ClassId best = waiting.order(kLeaf).begin()->id;
    const TaskId task = waiting.head(best);
    out.emplace_back(task.run.value, task.index);
    waiting.pop(best);
  }
  return out;
}

TEST(Waiting, equal_keys_are_one_class) {
  Waiting waiting;
  const ClassId a = waiting.intern(with_priority(1));
  EXPECT_EQ(waiting.intern(with_priority(1)), a);
  EXPECT_NE(waiting.intern(with_priority(2)), a);
  EXPECT_EQ(waiting.key(a), with_priority(1));
}

TEST(Waiting, what_comes_together_goes_by_priority_then_deadline_then_first_come) {
  Waiting waiting;
  ClassKey other_demand = with_priority(0);
  other_demand.demand = DemandId{5};
  const ClassId low = waiting.intern(with_priority(-1));
  const ClassId normal = waiting.intern(with_priority(0));
  const ClassId urgent = waiting.intern(with_priority(0, kNow + std::chrono::hours{5}));
  const ClassId most_urgent = waiting.intern(with_priority(0, kNow + std::chrono::hours{1}));
  const ClassId high = waiting.intern(with_priority(7));
  const ClassId other = waiting.intern(other_demand);
  waiting.push(low, range(1, 0), kNow);
  waiting.push(normal, range(2, 0), kNow);
  waiting.push(other, range(3, 0), kNow);
  waiting.push(normal, range(4, 0), kNow);
  waiting.push(urgent, range(5, 0), kNow);
  waiting.push(high, range(6, 0), kNow);
  waiting.push(most_urgent, range(7, 0), kNow);
  EXPECT_EQ(drain(waiting), (Order{{6, 0}, {7, 0}, {5, 0}, {2, 0}, {3, 0}, {4, 0}, {1, 0}}));
}

TEST(Waiting, slack_is_what_is_left_beside_the_length) {
  const Time now{std::chrono::hours{1000}};
  ClassKey key{.deadline = now + std::chrono::hours{1}};
  const OrderWeights weights;
  EXPECT_EQ(head_start(weights, key, now).deadline, std::chrono::minutes{30});
  key.length = std::chrono::hours{1};
  EXPECT_EQ(head_start(weights, key, now).deadline, std::chrono::hours{1});
}

TEST(Waiting, waiting_makes_up_for_priority) {
  Waiting waiting;
  waiting.set_weights({.priority = std::chrono::minutes{10}});
  const ClassId low = waiting.intern(with_priority(0));
  const ClassId high = waiting.intern(with_priority(2));
  waiting.push(low, range(1, 0), kNow);
  waiting.push(high, range(2, 0), kNow + std::chrono::minutes{19});
  waiting.push(high, range(3, 0), kNow + std::chrono::minutes{21});
  EXPECT_EQ(drain(waiting), (Order{{2, 0}, {1, 0}, {3, 0}}));
}

TEST(Waiting, short_ones_have_a_head_start_if_it_is_asked_for) {
  const ClassKey key = with_priority(0);
  const OrderWeights weights{.length = std::chrono::minutes{1}};
  const auto start = [&](Duration length) {
    ClassKey of_length = key;
    of_length.length = length;
    return head_start(weights, of_length, kNow).length;
  };
  EXPECT_EQ(start(std::chrono::hours{12}), Duration{0});
  EXPECT_EQ(start(std::chrono::hours{200}), Duration{0});
  EXPECT_EQ(start(std::chrono::hours{3}), std::chrono::minutes{2});
  EXPECT_EQ(start(Duration{0}), start(std::chrono::milliseconds{10}));
  EXPECT_EQ(start(Duration{-1}), Duration{0});
}

TEST(Waiting, extreme_priorities_and_deadlines_do_not_overflow) {
  for (const std::int32_t priority : {INT32_MIN, INT32_MAX}) {
    for (const Time deadline : {kNow - kDurationMax, kNow, kNow + kDurationMax}) {
      const HeadStart start =
          head_start({.priority = std::chrono::days{365}}, with_priority(priority, deadline), kNow);
      EXPECT_LE(start.sum(), kDurationMax + std::chrono::hours{1});
      EXPECT_GE(start.sum(), -kDurationMax);
      EXPECT_EQ(start.deadline == std::chrono::hours{1}, deadline <= kNow);
    }
  }
}

TEST(Waiting, a_range_keeps_its_place_until_it_is_used_up) {
  Waiting waiting;
  const ClassId id = waiting.intern(with_priority(0));
  ClassKey other_demand = with_priority(0);
  other_demand.demand = DemandId{1};
  const ClassId other = waiting.intern(other_demand);
  waiting.push(id, range(1, 5, 3), kNow);
  waiting.push(other, range(2, 0), kNow);
  waiting.push(id, range(3, 0), kNow);
  EXPECT_EQ(waiting.waiting(), 5U);
  EXPECT_EQ(waiting.waiting(id), 4U);
  EXPECT_EQ(waiting.waiting_of(kLeaf), 5U);
  EXPECT_EQ(drain(waiting), (Order{{1, 5}, {1, 6}, {1, 7}, {2, 0}, {3, 0}}));
  EXPECT_EQ(waiting.waiting_of(kLeaf), 0U);
}

TEST(Waiting, overtaking_counts_until_one_starts) {
  Waiting waiting;
  const ClassId id = waiting.intern(with_priority(0));
  waiting.push(id, range(1, 0, 3), kNow);
  waiting.count_overtaken(id, 7);
  waiting.drop(id);
  EXPECT_EQ(waiting.overtaken(id), 7U);
  waiting.pop(id);
  EXPECT_EQ(waiting.overtaken(id), 0U);
}

RC_GTEST_PROP(Waiting, nothing_is_lost_and_classes_are_first_in_first_out, ()) {
  Waiting waiting;
  const auto ids = *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange(0U, 6U));
  std::map<std::uint32_t, std::vector<std::uint32_t>> pushed;
  Time now = kNow;
  for (std::uint32_t i = 0; i < ids.size(); ++i) {
    ClassKey key = with_priority(static_cast<std::int32_t>(ids[i] % 3));
    key.leaf = LeafId{ids[i] / 3};
    now += std::chrono::seconds{*rc::gen::inRange(0, 3)};
    waiting.push(waiting.intern(key), range(i + 1, 0), now);
    pushed[ids[i]].push_back(i + 1);
  }
  std::map<std::uint32_t, std::vector<std::uint32_t>> popped;
  while (!waiting.empty()) {
    const LeafId leaf = waiting.active().front();
    const ClassId id = waiting.order(leaf).begin()->id;
    const ClassKey& key = waiting.key(id);
    popped[key.leaf.value * 3 + static_cast<std::uint32_t>(key.priority)].push_back(
        waiting.head(id).run.value);
    waiting.pop(id);
  }
  RC_ASSERT(pushed == popped);
  RC_ASSERT(waiting.waiting() == 0U);
}

}  // namespace
}  // namespace reeve::schedule
