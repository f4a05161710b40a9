#include "schedule/backfill.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace reeve::schedule {
namespace {

using testing::ElementsAre;

Time at(std::int64_t second) { return Time(std::chrono::seconds(second)); }
using std::chrono::seconds;

BackfillJob job(std::uint32_t id, std::int64_t amount, std::int64_t length,
                std::int64_t arrival = 0) {
  return {id, amount, at(arrival), seconds(length), seconds(length)};
}

std::vector<std::uint32_t> ids(const std::vector<BackfillJob>& jobs) {
  std::vector<std::uint32_t> out;
  for (const BackfillJob& one : jobs) out.push_back(one.id);
  return out;
}

/// Ten of ten are busy with 1 (6 until 100) and 2 (2 until 50); 3 needs all of it.
Backfill busy(const BackfillPolicy& policy) {
  Backfill machine(10, policy);
  machine.submit(job(1, 6, 100));
  machine.submit(job(2, 2, 50));
  EXPECT_THAT(ids(machine.plan(at(0))), ElementsAre(1, 2));
  machine.submit(job(3, 9, 1000));
  EXPECT_THAT(ids(machine.plan(at(0))), ElementsAre());
  return machine;
}

TEST(Backfill, starts_what_does_not_delay_the_first_that_waits) {
  Backfill machine = busy({});
  machine.submit(job(4, 2, 101));   // would be in the way of 3 at 100
  machine.submit(job(5, 1, 5000));  // beside it
  machine.submit(job(6, 1, 100));
  EXPECT_THAT(ids(machine.plan(at(0))), ElementsAre(5, 6));
}

TEST(Backfill, without_a_guarantee_nobody_overtakes) {
  Backfill machine = busy({.guarantee = Guarantee::none});
  machine.submit(job(4, 1, 1));
  EXPECT_THAT(ids(machine.plan(at(0))), ElementsAre());
  machine.end(1, at(7));
  EXPECT_THAT(ids(machine.plan(at(7))), ElementsAre()) << "3 needs nine, and 2 has two";
  machine.end(2, at(9));
  EXPECT_THAT(ids(machine.plan(at(9))), ElementsAre(3, 4));
}

TEST(Backfill, an_early_end_starts_what_waits) {
  Backfill machine = busy({});
  machine.end(1, at(10));
  EXPECT_THAT(ids(machine.plan(at(10))), ElementsAre());
  machine.end(2, at(20));
  EXPECT_THAT(ids(machine.plan(at(20))), ElementsAre(3));
}

TEST(Backfill, who_takes_longer_is_waited_for) {
  Backfill machine = busy({});
  machine.extend(1, at(400));
  machine.submit(job(4, 2, 399));
  EXPECT_THAT(ids(machine.plan(at(1))), ElementsAre(4)) << "3 has to wait until 400 anyway";
}

TEST(Backfill, fills_in_the_order_of_the_policy) {
  for (const auto& [order, expected] : std::map<Order, std::uint32_t>{
           {Order::first_come, 4}, {Order::shortest, 5}, {Order::smallest, 6}}) {
    Backfill machine = busy({.filling = order});
    machine.submit(job(4, 2, 60));
    machine.submit(job(5, 2, 20));
    machine.submit(job(6, 1, 30));
    EXPECT_EQ(ids(machine.plan(at(0))).front(), expected);
  }
}

TEST(Backfill, conservative_does_not_delay_the_second_either) {
  for (const auto guarantee : {Guarantee::head, Guarantee::all}) {
    Backfill machine(10, {.guarantee = guarantee});
    machine.submit(job(1, 8, 100));
    static_cast<void>(machine.plan(at(0)));
    machine.submit(job(2, 9, 100));   // at 100
    machine.submit(job(3, 2, 1000));  // at 200: beside 2 there is one
    machine.submit(job(4, 8, 1000));  // at 200, beside 3
    machine.submit(job(5, 1, 250));   // in the way of 3 and 4 only
    machine.submit(job(6, 1, 200));
    if (guarantee == Guarantee::head)
      EXPECT_THAT(ids(machine.plan(at(0))), ElementsAre(5));
    else
      EXPECT_THAT(ids(machine.plan(at(0))), ElementsAre(6));
  }
}

TEST(Backfill, age_makes_up_for_length) {
  const BackfillPolicy aged{.queue = Order::aged, .filling = Order::aged, .ageing = seconds(3600)};
  Backfill machine(1, aged);
  machine.submit(job(1, 1, 1));
  static_cast<void>(machine.plan(at(0)));
  machine.submit(job(2, 1, 8000, 0));
  machine.submit(job(3, 1, 1000, 3 * 3600 - 1));  // an eighth as long: three times the ageing
  machine.submit(job(4, 1, 1000, 3 * 3600 + 2));
  std::vector<std::uint32_t> order;
  for (std::uint32_t running = 1; machine.waiting() > 0;) {
    machine.end(running, at(4 * 3600));
    running = machine.plan(at(4 * 3600)).at(0).id;
    order.push_back(running);
  }
  EXPECT_THAT(order, ElementsAre(3, 2, 4));
}

TEST(Backfill, what_is_known_better_changes_the_order) {
  const BackfillPolicy shortest{.queue = Order::shortest, .filling = Order::shortest};
  Backfill machine(1, shortest);
  machine.submit(job(1, 1, 10));
  static_cast<void>(machine.plan(at(0)));
  machine.submit(job(2, 1, 20));
  machine.submit(job(3, 1, 30));
  machine.revise(3, seconds(5), seconds(60));
  machine.end(1, at(1));
  EXPECT_THAT(ids(machine.plan(at(1))), ElementsAre(3));
}

/// A run of a random day: what is started, and when.
struct Day {
  std::map<std::uint32_t, Time> started;
  std::map<std::uint32_t, BackfillJob> jobs;
  std::int64_t most_used = 0;
};

Day run_day(const BackfillPolicy& policy, const std::vector<BackfillJob>& jobs,
            const std::vector<Duration>& real, std::int64_t capacity) {
  Day day;
  Backfill machine(capacity, policy);
  std::map<std::pair<Time, std::uint32_t>, std::int64_t> ends;
  std::map<Time, std::int64_t> changes;  // of what is used: who ends makes room in that very moment
  std::size_t next = 0;
  const auto plan = [&](Time now) {
    for (const BackfillJob& one : machine.plan(now)) {
      day.started[one.id] = now;
      changes[now] += one.amount;
      changes[now + real[one.id]] -= one.amount;
      ends[{now + real[one.id], one.id}] = one.amount;
    }
  };
  while (next < jobs.size() || !ends.empty()) {
    const bool is_end =
        !ends.empty() && (next == jobs.size() || ends.begin()->first.first <= jobs[next].arrival);
    if (is_end) {
      const auto when = ends.begin()->first;
      ends.erase(ends.begin());
      machine.end(when.second, when.first);
      plan(when.first);
    } else {
      machine.submit(jobs[next]);
      plan(jobs[next++].arrival);
    }
  }
  for (const BackfillJob& one : jobs) day.jobs[one.id] = one;
  std::int64_t used = 0;
  for (const auto& [when, change] : changes) {
    used += change;
    day.most_used = std::max(day.most_used, used);
  }
  return day;
}

struct Sample {
  std::vector<BackfillJob> jobs;
  std::vector<Duration> real;
};

Sample sample(std::int64_t capacity) {
  Sample out;
  std::int64_t arrival = 0;
  const auto count = *rc::gen::inRange<std::uint32_t>(1, 40);
  for (std::uint32_t id = 0; id < count; ++id) {
    arrival += *rc::gen::inRange(0, 20);
    const auto length = *rc::gen::inRange(1, 100);
    out.jobs.push_back(job(id, *rc::gen::inRange<std::int64_t>(1, capacity + 1), length, arrival));
    out.real.push_back(seconds(*rc::gen::inRange(1, length + 1)));
  }
  return out;
}

RC_GTEST_PROP(Backfill, never_uses_more_than_there_is_and_leaves_nobody, ()) {
  constexpr std::int64_t kCapacity = 8;
  const Sample given = sample(kCapacity);
  const BackfillPolicy policy{
      *rc::gen::element(Guarantee::none, Guarantee::head, Guarantee::all),
      *rc::gen::element(Order::first_come, Order::shortest, Order::smallest, Order::aged),
      *rc::gen::element(Order::first_come, Order::shortest, Order::smallest, Order::aged)};
  const Day day = run_day(policy, given.jobs, given.real, kCapacity);
  RC_ASSERT(day.most_used <= kCapacity);
  RC_ASSERT(day.started.size() == given.jobs.size());
  for (const auto& [id, when] : day.started) RC_ASSERT(when >= day.jobs.at(id).arrival);
}

/// Conservative backfilling with known lengths: nobody starts later because of who comes later.
RC_GTEST_PROP(Backfill, with_a_promise_for_each_nobody_is_delayed_by_who_comes_later, ()) {
  constexpr std::int64_t kCapacity = 8;
  Sample given = sample(kCapacity);
  for (std::size_t i = 0; i < given.jobs.size(); ++i) given.real[i] = given.jobs[i].expected;
  const BackfillPolicy policy{.guarantee = Guarantee::all};
  const Day all = run_day(policy, given.jobs, given.real, kCapacity);
  given.jobs.pop_back();
  const Day without_last = run_day(policy, given.jobs, given.real, kCapacity);
  for (const auto& [id, when] : without_last.started) RC_ASSERT(all.started.at(id) == when);
}

/// EASY with known lengths: who is first in the queue when it waits starts as if nobody came later.
RC_GTEST_PROP(Backfill, the_first_that_waits_is_not_delayed, ()) {
  constexpr std::int64_t kCapacity = 8;
  Sample given = sample(kCapacity);
  for (std::size_t i = 0; i < given.jobs.size(); ++i) given.real[i] = given.jobs[i].expected;
  const auto order = *rc::gen::element(Order::first_come, Order::shortest, Order::smallest);
  const Day day = run_day({.filling = order}, given.jobs, given.real, kCapacity);
  // The first: all before it have started when it came.
  for (std::uint32_t id = 0; id < given.jobs.size(); ++id) {
    const Time came = given.jobs[id].arrival;
    bool is_first = true;
    for (std::uint32_t before = 0; before < id; ++before)
      is_first = is_first && day.started.at(before) <= came;
    if (!is_first) continue;
    std::vector<BackfillJob> alone(given.jobs.begin(), given.jobs.begin() + id + 1);
    RC_ASSERT(run_day({.filling = order}, alone, given.real, kCapacity).started.at(id) ==
              day.started.at(id));
  }
}

}  // namespace
}  // namespace reeve::schedule
