#include "schedule/graph_simulation.h"

#include <algorithm>
#include <ranges>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::schedule {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

/// One, then eight of ten seconds, then one.
std::vector<GraphTask> fan() {
  std::vector<GraphTask> tasks{{"first", seconds(1), {}}};
  for (int i = 0; i < 8; ++i) tasks.push_back({"middle", seconds(10), {0}});
  tasks.push_back({"last", seconds(1), {1, 2, 3, 4, 5, 6, 7, 8}});
  return tasks;
}

TEST(GraphSimulation, knows_the_longest_way_to_the_end) {
  const std::vector<GraphTask> tasks{{"a", seconds(1), {}},
                                     {"b", seconds(5), {0}},
                                     {"c", seconds(2), {0}},
                                     {"d", seconds(4), {2}}};
  EXPECT_THAT(ways_to_end(tasks).value(),
              ElementsAre(seconds(7), seconds(5), seconds(6), seconds(4)));
}

TEST(GraphSimulation, the_longest_way_goes_first) {
  const std::vector<GraphTask> tasks{
      {"short", seconds(3), {}}, {"begin", seconds(1), {}}, {"long", seconds(9), {1}}};
  const auto schedule = schedule_graph(tasks, ways_to_end(tasks).value(), 1);
  EXPECT_THAT(schedule.starts, ElementsAre(seconds(10), seconds(0), seconds(1)));
  EXPECT_EQ(schedule.makespan, seconds(13));
}

TEST(GraphSimulation, a_last_wave_that_is_not_full_is_no_fault_of_the_schedule) {
  const auto tasks = fan();
  const auto ways = ways_to_end(tasks).value();
  EXPECT_EQ(schedule_graph(tasks, ways, 8).makespan, seconds(12));
  EXPECT_EQ(schedule_graph(tasks, ways, 7).makespan, seconds(22));
  const GraphBounds bounds = bounds_of(tasks, ways, 7);
  EXPECT_EQ(bounds.critical_path, seconds(12));
  EXPECT_EQ(bounds.work, seconds(82));
  EXPECT_EQ(bounds.simple, seconds(12));
  EXPECT_EQ(bounds.proven, seconds(22)) << "two of the eight share a slot";
}

TEST(GraphSimulation, what_is_planned_backwards_too_may_be_done_sooner) {
  // By ways alone the first goes beside the second, and the last has to wait for both slots.
  const std::vector<GraphTask> tasks{{"begin", seconds(1), {}},
                                     {"long", seconds(4), {}},
                                     {"other", seconds(3), {}},
                                     {"end", seconds(2), {0}}};
  const auto ways = ways_to_end(tasks).value();
  EXPECT_EQ(schedule_graph(tasks, ways, 2).makespan, seconds(6));
  EXPECT_EQ(plan_graph(tasks, ways, 2).makespan, seconds(5));
  EXPECT_EQ(bounds_of(tasks, ways, 2).proven, seconds(5));
}

TEST(GraphSimulation, names_the_circle) {
  const std::vector<GraphTask> circle{{"a", seconds(1), {}},
                                      {"b", seconds(1), {0, 3}},
                                      {"c", seconds(1), {1}},
                                      {"d", seconds(1), {2}},
                                      {"e", seconds(1), {1}}};
  EXPECT_EQ(ways_to_end(circle).error().message, "tasks need each other: b -> c -> d -> b");
  const std::vector<GraphTask> wrong{{"a", seconds(1), {7}}};
  EXPECT_EQ(ways_to_end(wrong).error().message, "a needs a task that is not there");
  EXPECT_EQ(ways_to_end({}).value().size(), 0U);
}

std::vector<GraphTask> random_graph(std::uint32_t most) {
  std::vector<GraphTask> tasks;
  const auto count = *rc::gen::inRange<std::uint32_t>(1, most);
  for (std::uint32_t i = 0; i < count; ++i) {
    GraphTask task{std::to_string(i), seconds(*rc::gen::inRange(0, 20)), {}};
    for (std::uint32_t need = 0; need < i; ++need)
      if (*rc::gen::inRange(0, 4) == 0) task.needs.push_back(need);
    tasks.push_back(std::move(task));
  }
  return tasks;
}

RC_GTEST_PROP(GraphSimulation, respects_needs_and_slots_and_is_within_the_bounds, ()) {
  const auto tasks = random_graph(30);
  const auto slots = *rc::gen::inRange<std::int64_t>(1, 8);
  const auto ways = ways_to_end(tasks).value();
  const auto schedule = *rc::gen::arbitrary<bool>() ? schedule_graph(tasks, ways, slots)
                                                    : plan_graph(tasks, ways, slots);
  RC_ASSERT(plan_graph(tasks, ways, slots).makespan <= schedule_graph(tasks, ways, slots).makespan);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    for (const std::uint32_t need : tasks[i].needs)
      RC_ASSERT(schedule.starts[need] + tasks[need].run <= schedule.starts[i]);
    const auto beside = std::ranges::count_if(
        std::views::iota(std::size_t{0}, tasks.size()), [&](std::size_t other) {
          return schedule.starts[other] <= schedule.starts[i] &&
                 schedule.starts[i] < schedule.starts[other] + tasks[other].run;
        });
    RC_ASSERT(beside <= slots);
  }
  const GraphBounds bounds = bounds_of(tasks, ways, slots);
  RC_ASSERT(bounds.simple <= bounds.proven);
  RC_ASSERT(bounds.proven <= schedule.makespan);
  // Graham: no list schedule is worse than that.
  RC_ASSERT(schedule.makespan <= bounds.critical_path + bounds.work / slots);
}

/// The best of all orders, by trying them.
RC_GTEST_PROP(GraphSimulation, no_order_beats_the_proven_bound, ()) {
  const auto tasks = random_graph(7);
  const auto slots = *rc::gen::inRange<std::int64_t>(1, 4);
  const auto ways = ways_to_end(tasks).value();
  std::vector<Duration> order(tasks.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = seconds(static_cast<long>(i));
  Duration best = Duration::max();
  do {
    best = std::min(best, schedule_graph(tasks, order, slots).makespan);
  } while (std::ranges::next_permutation(order).found);
  RC_ASSERT(bounds_of(tasks, ways, slots).proven <= best);
}

}  // namespace
}  // namespace reeve::schedule
