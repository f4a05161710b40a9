// What people ask for: cancel, pause, approve. Every refusal leaves the state as it was, which
// World checks.
#include <gtest/gtest.h>

#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::cpus;
using test::outcome;
using test::World;
using enum TaskState;
using std::chrono::seconds;

TEST(Cancel, stops_what_runs_with_its_grace_and_ends_the_rest) {
  World w(cpus(1));
  w.submit(
      "tasks: {a: {run: x, timeout: {grace: 7s}}, b: {run: x}, c: {run: x, needs: a}, d: "
      "{approval: {}}}");
  w.started("a").cancel().expect_stopped({"a"});
  EXPECT_EQ(w.attempt("a").grace, seconds{7});
  w.expect("a", running, ReasonCode::cancelled_by_person).expect("b", cancelled);
  w.expect("c", cancelled).expect("d", cancelled).fail("a", 143).expect("a", cancelled);
  w.expect_run(RunState::cancelled);
}

TEST(Cancel, grace_may_be_given_and_a_second_cancel_may_kill) {
  World w;
  w.submit("tasks: {a: {run: x}}");
  w.started("a");
  EXPECT_TRUE(w.request(Cancel{.run = RunId{1}, .grace = seconds{60}, .by = "ada"}));
  EXPECT_EQ(w.expect_stopped({"a"}).attempt("a").grace, seconds{60});
  w.cancel().expect_stopped({});  // a stop is under way
  w.cancel(RunId{1}, true).expect_stopped({"a kill"}).fail("a", 137).expect("a", cancelled);
}

TEST(Cancel, a_start_that_is_reported_late_does_not_hide_it) {
  World w;
  w.submit("tasks: {a: {run: x}}");
  w.cancel().expect_stopped({"a"}).started("a");
  w.expect("a", running, ReasonCode::cancelled_by_person).fail("a", 143).expect("a", cancelled);
}

TEST(Cancel, what_fails_in_the_meantime_is_not_tried_again) {
  World w;
  w.submit("tasks: {a: {run: x, retry: 5}}");
  w.started("a").cancel().lose("a").expect("a", cancelled).expect_run(RunState::cancelled);
}

TEST(Cancel, a_run_whose_tasks_all_ended_well_has_succeeded) {
  World w;
  w.submit("tasks: {a: {run: x}}");
  w.started("a").cancel().succeed("a").expect_run(RunState::succeeded);
}

TEST(Cancel, ends_a_wait_for_the_next_try_and_a_collection) {
  World w;
  w.submit("tasks: {a: {run: x, retry: 1}, b: {run: x, artifacts: [out]}}");
  w.fail("a").succeed("b").expect("b", validating).cancel();
  w.expect("a", cancelled).expect("b", cancelled).expect_run(RunState::cancelled);
  w.collected("b");  // too late: ignored
  EXPECT_EQ(w.stale_reports(), 1U);
}

TEST(Cancel, of_one_task_ends_it_and_skips_what_needs_it) {
  World w;
  w.submit("tasks: {a: {run: x}, b: {run: x, needs: a}, other: {run: x}}");
  w.started("a").cancel_task("a").expect_stopped({"a"}).fail("a", 143).expect("a", cancelled);
  w.expect("b", skipped, ReasonCode::need_not_successful).succeed("other");
  w.expect_run(RunState::cancelled);
}

TEST(Cancel, of_one_task_before_its_turn) {
  World w;
  w.submit(
      "tasks: {a: {run: x}, b: {run: x, needs: a}, t: {run: x, needs: a, array: 3}, c: {run: x, "
      "needs: [b, t], if: always()}}");
  w.cancel_task("b").cancel_task("t[1]").expect("b", cancelled).expect("t[0]", blocked);
  w.restart().succeed("a").expect_started({"t[0]", "t[2]"}).run_all();
  w.expect("t[1]", cancelled).expect("c", succeeded).expect_run(RunState::cancelled);
}

TEST(Cancel, of_all_tasks_of_a_group_one_by_one) {
  World w;
  w.submit("tasks: {a: {run: x}, t: {run: x, needs: a, array: 2}, c: {run: x, needs: t}}");
  w.cancel_task("t[0]").cancel_task("t[1]").expect("c", skipped).restart().succeed("a");
  w.expect_run(RunState::cancelled);
}

TEST(Cancel, of_an_interrupted_run_still_tidies_up) {
  World w;
  w.submit("tasks: {a: {run: x}, b: {run: x, needs: a}}\nfinally: {tidy: {run: x}}");
  w.started("a").restart(false).cancel().fail("a", 143).expect("b", cancelled);
  w.succeed("tidy").expect_run(RunState::cancelled);
}

TEST(Pause, of_a_run_starts_nothing_more_until_it_is_resumed) {
  World w(cpus(2));
  w.submit("tasks: {a: {run: x}, b: {run: x, needs: a}, t: {run: x, array: 3}}");
  w.expect_started({"a", "t[0]"}).pause().succeed("a").expect_started({});
  w.expect("b", queued).expect("t[1]", queued).resume().expect_started({"b"});
  w.run_all().expect_run(RunState::succeeded);
}

TEST(Pause, outlives_a_restart) {
  World w(cpus(1));
  w.submit("tasks: {a: {run: x}, b: {run: x}}");
  w.started("a").pause().restart().succeed("a").expect_started({}).resume().succeed("b");
}

TEST(Pause, of_a_task_takes_it_out_of_the_queue) {
  World w(cpus(1));
  w.submit("tasks: {a: {run: x}, b: {run: x}, c: {run: x}}");
  w.pause_task("b").expect("b", paused, ReasonCode::task_paused).succeed("a");
  w.expect_started({"c"}).succeed("c").expect_started({}).resume_task("b").succeed("b");
  w.expect_run(RunState::succeeded);
}

TEST(Pause, of_a_wait_for_the_next_try) {
  World w;
  w.submit("tasks: {a: {run: x, retry: {max: 1, backoff: 1m}}}");
  w.fail("a").pause_task("a").wait(std::chrono::hours{1}).expect("a", paused);
  w.resume_task("a").succeed("a").expect_run(RunState::succeeded);
}

TEST(Pause, of_one_task_of_a_run_that_is_paused_outlives_a_restart) {
  World w;
  w.pool(false).submit("concurrency: g\ntasks: {t: {run: x, array: 3}}");
  w.submit("concurrency: g\ntasks: {b: {run: x}}");
  w.pause_task("t[1]").pause().restart().expect("t[1]", paused).expect_started({});
  w.resume().expect_started({"t[0]", "t[2]"}).resume_task("t[1]").run_all();
  EXPECT_EQ(w.unfinished(), 0U);
}

TEST(Pause, a_retry_that_comes_due_waits_for_the_resume_of_the_run) {
  World w;
  w.submit("tasks: {a: {run: x, retry: {max: 1, backoff: 1m}}}");
  w.fail("a").pause().wait(std::chrono::hours{1}).expect("a", queued).resume().succeed("a");
}

TEST(Pause, of_a_run_is_over_when_it_is_retried) {
  World w;
  w.submit("tasks: {a: {run: x}}");
  w.started("a").pause().fail("a").expect_run(RunState::failed).retry().succeed("a");
  w.expect_run(RunState::succeeded);
}

TEST(Approve, lets_the_next_go_on) {
  World w;
  w.submit("tasks: {ask: {approval: {by: [ada, bob]}}, b: {run: x, needs: ask}}");
  w.expect("ask", awaiting_approval, ReasonCode::approval_pending).expect("b", blocked);
  w.restart().approve("ask").expect("ask", succeeded);
  EXPECT_EQ(w.view("ask").message, "approved by ada");
  w.succeed("b").expect_run(RunState::succeeded);
}

TEST(Approve, a_denial_fails_the_task) {
  World w;
  w.submit("tasks: {ask: {approval: {}}, b: {run: x, needs: ask}}");
  w.approve("ask", false).expect("ask", failed, ReasonCode::approval_denied);
  EXPECT_EQ(w.view("ask").message, "denied by ada");
  w.expect("b", skipped).expect_run(RunState::failed);
}

struct Refusal {
  std::string_view what;
  Event event;
  ErrorCode code;
};

TEST(Requests, that_cannot_be_obeyed_are_refused) {
  World w(cpus(1));
  w.submit("tasks: {done: {run: x}, runs: {run: x, needs: done}, ask: {approval: {by: bob}}}");
  w.succeed("done").started("runs");
  const RunId run{1};
  const std::uint32_t done = w.id("done").index;
  const std::uint32_t runs = w.id("runs").index;
  const RunId nowhere{77};
  for (const Refusal& c : std::initializer_list<Refusal>{
           {"cancel nowhere", Cancel{.run = nowhere}, ErrorCode::not_found},
           {"cancel no task", Cancel{.run = run, .task = 99}, ErrorCode::not_found},
           {"cancel a task that ended", Cancel{.run = run, .task = done}, ErrorCode::conflict},
           {"pause nowhere", Pause{.run = nowhere}, ErrorCode::not_found},
           {"pause no task", Pause{.run = run, .task = 99}, ErrorCode::not_found},
           {"pause what runs", Pause{.run = run, .task = runs}, ErrorCode::conflict},
           {"resume what runs", Pause{.run = run, .task = runs, .paused = false},
            ErrorCode::conflict},
           {"resume a run that goes on", Pause{.run = run, .paused = false}, ErrorCode::conflict},
           {"approve nowhere", Approve{.task = {nowhere, 0}}, ErrorCode::not_found},
           {"approve no task", Approve{.task = {run, 99}}, ErrorCode::not_found},
           {"approve what runs", Approve{.task = {run, runs}}, ErrorCode::conflict},
           {"approve without being asked", Approve{.task = w.id("ask"), .by = "ada"},
            ErrorCode::permission_denied},
           {"retry nowhere", Retry{.run = nowhere}, ErrorCode::not_found},
           {"retry what goes on", Retry{.run = run}, ErrorCode::conflict},
           {"submit what nobody knows", SubmitRun{}, ErrorCode::invalid_argument},
       }) {
    const auto refused = w.request(c.event);
    ASSERT_FALSE(refused) << c.what;
    EXPECT_EQ(info(refused.error().code).name, info(c.code).name) << c.what;
  }
  w.pause();
  EXPECT_FALSE(w.request(Pause{.run = run}));
  w.cancel().fail("runs");
}

TEST(Requests, a_run_that_ended_in_this_very_round_is_refused_too) {
  World w;
  w.submit("tasks: {a: {run: x}}");
  Core& core = w.core();
  const Token token = w.attempt("a").token;
  AttemptEnded end;
  end.end = {.token = token, .outcome = test::kSuccess, .started_at = w.now(), .ended_at = w.now()};
  w.attempt("a").ended = true;
  w.strict = false;
  EXPECT_TRUE(core.apply(end, w.now()));
  const auto refused = core.apply(Cancel{.run = RunId{1}}, w.now());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "the run has ended already: succeeded");
}

TEST(Requests, a_submission_whose_concurrency_group_cannot_be_named_is_refused) {
  World w;
  const auto workflow = test::workflow_of(
      "inputs: {g: {}}\nconcurrency: '${{ fromJSON(inputs.g) }}'\ntasks: {a: {run: x}}");
  SubmitRun event{
      .workflow_digest = workflow->digest, .inputs = R"({"g":"{"})", .workflow = workflow};
  EXPECT_FALSE(w.request(event));
  // The next one is stored with its workflow all the same.
  event.inputs = R"({"g":"7"})";
  EXPECT_TRUE(w.core().apply(event, w.now()));
  EXPECT_EQ(w.core().changes().workflows.size(), 1U);
}

}  // namespace
}  // namespace reeve::core
