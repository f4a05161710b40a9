#include "schedule/ready_queue.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::schedule {
namespace {

ClassKey with_priority(std::int32_t priority, Time deadline = kNever) {
  return {.priority = priority, .deadline = deadline, .request = {}, .locks = {}};
}

Range range(std::uint32_t run, std::uint32_t first, std::uint32_t count = 1) {
  return {{RunId{run}, first}, count};
}

/// What would start if everything fitted.
std::vector<std::pair<std::uint32_t, std::uint32_t>> drain(ReadyQueue& queue) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> out;
  while (!queue.empty()) {
    const ClassId best = queue.order().begin()->id;
    const TaskId task = queue.head(best);
    out.emplace_back(task.run.value, task.index);
    queue.pop(best);
  }
  return out;
}

using Order = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

TEST(ReadyQueue, equal_keys_are_one_class) {
  ReadyQueue queue;
  const ClassId a = queue.intern(with_priority(1));
  EXPECT_EQ(queue.intern(with_priority(1)), a);
  EXPECT_NE(queue.intern(with_priority(2)), a);
  EXPECT_EQ(queue.key(a), with_priority(1));
}

TEST(ReadyQueue, orders_by_priority_then_deadline_then_first_come) {
  ReadyQueue queue;
  const ClassId low = queue.intern(with_priority(-1));
  const ClassId normal = queue.intern(with_priority(0));
  const ClassId urgent = queue.intern(with_priority(0, Time{std::chrono::hours{1}}));
  const ClassId high = queue.intern(with_priority(7));
  ClassKey other_shape = with_priority(0);
  other_shape.request.cpu_millicores = 5;
  const ClassId other = queue.intern(other_shape);
  queue.push(low, range(1, 0));
  queue.push(normal, range(2, 0));
  queue.push(other, range(3, 0));
  queue.push(normal, range(4, 0));
  queue.push(urgent, range(5, 0));
  queue.push(high, range(6, 0));
  EXPECT_EQ(drain(queue), (Order{{6, 0}, {5, 0}, {2, 0}, {3, 0}, {4, 0}, {1, 0}}));
}

TEST(ReadyQueue, a_range_keeps_its_place_until_it_is_used_up) {
  ReadyQueue queue;
  const ClassId id = queue.intern(with_priority(0));
  queue.push(id, range(1, 5, 3));
  queue.push(id, range(2, 0));
  queue.push(id, range(3, 0, 0));  // nothing
  EXPECT_EQ(queue.waiting(), 4U);
  EXPECT_EQ(queue.waiting(id), 4U);
  EXPECT_EQ(drain(queue), (Order{{1, 5}, {1, 6}, {1, 7}, {2, 0}}));
  EXPECT_EQ(queue.waiting(), 0U);
}

TEST(ReadyQueue, counts_how_often_a_class_was_overtaken_since_it_last_started) {
  ReadyQueue queue;
  const ClassId id = queue.intern(with_priority(0));
  queue.push(id, range(1, 0, 2));
  queue.count_overtaken(id);
  queue.count_overtaken(id);
  EXPECT_EQ(queue.overtaken(id), 2U);
  queue.pop(id);
  EXPECT_EQ(queue.overtaken(id), 0U);
}

RC_GTEST_PROP(ReadyQueue, gives_what_a_stable_sort_would_give, ()) {
  struct Pushed {
    std::int32_t priority;
    std::uint32_t run;
  };
  ReadyQueue queue;
  std::vector<Pushed> pushed;
  const auto count = *rc::gen::inRange<std::uint32_t>(1, 40);
  for (std::uint32_t run = 1; run <= count; ++run) {
    const std::int32_t priority = *rc::gen::inRange(-2, 3);
    queue.push(queue.intern(with_priority(priority)), range(run, 0));
    pushed.push_back({priority, run});
  }
  std::ranges::stable_sort(pushed, std::greater<>{}, &Pushed::priority);
  Order expected;
  for (const Pushed& each : pushed) expected.emplace_back(each.run, 0);
  RC_ASSERT(drain(queue) == expected);
}

}  // namespace
}  // namespace reeve::schedule
