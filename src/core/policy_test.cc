// Queues, limits, gates and making room, as the core obeys them.
#include <gtest/gtest.h>

#include "core/explain.h"
#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::cpus;
using test::outcome;
using test::World;
using enum TaskState;

SubmitRun submission_of(World& w, std::string_view yaml) {
  const auto workflow = test::workflow_of(yaml);
  SubmitRun event{.uuid = Uuid::from_parts(2, 0, 1),
                  .workflow_digest = workflow->digest,
                  .directory = "/work",
                  .submitter = "ada",
                  .workflow = workflow,
                  .origin = nullptr};
  (void)w;
  return event;
}

TEST(Policy, users_take_turns_whoever_came_first) {
  World w(cpus(2));
  w.strict = false;
  w.submit("tasks: {t: {run: x, array: 6}}");
  w.submit("tasks: {t: {run: x, array: 2}}", {.submitter = "bob"});
  w.expect_started({"t[0]", "t[1]"});
  w.succeed("t[0]").expect_started({"2/t[0]"});
  w.succeed("2/t[0]").succeed("t[1]").expect_started({"2/t[1]", "t[2]"});
}

TEST(Policy, a_queue_runs_no_more_than_it_may_and_takes_no_more_than_it_may) {
  World w(cpus(4));
  w.policy({.queues = {{.name = "default", .running_max = 1, .queued_max = 2, .cap = {}}}});
  w.submit("tasks: {t: {run: x, array: 3}}");
  w.expect_started({"t[0]"}).expect("t[1]", queued);
  EXPECT_EQ(w.why("t[1]"), "waits: its queue has as much at work as it may have at once");
  const auto refused = w.request(submission_of(w, "tasks: {t: {run: x}}"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::exhausted);
  EXPECT_NE(refused.error().text().find("queue default may have 2 tasks waiting"),
            std::string::npos)
      << refused.error().text();
  w.succeed("t[0]").expect_started({"t[1]"}).succeed("t[1]").expect_started({"t[2]"});
  w.succeed("t[2]").expect_run(RunState::succeeded);
}

TEST(Policy, a_new_one_orders_anew_what_waits_already) {
  World w(cpus(1));
  w.submit("tasks: {hold: {run: x}}");
  w.expect_started({"hold"});
  w.submit("tasks: {a: {run: x}}");
  w.wait(std::chrono::minutes{30});
  w.submit("priority: 1\ntasks: {b: {run: x}}");
  w.policy({.order = {.priority = std::chrono::minutes{10}}});
  w.succeed("hold").expect_started({"2/a"}).succeed("2/a").succeed("3/b");
}

TEST(Policy, a_window_opens_by_the_clock_alone) {
  World w(cpus(1));
  const Duration day = std::chrono::hours{24};
  const Duration of_day = w.now().time_since_epoch() % day;
  w.policy({.windows = {{.queue = "default",
                         .from = (of_day + std::chrono::hours{1}) % day,
                         .to = (of_day + std::chrono::hours{2}) % day}}});
  w.submit("tasks: {t: {run: x}}");
  w.expect_started({}).expect("t", queued);
  ASSERT_TRUE(w.core().next_wake());
  EXPECT_EQ(*w.core().next_wake(), w.now() + std::chrono::hours{1});
  w.wait(std::chrono::hours{1}).expect_started({"t"}).succeed("t");
}

TEST(Policy, a_kind_that_fails_too_often_is_tried_one_at_a_time) {
  World w(cpus(2));
  w.strict = false;
  w.policy({.breaker = {.failures_permille = 500,
                        .attempts_min = 2,
                        .window = std::chrono::minutes{10},
                        .open_for = std::chrono::minutes{1}}});
  w.submit("name: bad\ntasks: {t: {run: x, array: 6, fail-fast: false}}");
  w.fail("t[0]").fail("t[1]");
  w.expect("t[3]", queued).expect("t[4]", queued);
  EXPECT_EQ(w.why("t[4]"),
            "waits: what is like it failed too often of late, and is tried again one at a time");
  w.submit("name: good\ntasks: {u: {run: x}}");
  w.succeed("t[2]");  // began before it opened: decides nothing
  w.expect("2/u", starting).succeed("2/u");
  w.wait(std::chrono::minutes{1}).expect("t[3]", starting).expect("t[4]", queued);
  w.succeed("t[3]").expect("t[4]", starting).expect("t[5]", starting);
}

TEST(Policy, nothing_is_handed_over_early_beyond_the_limit_of_its_queue) {
  World w(cpus(2));
  w.strict = false;
  w.run_time = std::chrono::milliseconds{1};
  w.policy({.queues = {{.name = "q", .running_max = 1, .cap = {}}}});
  w.submit("tasks: {w: {run: x, array: 4}}");
  w.succeed("w[0]").succeed("w[1]");  // so they are known to be short
  w.submit("queue: q\ntasks: {a: {run: x, array: 3}}");
  const auto live = [&] {
    int count = 0;
    for (const char* label : {"2/a[0]", "2/a[1]", "2/a[2]"})
      count += is_live(w.view(label).task.state) ? 1 : 0;
    return count;
  };
  EXPECT_EQ(live(), 0) << "they would start without being asked";
  w.succeed("w[2]");
  EXPECT_EQ(live(), 1);
  w.succeed("w[3]");
  EXPECT_EQ(live(), 1);
  EXPECT_EQ(w.why("2/a[1]"), "waits: its queue has as much at work as it may have at once");
  w.run_all();
}

TEST(Policy, what_asks_for_more_than_the_cap_of_its_queue_is_refused) {
  World w(cpus(8));
  w.policy({.queues = {{.name = "q", .cap = cpus(2)}}});
  const auto refused =
      w.request(submission_of(w, "queue: q/low\ntasks: {big: {run: x, resources: {cpu: 3}}}"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unplaceable);
  EXPECT_NE(refused.error().text().find(
                "big asks for 3 cpu, and queue q may have 2 cpu at once: ask for less"),
            std::string::npos)
      << refused.error().text();
  w.submit("queue: q\ntasks: {v: {run: x, resources: [{cpu: 3}, {cpu: 1}]}}");
  w.expect_started({"v"}).succeed("v");
  w.submit("queue: queue\ntasks: {other: {run: x, resources: {cpu: 3}}}");
  w.expect_started({"2/other"}).succeed("2/other");
}

TEST(Policy, a_variant_beyond_what_is_left_of_the_cap_is_not_taken) {
  World w(cpus(8));
  w.strict = false;
  w.policy({.queues = {{.name = "q", .cap = cpus(4)}}});
  w.submit("queue: q\ntasks: {t: {run: x, array: 2, resources: [{cpu: 3}, {cpu: 1}]}}");
  w.expect("t[0]", starting).expect("t[1]", starting);
  EXPECT_EQ(w.state().planner.nodes.used(schedule::NodeId{0}).cpu_millicores, 4000);
  w.run_all();
}

TEST(Policy, a_cordoned_pool_takes_nothing_and_says_so) {
  World w(cpus(2));
  const auto set = [&](bool cordoned) {
    PolicySet event;
    event.nodes = {{.name = "local", .capacity = {}, .labels = {}, .cordoned = cordoned}};
    ASSERT_TRUE(w.request(event));
  };
  set(true);
  w.submit("tasks: {t: {run: x}}");
  w.expect_started({}).expect("t", queued);
  const Explanation why = explain_task(w.state(), w.id("t"), w.now());
  EXPECT_EQ(why.reason.code, ReasonCode::node_drained);
  ASSERT_FALSE(why.facts.empty());
  EXPECT_NE(why.facts[0].find("`cordoned`"), std::string::npos) << why.facts[0];
  set(false);
  w.expect_started({"t"}).succeed("t");
}

TEST(Policy, a_closed_pool_says_when_it_opens) {
  World w(cpus(1));
  const Duration day = std::chrono::hours{24};
  const Duration of_day = w.now().time_since_epoch() % day;
  const Time opens = w.now() + std::chrono::hours{2};
  w.policy({.windows = {{.pool = "local",
                         .from = of_day,
                         .to = (of_day + std::chrono::hours{2}) % day,
                         .closed = true}}});
  w.submit("tasks: {t: {run: x}}");
  w.expect_started({}).expect("t", queued);
  const Explanation why = explain_task(w.state(), w.id("t"), w.now());
  EXPECT_EQ(why.reason, (Reason{ReasonCode::window_closed, 0, opens.time_since_epoch().count()}));
  const auto would = what_would_start(w.state(), w.id("t"), w.now());
  ASSERT_EQ(would.size(), 1U);
  EXPECT_EQ(would[0], "it would start at " + format_time(opens) + ", if nothing else changes");
  w.wait(std::chrono::hours{2} - std::chrono::seconds{1}).expect_started({});
  w.wait(std::chrono::seconds{1}).expect_started({"t"}).succeed("t");
}

TEST(Policy, a_node_that_loses_attempts_is_tried_with_one) {
  World w(cpus(8));
  w.strict = false;
  SchedulingPolicy policy;
  policy.breaker = {.failures_permille = 500, .attempts_min = 2};
  w.policy(policy);
  w.submit("tasks: {t: {run: x, array: 6, fail-fast: false, retry: {max: 3, backoff: 1ms}}}");
  w.lose("t[0]").lose("t[0]").lose("t[1]");  // t[2] to t[5] go on
  w.expect("t[0]", queued).expect("t[1]", queued);
  EXPECT_EQ(w.why("t[0]"),
            "waits: what is like it failed too often of late, and is tried again one at a time");
  w.succeed("t[2]").expect("t[0]", queued);  // began before: says nothing
  w.wait(std::chrono::minutes{1});
  const auto live = [&] {
    return int{is_live(w.view("t[0]").task.state)} + int{is_live(w.view("t[1]").task.state)};
  };
  EXPECT_EQ(live(), 1);
  w.lose("t[3]");  // it, too, began before
  w.wait(std::chrono::seconds{1});
  EXPECT_EQ(live(), 1);
  const char* probe = is_live(w.view("t[0]").task.state) ? "t[0]" : "t[1]";
  w.succeed(probe);
  w.wait(std::chrono::seconds{1});
  EXPECT_EQ(live(), 1) << "the other one";
  EXPECT_TRUE(is_live(w.view("t[3]").task.state)) << "the node is as it was";
  w.run_all();
}

TEST(Policy, what_ran_before_it_came_counts_for_the_quota) {
  World w(cpus(4));
  w.strict = false;
  w.submit("tasks: {t: {run: x, array: 2}}");
  w.expect("t[1]", starting);
  w.policy({.quotas = {{.running_max = 2}}});
  w.submit("tasks: {u: {run: x}}");
  w.expect("2/u", queued);
  EXPECT_EQ(w.why("2/u"), "waits: its user has as much as the quota gives");
  w.succeed("t[0]").expect("2/u", starting).run_all();
}

class Preemption : public ::testing::Test {
 protected:
  Preemption() {
    w.policy({.preemption_gap = 100,
              .preemptions_max = 2,
              .queues = {{.name = "default", .cap = {}, .preemptible = true}}});
    w.submit("tasks: {low: {run: x}}");
    w.expect_started({"low"}).started("low");
  }
  World w{cpus(1)};
};

TEST_F(Preemption, makes_room_and_charges_nothing) {
  w.submit("priority: 100\ntasks: {high: {run: x}}");
  w.expect_stopped({"low"}).expect("2/high", queued);
  w.ended("low", {.outcome = outcome(OutcomeClass::signalled)});
  w.expect_started({"2/high"}).expect("low", queued);
  EXPECT_EQ(w.view("low").task.charged, 0);
  w.succeed("2/high").expect_started({"low"}).succeed("low").expect_run(RunState::succeeded);
}

TEST_F(Preemption, is_no_loss_when_the_attempt_ends_well_meanwhile) {
  w.submit("priority: 100\ntasks: {high: {run: x}}");
  w.expect_stopped({"low"}).succeed("low").expect_run(RunState::succeeded);
  w.succeed("2/high");
}

TEST_F(Preemption, gives_way_to_a_person_who_cancels) {
  w.submit("priority: 100\ntasks: {high: {run: x}}");
  w.expect_stopped({"low"}).cancel_task("low");
  w.ended("low", {.outcome = outcome(OutcomeClass::signalled)});
  w.expect_run(RunState::cancelled).succeed("2/high");
}

TEST_F(Preemption, survives_a_restart_between_the_order_and_the_end) {
  w.submit("priority: 100\ntasks: {high: {run: x}}");
  w.expect_stopped({"low"}).restart();
  w.strict = false;
  w.ended("low", {.outcome = outcome(OutcomeClass::signalled)});
  w.expect_started({"2/high"}).succeed("2/high").succeed("low").expect_run(RunState::succeeded);
}

TEST_F(Preemption, ends_after_so_many_times) {
  for (int i = 0; i < 2; ++i) {
    const RunId high = w.submit("priority: 100\ntasks: {high: {run: x}}");
    const std::string label = std::to_string(high.value) + "/high";
    w.expect_stopped({"low"}).ended("low", {.outcome = outcome(OutcomeClass::signalled)});
    w.expect_started({label}).succeed(label).expect_started({"low"}).started("low");
  }
  w.submit("priority: 100\ntasks: {high: {run: x}}");
  w.expect_stopped({}).succeed("low").succeed("4/high");
}

TEST(Policy, a_new_one_takes_nobodys_age) {
  World w(cpus(1));
  w.submit("tasks: {again: {run: x, retry: {max: 1, backoff: {initial: 1h, jitter: false}}}}");
  w.expect_started({"again"}).started("again").fail("again");
  w.submit("tasks: {hold: {run: x}}");
  w.expect_started({"2/hold"}).submit("tasks: {old: {run: x}}");
  w.wait(std::chrono::minutes{30}).submit("priority: 1\ntasks: {other: {run: x}}");
  w.wait(std::chrono::hours{1}).expect("again", queued);
  w.policy({.order = {.priority = std::chrono::minutes{10}}});
  w.succeed("2/hold").expect_started({"3/old"}).succeed("3/old").expect_started({"4/other"});
  w.succeed("4/other").expect_started({"again"}).succeed("again");
}

TEST(Policy, the_processor_time_of_a_day_outlives_the_engine_and_the_policy) {
  const SchedulingPolicy quota{.quotas = {{.user = "ada", .cpu_seconds_a_day = 3600}}};
  World w(cpus(4));
  w.policy(quota);
  w.submit("tasks: {a: {run: x}}", {.submitter = "ada"});
  w.expect_started({"a"}).started("a").wait(std::chrono::hours{1}).succeed("a");
  w.restart().policy(quota);
  w.submit("tasks: {b: {run: x}}", {.submitter = "ada"});
  w.expect("2/b", queued);
  EXPECT_NE(w.why("2/b").find("quota"), std::string::npos) << w.why("2/b");
  w.policy({.quotas = {{.user = "ada", .cpu_seconds_a_day = 3601}}}).expect_started({"2/b"});
  w.started("2/b").wait(std::chrono::seconds{2}).succeed("2/b");
  w.policy({}).policy({.quotas = {{.cpu_seconds_a_day = 3601}}});
  w.submit("tasks: {c: {run: x}}", {.submitter = "ada"});
  w.expect("3/c", queued);
  w.wait(std::chrono::hours{24}).expect_started({"3/c"}).succeed("3/c");
}

TEST(Policy, who_has_had_much_is_behind_after_a_restart_too) {
  World w(cpus(1));
  w.submit("tasks: {a: {run: x}}", {.submitter = "ada"});
  w.expect_started({"a"}).started("a").wait(std::chrono::hours{1});
  w.submit("tasks: {b: {run: x}}", {.submitter = "ada"});
  w.submit("tasks: {c: {run: x}}", {.submitter = "bob"});
  w.restart().succeed("a").expect_started({"3/c"}).succeed("3/c").expect_started({"2/b"}).succeed(
      "2/b");
}

}  // namespace
}  // namespace reeve::core
