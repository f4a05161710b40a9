// Batches: tasks of one kind that have one place together and run one after the other, each with an
// end of its own.
#include <gtest/gtest.h>

#include "core/explain.h"
#include "core/test_world.h"

namespace reeve::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::cpus;
using test::World;

constexpr const char* kArray = "tasks: {t: {run: x, array: 0-5, batch: {max: 3}}}";

std::int64_t used(const World& w) {
  return w.state().planner.nodes.used(w.state().pools.front().node).cpu_millicores;
}

TEST(CoreBatch, has_one_place_until_the_last_has_ended) {
  World w(cpus(1));
  w.run_time = seconds{100};
  w.submit(kArray);
  w.expect_started({"t[0]", "t[1]", "t[2]"});
  EXPECT_EQ(used(w), 1000);
  w.succeed("t[0]").succeed("t[1]");
  EXPECT_EQ(used(w), 1000);
  w.expect_started({});
  w.succeed("t[2]");
  w.expect_started({"t[3]", "t[4]", "t[5]"});
  EXPECT_EQ(used(w), 1000);
  w.succeed("t[3]").succeed("t[4]").succeed("t[5]").expect_run(RunState::succeeded);
}

TEST(CoreBatch, leaves_enough_for_each_place_that_is_free) {
  World w(cpus(3));
  w.run_time = seconds{100};
  w.submit("tasks: {t: {run: x, array: 0-5, batch: {max: 100}}}");
  w.expect_started({"t[0]", "t[1]", "t[2]", "t[3]", "t[4]", "t[5]"});
  EXPECT_EQ(used(w), 3000);
  EXPECT_EQ(w.state().batches.size(), 3U);
  w.run_all();
}

TEST(CoreBatch, gives_each_its_own_end_and_retry) {
  World w(cpus(1));
  w.submit(
      "tasks: {t: {run: x, array: 0-2, batch: {max: 3}, fail-fast: false, retry: {max: 1, backoff: "
      "1s}}}");
  w.expect_started({"t[0]", "t[1]", "t[2]"});
  w.fail("t[0]", 3).succeed("t[1]").succeed("t[2]");
  w.expect("t[0]", TaskState::retry_wait, ReasonCode::retry_backoff);
  w.wait(seconds{1}).expect_started({"t[0]"});
  EXPECT_EQ(w.view("t[0]").task.batch, Token{}) << "the retry is alone";
  w.fail("t[0]", 3).expect("t[0]", TaskState::failed);
  w.expect("t[1]", TaskState::succeeded).expect_run(RunState::failed);
}

TEST(CoreBatch, has_each_task_once_though_the_queue_lists_it_twice) {
  World w(cpus(1));
  w.run_time = seconds{100};
  // Behind a gate that is shut nobody sees that an entry is stale.
  w.policy({.queues = {{.name = "default", .running_max = 1, .cap = {}}}});
  w.submit("tasks: {first: {run: x}, t: {run: x, array: 0-2, batch: {max: 5}}}");
  w.expect_started({"first"});
  w.pause();
  w.resume();
  w.succeed("first").expect_started({"t[0]", "t[1]", "t[2]"});
  w.run_all();
}

TEST(CoreBatch, goes_on_without_the_one_that_is_cancelled) {
  World w(cpus(1));
  w.submit(kArray);
  w.expect_started({"t[0]", "t[1]", "t[2]"});
  w.started("t[0]");
  w.cancel_task("t[1]").expect_stopped({"t[1]"});
  w.ended("t[1]", {.outcome = test::outcome(OutcomeClass::signalled), .ran = false});
  w.expect("t[1]", TaskState::cancelled);
  w.succeed("t[0]").started("t[2]").expect("t[2]", TaskState::running);
  EXPECT_EQ(used(w), 1000);
  w.strict = false;
  w.run_all();
}

TEST(CoreBatch, that_is_lost_charges_only_what_had_begun) {
  World w(cpus(1));
  w.submit("tasks: {t: {run: x, array: 0-2, batch: {max: 3}, retry: {limits: {lost: 0}}}}");
  w.expect_started({"t[0]", "t[1]", "t[2]"});
  w.succeed("t[0]").started("t[1]");
  w.lose("t[1]").expect("t[1]", TaskState::failed);
  w.ended("t[2]", {.outcome = test::outcome(OutcomeClass::lost), .ran = false});
  w.expect_started({"t[2]"});
  EXPECT_EQ(w.records().back().next.code, ReasonCode::batch_undone);
  EXPECT_EQ(w.view("t[2]").task.charged, 0);
  w.succeed("t[2]").expect("t[2]", TaskState::succeeded);
}

TEST(CoreBatch, survives_a_restart_in_its_middle) {
  World w(cpus(1));
  w.run_time = seconds{100};
  w.submit(kArray);
  w.expect_started({"t[0]", "t[1]", "t[2]"});
  w.succeed("t[0]").started("t[1]");
  w.restart();
  EXPECT_EQ(used(w), 1000);
  EXPECT_EQ(w.state().batches.size(), 1U);
  w.expect_started({}).succeed("t[1]").expect_started({});
  w.succeed("t[2]").expect_started({"t[3]", "t[4]", "t[5]"});
  w.run_all().expect_run(RunState::succeeded);
}

TEST(CoreBatch, is_held_back_until_it_is_full_or_the_oldest_has_waited) {
  World w(cpus(1));
  const std::string yaml = "tasks: {t: {run: x, batch: {max: 3, max_wait: 2s}}}";
  const auto workflow = test::workflow_of(yaml);
  w.submit(workflow);
  w.expect_started({});
  EXPECT_NE(w.why("t").find("waits for its batch to fill"), std::string::npos) << w.why("t");
  w.wait(seconds{1}).expect_started({});
  w.submit(workflow);
  w.wait(milliseconds{999}).expect_started({});
  w.wait(milliseconds{1}).expect_started({"t", "2/t"});
  w.submit(workflow);
  w.submit(workflow);
  w.expect_started({});
  w.submit(workflow);
  w.succeed("t").succeed("2/t").expect_started({"3/t", "4/t", "5/t"});
  w.run_all();
}

TEST(CoreBatch, is_none_for_what_holds_locks) {
  World w(cpus(4));
  // shared: as in the core
  auto workflow = std::make_shared<spec::Workflow>(
      *test::workflow_of("locks: {l: {limit: 2}}\ntasks: {t: {run: x, array: 0-2, locks: l}}"));
  for (spec::Policy& policy : workflow->policies) policy.batch.max = 3;
  w.submit(std::move(workflow));
  w.expect_started({"t[0]", "t[1]"});
  EXPECT_TRUE(w.state().batches.empty());
  w.run_all();
}

TEST(CoreBatch, is_stopped_as_a_whole_for_what_is_more_important) {
  World w(cpus(1));
  SchedulingPolicy policy;
  policy.preemption_gap = 1;
  w.policy(policy);
  w.run_time = seconds{100};
  w.submit("tasks: {t: {run: x, array: 0-2, batch: 3, preemptible: true}}");
  w.expect_started({"t[0]", "t[1]", "t[2]"});
  w.succeed("t[0]").started("t[1]");
  w.submit("tasks: {urgent: {run: x, priority: 5}}");
  w.expect_stopped({"t[1]", "t[2]"});
  w.ended("t[2]", {.outcome = test::outcome(OutcomeClass::signalled), .ran = false});
  w.ended("t[1]", {.outcome = test::outcome(OutcomeClass::signalled)});
  w.expect_started({"2/urgent"});
  w.succeed("2/urgent").expect_started({"t[2]", "t[1]"});
  w.run_all().expect_run(RunState::succeeded);
}

TEST(CoreBatch, is_told_to_whoever_asks) {
  World w(cpus(1));
  w.run_time = seconds{100};
  w.submit(kArray);
  w.expect_started({"t[0]", "t[1]", "t[2]"});
  w.started("t[0]");
  const Explanation first = explain_task(w.state(), w.id("t[0]"), w.now());
  EXPECT_EQ(first.facts.at(1), "of its batch have not ended: 1/t[0], 1/t[1], 1/t[2]");
  EXPECT_EQ(explain_task(w.state(), w.id("t[2]"), w.now()).reason,
            (Reason{ReasonCode::in_batch, 0, 2}));
  w.succeed("t[0]");
  EXPECT_EQ(w.records().back().placed, (Reason{ReasonCode::batched, 1, 1}));
  w.run_all();
}

}  // namespace
}  // namespace reeve::core
