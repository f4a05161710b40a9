// Single flight: what would execute the same at the same time is executed once.
#include <gtest/gtest.h>

#include "core/explain.h"
#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::cpus;
using test::World;

constexpr const char* kBuild = "tasks: {t: {run: make, single_flight: true}}";

TEST(Flight, is_shared_across_runs_and_gives_outputs_to_all) {
  World w(cpus(4));
  w.submit(kBuild);
  w.expect_started({"t"});
  w.submit(kBuild);
  w.submit("tasks: {other: {run: make, single_flight: true}}");
  w.expect_started({});
  w.expect("2/t", TaskState::queued, ReasonCode::shared_waits);
  w.expect("3/other", TaskState::queued, ReasonCode::shared_waits);
  EXPECT_EQ(explain_task(w.state(), w.id("2/t"), w.now()).facts.at(0).substr(0, 26),
            "that is 1/t, which is star");
  w.succeed("t", {{"version", "7"}});
  w.expect("2/t", TaskState::succeeded, ReasonCode::shared_result);
  w.expect_run(RunState::succeeded, RunId{2}).expect_run(RunState::succeeded, RunId{3});
  EXPECT_EQ(w.disk().at(RunId{2}).tasks.at(0).extra->outputs,
            (std::vector<OutputValue>{{"version", "7"}}));
  EXPECT_EQ(w.records().size(), 1U);
}

TEST(Flight, is_only_for_what_is_the_same) {
  World w(cpus(9));
  w.submit(kBuild);
  w.expect_started({"t"});
  for (const char* other :
       {"tasks: {t: {run: make all, single_flight: true}}", "tasks: {t: {run: make}}",
        "env: {A: b}\ntasks: {t: {run: make, single_flight: true}}",
        "tasks: {t: {run: make, single_flight: true, resources: {memory: 1Mi}}}",
        "tasks: {t: {run: make, single_flight: true, sandbox: {readable: /etc/hosts}}}",
        "tasks: {t: {run: make, single_flight: true, artifacts: out.txt}}"}) {
    const RunId run = w.submit(other);
    if (std::string_view(other).find("memory") != std::string_view::npos) continue;  // no room
    w.expect_started({std::to_string(run.value) + "/t"});
  }
  w.submit(kBuild, {.submitter = "bob"});
  w.expect_started({"8/t"});
  w.strict = false;
  w.cancel(RunId{5}, true);
  w.run_all();
}

TEST(Flight, that_fails_lets_the_next_execute_itself) {
  World w(cpus(4));
  for (int i = 0; i < 3; ++i) w.submit(kBuild);
  w.expect_started({"t"});
  w.fail("t", 2).expect_run(RunState::failed);
  w.expect_started({"2/t"}).expect("3/t", TaskState::queued, ReasonCode::shared_waits);
  w.succeed("2/t").expect("3/t", TaskState::succeeded, ReasonCode::shared_result);
}

TEST(Flight, whose_leader_is_cancelled_is_led_by_a_follower) {
  World w(cpus(4));
  for (int i = 0; i < 3; ++i) w.submit(kBuild);
  w.expect_started({"t"}).started("t");
  w.cancel().expect_stopped({"t"});
  w.ended("t", {.outcome = test::outcome(OutcomeClass::signalled)});
  w.expect_run(RunState::cancelled).expect_started({"2/t"});
  w.cancel(RunId{3}).expect("3/t", TaskState::cancelled);
  w.succeed("2/t").expect_run(RunState::succeeded, RunId{2});
}

TEST(Flight, with_retries_goes_on_with_the_one_that_is_next) {
  World w(cpus(4));
  const char* const yaml =
      "tasks: {t: {run: make, single_flight: true, retry: {max: 1, backoff: {initial: 1s, jitter: "
      "false}}}}";
  w.submit(yaml);
  w.submit(yaml);
  w.expect_started({"t"});
  w.fail("t").expect_started({"2/t"}).expect("t", TaskState::retry_wait);
  w.wait(std::chrono::seconds{1}).expect("t", TaskState::queued, ReasonCode::shared_waits);
  w.succeed("2/t").expect_run(RunState::succeeded).expect_run(RunState::succeeded, RunId{2});
}

TEST(Flight, hands_on_files_when_they_have_been_checked) {
  World w(cpus(4));
  const char* const yaml = "tasks: {t: {run: make, single_flight: true, artifacts: out.txt}}";
  w.submit(yaml);
  w.expect_started({"t"}).succeed("t").expect("t", TaskState::validating);
  w.submit(yaml);
  w.expect("2/t", TaskState::queued, ReasonCode::shared_waits);
  w.collected("t", {{"out", "/stored/out"}});
  w.expect("2/t", TaskState::succeeded);
  EXPECT_EQ(w.disk().at(RunId{2}).tasks.at(0).extra->artifacts.at(0).value, "/stored/out");
}

TEST(Flight, survives_a_restart) {
  World w(cpus(4));
  w.submit(kBuild);
  w.submit(kBuild);
  w.expect_started({"t"}).started("t");
  w.restart();
  w.expect_started({}).expect("2/t", TaskState::queued, ReasonCode::shared_waits);
  w.pause(RunId{2});
  w.restart();
  w.resume(RunId{2}).expect_started({});
  w.succeed("t").expect_run(RunState::succeeded, RunId{2});
}

TEST(Flight, leaves_what_is_held_to_itself) {
  World w(cpus(4));
  w.submit(kBuild);
  w.submit(kBuild);
  w.expect_started({"t"});
  w.pause(RunId{2}).succeed("t").expect("2/t", TaskState::queued);
  w.resume(RunId{2}).expect_started({"2/t"});
  w.succeed("2/t").expect_run(RunState::succeeded, RunId{2});
}

TEST(Flight, of_one_run_is_of_its_equal_tasks_too) {
  World w(cpus(4));
  w.submit(
      "tasks: {a: {run: make, single_flight: true}, b: {run: make, single_flight: true}, c: {run: "
      "x, needs: [a, b]}}");
  w.expect_started({"a"}).succeed("a").expect("b", TaskState::succeeded);
  w.expect_started({"c"}).succeed("c").expect_run(RunState::succeeded);
}

}  // namespace
}  // namespace reeve::core
