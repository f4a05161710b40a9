// What would make a task start, and that it does once it is done.
#include "schedule/what_if.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/generator.h"
#include "schedule/pass.h"

namespace reeve::schedule {
namespace {

using std::chrono::seconds;
constexpr Time kNoon{std::chrono::hours{2000}};

bool is_current(TaskId) { return false; }

class Place {
 public:
  explicit Place(const SchedulingPolicy& policy = {}, std::int64_t cpus = 4) {
    planner.configure(policy);
    planner.add_node({.name = "n", .capacity = cpu(cpus), .labels = {}});
  }
  static Resources cpu(std::int64_t cpus) {
    return {.cpu_millicores = cpus * 1000, .countables = {}};
  }
  struct Kind {
    std::int64_t cpus = 1;
    std::int32_t priority = 0;
    std::string queue = "q";
    std::string user = "u";
    std::string lock;
    Duration length{-1};
  };
  TaskId add(const Kind& kind) {
    std::vector<LockUse> uses;
    if (!kind.lock.empty()) uses.push_back({planner.locks.intern(kind.lock, 1), 1});
    last = planner.waiting.intern(
        {.leaf = planner.shares.leaf(kind.queue, kind.user),
         .priority = kind.priority,
         .demand = planner.nodes.intern(
             {.variants = {cpu(kind.cpus)}, .rules = {}, .tags = {}, .assets = {}}),
         .locks = planner.locks.intern_set(uses),
         .length = kind.length});
    const TaskId task{RunId{++runs_}, 0};
    planner.waiting.push(last, {task, 1}, now);
    return task;
  }
  /// What started.
  std::vector<TaskId> pass() { return pass_at(now); }
  std::vector<TaskId> pass_at(Time when) {
    std::vector<TaskId> out;
    Pass pass(planner, when);
    while (const auto task = pass.next()) {
      const Placement* place = pass.place();
      if (place == nullptr) continue;
      if (!place->staged) out.push_back(*task);
      pass.accept(Token{++tokens_});
    }
    return out;
  }
  std::vector<WouldStart> ask(TaskId task) const {
    return would_start(planner, last, task, now, is_current);
  }

  Planner planner;
  Time now = kNoon;
  ClassId last;

 private:
  std::uint32_t runs_ = 0;
  std::uint64_t tokens_ = 0;
};

const WouldStart* find(const std::vector<WouldStart>& all, Change change) {
  const auto found = std::ranges::find(all, change, &WouldStart::change);
  return found == all.end() ? nullptr : &*found;
}

TEST(WhatIf, more_room_or_a_higher_priority_lets_it_start) {
  Place place;
  place.add({.cpus = 3});
  (void)place.pass();
  const TaskId big = place.add({.cpus = 2});
  const auto all = place.ask(big);
  ASSERT_NE(find(all, Change::room), nullptr);
  EXPECT_EQ(find(all, Change::room)->amount, 1);
  EXPECT_EQ(find(all, Change::priority), nullptr) << "there is no room, at whatever priority";
  place.planner.set_capacity(NodeId{0}, Place::cpu(6));
  EXPECT_EQ(place.pass(), std::vector<TaskId>{big});
}

TEST(WhatIf, a_queue_without_its_limit) {
  Place place({.queues = {{.name = "q", .running_max = 1, .cap = {}}}});
  place.add({});
  (void)place.pass();
  const TaskId second = place.add({});
  const auto all = place.ask(second);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].change, Change::queue_limit);
}

TEST(WhatIf, a_lock_that_allows_one_more) {
  Place place;
  place.add({.lock = "disk"});
  (void)place.pass();
  const TaskId second = place.add({.lock = "disk"});
  const auto all = place.ask(second);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].change, Change::lock);
  EXPECT_EQ(all[0].amount, 2);
  (void)place.planner.locks.intern("disk", 2);
  EXPECT_EQ(place.pass(), std::vector<TaskId>{second});
}

TEST(WhatIf, a_window_that_opens) {
  Place place({.windows = {{.queue = "q", .from = std::chrono::hours{20}}}});
  const TaskId task = place.add({});
  EXPECT_TRUE(place.pass().empty());
  const auto all = place.ask(task);
  ASSERT_NE(find(all, Change::later), nullptr);
  const Time opens = find(all, Change::later)->at;
  EXPECT_EQ(opens, kNoon + std::chrono::hours{4 + 8});
  EXPECT_TRUE(place.pass_at(opens - seconds{1}).empty());
  EXPECT_EQ(place.pass_at(opens), std::vector<TaskId>{task});
}

TEST(WhatIf, a_window_that_opens_where_there_is_no_room_is_no_help) {
  Place place({.windows = {{.queue = "q", .from = std::chrono::hours{20}}}});
  place.add({.cpus = 4, .queue = "other"});
  EXPECT_EQ(place.pass().size(), 1U);
  const TaskId task = place.add({});
  EXPECT_EQ(find(place.ask(task), Change::later), nullptr) << "nobody knows when that ends";
}

TEST(WhatIf, what_is_behind_others_starts_with_a_higher_priority) {
  Place place({.reservations = 1}, 4);
  place.add({.cpus = 3, .length = seconds{100}});
  (void)place.pass();
  place.add({.cpus = 4, .length = seconds{100}});
  const TaskId small = place.add({.cpus = 1, .length = seconds{1000}});
  EXPECT_TRUE(place.pass().empty()) << "it would be in the way of the one before it";
  const auto all = place.ask(small);
  ASSERT_NE(find(all, Change::priority), nullptr);
  const auto levels = static_cast<std::int32_t>(find(all, Change::priority)->amount);
  const TaskId higher = place.add({.cpus = 1, .priority = levels, .length = seconds{1000}});
  EXPECT_EQ(place.pass(), std::vector<TaskId>{higher});
}

RC_GTEST_PROP(WhatIf, is_true_when_it_is_tried, ()) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const auto build = [&](Place& place) {
    Generator random(seed);
    TaskId task;
    const std::uint64_t count = 2 + random.below(12);
    for (std::uint64_t i = 0; i < count; ++i) {
      task = place.add({.cpus = random.between(1, 4),
                        .priority = static_cast<std::int32_t>(random.below(3)),
                        .queue = random.below(2) == 0 ? "q" : "limited",
                        .user = random.below(2) == 0 ? "u" : "v",
                        .lock = random.below(3) == 0 ? "disk" : "",
                        .length = random.below(2) == 0 ? Duration{-1} : seconds{random.below(90)}});
      if (random.below(2) == 0) (void)place.pass();
      place.now += seconds{random.below(10)};
    }
    return task;
  };
  SchedulingPolicy limited{.queues = {{.name = "limited", .running_max = 1, .cap = {}}}};
  if (*rc::gen::arbitrary<bool>()) limited.backfilling = Backfilling::conservative;
  Place asked(limited);
  const TaskId task = build(asked);
  if (asked.planner.waiting.waiting(asked.last) == 0) return;  // it has started
  for (const WouldStart& one : asked.ask(task)) {
    Place tried(limited);
    build(tried);
    TaskId wanted = task;
    Time when = tried.now;
    switch (one.change) {
      case Change::later: when = one.at; break;
      case Change::room: {
        const Resources& more =
            tried.planner.nodes.demand(tried.planner.waiting.key(tried.last).demand).variants[0];
        Resources all = Place::cpu(4);
        for (std::int64_t i = 0; i < one.amount; ++i) all.add(more);
        tried.planner.set_capacity(NodeId{0}, all);
        break;
      }
      case Change::queue_limit:
        tried.planner.shares.configure({{.name = "limited", .cap = {}}}, {{}},
                                       std::chrono::minutes{15});
        break;
      case Change::lock:
        tried.planner.locks.intern("disk", static_cast<std::int32_t>(one.amount));
        break;
      case Change::priority: {
        ClassKey higher = tried.planner.waiting.key(tried.last);
        higher.priority += static_cast<std::int32_t>(one.amount);
        wanted = TaskId{RunId{999}, 0};
        tried.planner.waiting.push(tried.planner.waiting.intern(higher), {wanted, 1}, tried.now);
        break;
      }
    }
    const std::vector<TaskId> started = tried.pass_at(when);
    RC_ASSERT(std::ranges::find(started, wanted) != started.end());
  }
}

}  // namespace
}  // namespace reeve::schedule
