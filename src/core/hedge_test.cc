// Second attempts of tasks that take too long, as stories. After every step of each the invariants
// hold and a restart gives the same state, or the world says so.
#include <gtest/gtest.h>

#include "core/explain.h"
#include "core/test_world.h"

namespace reeve::core::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kAfter30 =
    "tasks: {a: {run: x, idempotent: true, hedge: {after: 30s}, retry: {max: 1, backoff: 1s}}}";

/// What is seen to start has just started.
class Prompt : public World {
 public:
  explicit Prompt(Resources capacity = cpus(4)) : World(std::move(capacity)) {
    run_time = milliseconds{0};
  }
};

/// A task that has run for half a minute and has just been given its second attempt.
struct Hedged {
  explicit Hedged(const char* yaml = kAfter30) {
    world.submit(yaml);
    world.started("a").wait(seconds{29}).expect_started({}).wait(seconds{1});
    world.expect_started({"a#2"});
  }
  Prompt world;
};

std::vector<std::string> reasons_of(const World& world) {
  std::vector<std::string> out;
  for (const AttemptRecord& record : world.records())
    out.push_back(std::to_string(record.number) + " " + std::string(name(record.outcome.kind)) +
                  " " + std::string(name(record.outcome.reason.code)) + " " +
                  std::string(name(record.next.code)));
  return out;
}

using Strings = std::vector<std::string>;
const Report kKilled{.outcome = {OutcomeClass::signalled, 9, {}}};

TEST(Hedge, the_second_wins_and_the_first_is_killed) {
  Hedged h;
  h.world.started("a#2").succeed("a#2", {{"from", "second"}});
  h.world.expect("a", TaskState::running).expect_run(RunState::running);
  h.world.expect_stopped({"a kill"});
  h.world.ended("a#1", kKilled);
  h.world.expect("a", TaskState::succeeded).expect_run(RunState::succeeded);
  EXPECT_EQ(h.world.view("a").task.attempt, 2);
  EXPECT_EQ(h.world.disk().at(RunId{1}).tasks[0].extra->outputs[0].value, "second");
  EXPECT_EQ(reasons_of(h.world),
            (Strings{"2 exited completed none", "1 signalled hedge_lost none"}));
  EXPECT_EQ(h.world.view("a").task.charged, 0);
}

TEST(Hedge, the_first_wins_and_the_second_is_killed) {
  Hedged h;
  h.world.succeed("a#1", {{"from", "first"}}).expect_stopped({"a kill"});
  h.world.started("a#2").ended("a#2", kKilled);
  h.world.expect("a", TaskState::succeeded);
  EXPECT_EQ(h.world.view("a").task.attempt, 1);
  EXPECT_EQ(h.world.disk().at(RunId{1}).tasks[0].extra->outputs[0].value, "first");
}

TEST(Hedge, both_succeed_and_the_first_that_did_counts) {
  Hedged h;
  h.world.succeed("a#2", {{"from", "second"}}).succeed("a#1", {{"from", "first"}});
  h.world.expect_run(RunState::succeeded);
  EXPECT_EQ(h.world.disk().at(RunId{1}).tasks[0].extra->outputs[0].value, "second");
  EXPECT_EQ(reasons_of(h.world)[1], "1 exited hedge_lost none");
  EXPECT_EQ(h.world.state().estimates.records()[0].estimate.seconds.count, 1U);
}

TEST(Hedge, the_second_fails_and_the_first_goes_on) {
  Hedged h;
  h.world.started("a#2").fail("a#2").expect("a", TaskState::running);
  h.world.wait(minutes{5}).expect_started({});  // max is 1
  h.world.succeed("a#1").expect_run(RunState::succeeded);
  EXPECT_EQ(reasons_of(h.world)[0], "2 exited exit_status hedge_other");
}

TEST(Hedge, the_first_fails_and_the_second_is_the_task_now) {
  Hedged h;
  h.world.fail("a#1").expect("a", TaskState::running);
  EXPECT_EQ(h.world.view("a").task.attempt, 2);
  EXPECT_EQ(h.world.view("a").task.charged, 0) << "no failure of the task";
  h.world.started("a").succeed("a").expect_run(RunState::succeeded);
}

TEST(Hedge, both_fail_and_one_retry_is_charged) {
  Hedged h;
  h.world.fail("a#1").started("a").fail("a").expect("a", TaskState::retry_wait);
  EXPECT_EQ(h.world.view("a").task.charged, 1);
  h.world.wait(seconds{1});
  EXPECT_EQ(h.world.attempt("a").number, 3U);
  h.world.fail("a").expect_run(RunState::failed);
}

TEST(Hedge, the_number_of_the_second_is_not_given_again) {
  Hedged h;
  h.world.lose("a#2").fail("a#1").wait(seconds{1});
  EXPECT_EQ(h.world.attempt("a").number, 3U);
  h.world.succeed("a").expect_run(RunState::succeeded);
  EXPECT_EQ(h.world.records().size(), 3U);
}

TEST(Hedge, a_second_that_cannot_start_ends_nothing) {
  Hedged h;
  h.world.ended("a#2", {.outcome = outcome(OutcomeClass::start_failed), .ran = false});
  h.world.expect("a", TaskState::running).succeed("a#1").expect_run(RunState::succeeded);
}

TEST(Hedge, one_that_took_over_before_it_ran_may_not_start) {
  Hedged h;
  h.world.fail("a#1").ended("a", {.outcome = outcome(OutcomeClass::start_failed), .ran = false});
  h.world.expect("a", TaskState::retry_wait).wait(minutes{1});
  h.world.succeed("a").expect_run(RunState::succeeded);
}

TEST(Hedge, a_cancel_stops_both) {
  Hedged h;
  h.world.started("a#2").cancel().expect_stopped({"a#1", "a#2"});
  h.world.ended("a#1", kKilled).expect("a", TaskState::running);
  h.world.ended("a", kKilled).expect("a", TaskState::cancelled).expect_run(RunState::cancelled);
}

TEST(Hedge, a_cancel_that_comes_once_one_has_won_is_too_late) {
  Hedged h;
  h.world.succeed("a#2").expect_stopped({"a kill"}).cancel().ended("a#1", kKilled);
  h.world.expect("a", TaskState::succeeded);
}

TEST(Hedge, a_deadline_ends_both) {
  Hedged h("tasks: {a: {run: x, idempotent: true, hedge: {after: 30s}, deadline: 1m}}");
  h.world.wait(seconds{31}).expect_stopped({"a#1", "a#2"});
  h.world.ended("a#2", kKilled).ended("a#1", kKilled);
  h.world.expect("a", TaskState::timed_out);
}

TEST(Hedge, files_are_collected_once_and_of_the_winner) {
  Hedged h("tasks: {a: {run: x, idempotent: true, hedge: {after: 30s}, artifacts: [o]}}");
  h.world.succeed("a#2");
  EXPECT_FALSE(h.world.attempt("a#2").collecting) << "the other still writes to the same place";
  h.world.ended("a#1", kKilled).expect("a", TaskState::validating);
  EXPECT_FALSE(h.world.attempt("a#1").collecting);
  h.world.collected("a#2", {{"o", "/kept/o"}}).expect_run(RunState::succeeded);
}

TEST(Hedge, a_restart_with_two_alive_keeps_both) {
  Hedged h;
  h.world.started("a#2").restart().expect("a", TaskState::running);
  EXPECT_EQ(h.world.state().live.size(), 2U);
  EXPECT_EQ(h.world.state().planner.nodes.used(h.world.state().pools.front().node).cpu_millicores,
            2000);
  h.world.succeed("a#2").ended("a#1", kKilled).expect_run(RunState::succeeded);
}

TEST(Hedge, a_restart_once_one_has_won_kills_the_other_again) {
  Hedged h;
  h.world.succeed("a#2", {{"from", "second"}}).expect_stopped({"a kill"});
  h.world.restart().expect_stopped({"a kill"});
  h.world.ended("a#1", kKilled).expect_run(RunState::succeeded);
  EXPECT_EQ(h.world.disk().at(RunId{1}).tasks[0].extra->outputs[0].value, "second");
}

TEST(Hedge, a_lost_loser_ends_the_task_too) {
  Hedged h;
  h.world.succeed("a#2").lose("a#1").expect_run(RunState::succeeded);
}

TEST(Hedge, a_person_who_retries_gets_a_new_number) {
  Hedged h("tasks: {a: {run: x, idempotent: true, hedge: {after: 30s}}}");
  h.world.lose("a#2").fail("a#1").expect_run(RunState::failed).retry();
  EXPECT_EQ(h.world.attempt("a").number, 3U);
  h.world.started("a").wait(seconds{30}).expect_started({"a#4"});
  h.world.succeed("a#4").ended("a#3", kKilled).expect_run(RunState::succeeded);
}

TEST(Hedge, waits_until_the_quantile_of_its_kind_is_known) {
  Prompt world;
  const char* const yaml = "{name: w, tasks: {a: {run: x, idempotent: true, hedge: true}}}";
  for (int i = 0; i < 4; ++i) {
    world.run_time = seconds{10 + i};
    world.submit(yaml);
    world.run_all();
  }
  world.run_time = milliseconds{0};
  world.submit(yaml);
  world.submit(yaml);
  world.started("6/a").wait(minutes{10}).expect_started({"5/a"});
  world.run_time = seconds{12};
  world.succeed("5/a").expect_started({"6/a#2"});  // the fifth that ended
  world.succeed("6/a#2").ended("6/a#1", kKilled);
}

TEST(Hedge, is_due_at_a_quantile_but_not_for_noise) {
  Prompt world;
  const char* const yaml = "{name: w, tasks: {a: {run: x, idempotent: true, hedge: true}}}";
  world.run_time = seconds{40};
  for (int i = 0; i < 6; ++i) {
    world.submit(yaml);
    world.run_all();
  }
  world.run_time = milliseconds{0};
  world.submit(yaml);
  world.started("7/a").wait(seconds{49}).expect_started({});
  world.wait(milliseconds{1100}).expect_started({"7/a#2"});
  world.succeed("7/a#1").ended("7/a#2", kKilled);
}

TEST(Hedge, never_takes_a_place_that_somebody_waits_for) {
  Prompt world(cpus(2));
  world.submit("tasks: {a: {run: x, idempotent: true, hedge: {after: 30s}}}");
  world.submit("tasks: {large: {run: x, resources: {cpu: 2}}}");
  world.started("a").wait(minutes{2}).expect_started({});
  world.cancel(RunId{2}).expect_started({"a#2"});
  world.succeed("a#1").ended("a#2", kKilled);
}

TEST(Hedge, a_lock_that_is_held_is_not_for_two) {
  Prompt world;
  world.submit("tasks: {a: {run: x, idempotent: true, hedge: {after: 30s}, locks: db}}");
  world.started("a").wait(minutes{2}).expect_started({});
  world.succeed("a");
}

TEST(Hedge, a_limit_of_its_queue_or_a_quota_is_not_for_two) {
  for (const bool is_quota : {false, true}) {
    Prompt world;
    SchedulingPolicy policy;
    if (is_quota)
      policy.quotas = {{.running_max = 1}};
    else
      policy.queues = {{.name = "default", .running_max = 1, .cap = {}}};
    world.policy(policy);
    world.submit(kAfter30);
    world.started("a").wait(minutes{2}).expect_started({});
    world.succeed("a");
  }
}

TEST(Hedge, counts_as_a_start_for_its_rate) {
  Prompt world;
  SchedulingPolicy policy;
  policy.rate_limits = {{.name = "r", .starts = 1, .per = minutes{10}, .burst = 2}};
  world.policy(policy);
  world.submit(
      "tasks: {a: {run: x, rate_limit: r, idempotent: true, hedge: {after: 30s}}, "
      "b: {run: x, rate_limit: r, needs: {a: always}}}");
  world.started("a").wait(seconds{30}).expect_started({"a#2"});
  world.succeed("a#2").ended("a#1", kKilled).expect("b", TaskState::queued, ReasonCode::none);
  EXPECT_EQ(explain_task(world.state(), world.id("b"), world.now()).reason.code,
            ReasonCode::rate_limited);
  world.wait(minutes{10}).expect_started({"b"}).succeed("b");
}

/// Fails twice, so that its kind is tried with one, which is late and gets no second attempt; and
/// what a winner says closes the circuit.
TEST(Hedge, of_a_kind_that_is_tried_with_one_answers_for_it) {
  Prompt world;
  SchedulingPolicy policy;
  policy.breaker = {.failures_permille = 500, .attempts_min = 2};
  world.policy(policy);
  world.strict = false;
  world.submit(
      "tasks: {a: {run: x, array: 3, idempotent: true, hedge: {after: 30s}, "
      "retry: {max: 5, backoff: 1s}}}");
  for (const char* label : {"a[0]", "a[1]", "a[2]"}) world.started(label);
  world.wait(seconds{30});
  world.expect("a[0]", TaskState::running);
  const auto live = [&] { return world.state().live.size(); };
  EXPECT_EQ(live(), 4U) << "one of three has two";
  world.fail("a[1]").fail("a[2]");  // the circuit is open
  world.succeed("a[0]#2").ended("a[0]#1", kKilled);
  world.wait(minutes{1});
  EXPECT_EQ(live(), 1U) << "one is tried";
  world.wait(minutes{5});
  EXPECT_EQ(live(), 1U) << "and has no second";
  world.run_all().expect_run(RunState::succeeded);
}

TEST(Hedge, a_storm_is_capped) {
  Prompt world(cpus(400));
  world.run_time = milliseconds{0};
  world.submit("tasks: {a: {run: x, array: 100, idempotent: true, hedge: {after: 30s}}}");
  std::vector<std::string> labels;
  for (int i = 0; i < 100; ++i) labels.push_back("a[" + std::to_string(i) + "]");
  world.expect_started(labels);
  for (const std::string& label : labels) world.started(label);
  world.wait(minutes{5});
  EXPECT_EQ(world.state().hedges, 5U);
  world.strict = false;
  world.run_all();
  world.expect_run(RunState::succeeded);
}

TEST(Hedge, no_more_than_max_and_one_at_a_time) {
  Prompt world;
  world.submit("tasks: {a: {run: x, idempotent: true, hedge: {after: 30s, max: 2}}}");
  world.started("a").wait(seconds{30}).expect_started({"a#2"});
  world.wait(minutes{1}).expect_started({}).fail("a#2").expect_started({"a#3"});
  world.fail("a#3").wait(minutes{1}).expect_started({});
  world.succeed("a#1").expect_run(RunState::succeeded);
}

TEST(Hedge, not_while_its_run_is_paused) {
  Prompt world;
  world.submit(kAfter30);
  world.started("a").pause().wait(minutes{1}).expect_started({});
  world.resume().expect_started({"a#2"});
  world.succeed("a#1").ended("a#2", kKilled);
}

TEST(Hedge, explain_tells_of_both) {
  Hedged h;
  const auto facts = [&] {
    std::string all;
    for (const std::string& fact :
         explain_task(h.world.state(), h.world.id("a"), h.world.now()).facts)
      all += fact + "\n";
    return all;
  };
  EXPECT_NE(facts().find("attempt 2 was started beside attempt 1"), std::string::npos) << facts();
  h.world.succeed("a#2");
  EXPECT_NE(facts().find("attempt 2 has succeeded; attempt 1 is being stopped"), std::string::npos)
      << facts();
  h.world.ended("a#1", kKilled);
}

}  // namespace
}  // namespace reeve::core::test
