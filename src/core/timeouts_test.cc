// Limits on time that the core itself watches: queue, approval, deadlines of runs and tasks.
#include <gtest/gtest.h>

#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::cpus;
using test::World;
using enum TaskState;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(QueueLimit, ends_what_has_waited_too_long) {
  World w(cpus(1));
  w.submit("tasks: {a: {run: x}, b: {run: x, timeout: {queue: 1m}}}");
  w.started("a").wait(seconds{59}).expect("b", queued).wait(seconds{1});
  w.expect("b", timed_out, ReasonCode::queue_timeout);
  EXPECT_EQ(w.view("b").task.reason.a, Duration{minutes{1}}.count());
  w.wait(minutes{5}).succeed("a").expect_run(RunState::failed);
}

TEST(QueueLimit, starts_anew_with_each_try) {
  World w(cpus(1));
  w.submit(
      "tasks: {a: {run: x, timeout: {queue: 1m}, retry: {max: 1, backoff: {initial: 10m, max: "
      "10m, jitter: false}}}}");
  w.wait(minutes{2}).fail("a").wait(minutes{9}).submit("tasks: {b: {run: x, priority: 5}}");
  w.wait(minutes{1}).expect("a", queued).wait(seconds{59}).expect("a", queued).wait(seconds{1});
  w.expect("a", timed_out, ReasonCode::queue_timeout).run_all();
}

TEST(QueueLimit, does_not_concern_tasks_that_started_or_wait_otherwise) {
  World w(cpus(2));
  w.submit("tasks: {t: {run: x, array: 4, timeout: {queue: 1m}}}");
  w.pause_task("t[3]").wait(minutes{1});
  w.expect("t[0]", starting).expect("t[2]", timed_out).expect("t[3]", paused);
  w.resume_task("t[3]").wait(seconds{59}).expect("t[3]", queued);
  w.succeed("t[0]").expect_started({"t[1]", "t[3]"}).run_all().expect_run(RunState::failed);
}

TEST(ApprovalLimit, ends_what_nobody_answers) {
  World w;
  w.submit("tasks: {ask: {approval: {timeout: 1h}}, b: {run: x, needs: ask}}");
  w.wait(minutes{59}).expect("ask", awaiting_approval).wait(minutes{1});
  w.expect("ask", timed_out, ReasonCode::queue_timeout).expect("b", skipped);
  w.expect_run(RunState::failed);
}

TEST(Deadline, of_a_run_ends_all_of_it_but_finally) {
  World w(cpus(1));
  w.submit(
      "deadline: 10m\ntasks: {a: {run: x}, b: {run: x}, c: {run: x, needs: a}}\n"
      "finally: {tidy: {run: x}}");
  w.started("a").wait(minutes{10}).expect_stopped({"a"});
  w.expect("b", timed_out, ReasonCode::deadline_passed).expect("c", timed_out);
  w.fail("a", 143).expect("a", timed_out, ReasonCode::deadline_passed);
  w.succeed("tidy").expect_run(RunState::failed);
}

TEST(Deadline, of_a_run_is_kept_across_a_restart) {
  World w;
  w.submit("deadline: 10m\ntasks: {a: {run: x}}");
  w.started("a").wait(minutes{5}).restart().wait(minutes{5}).expect_stopped({"a"}).fail("a");
  w.expect("a", timed_out);
}

TEST(Deadline, of_a_task_ends_that_task) {
  World w(cpus(1));
  w.submit("tasks: {a: {run: x}}");
  w.started("a").submit("tasks: {b: {run: x, array: 2, deadline: 5m}, c: {run: x}}");
  w.wait(minutes{5}).expect("2/b[0]", timed_out, ReasonCode::deadline_passed);
  w.expect("2/b[1]", timed_out).expect("2/c", queued).run_all();
  w.expect_run(RunState::failed, RunId{2});
}

TEST(Deadline, of_a_task_that_runs_stops_it_also_after_a_restart) {
  for (const bool again : {false, true}) {
    World w;
    w.submit("tasks: {a: {run: x, deadline: 5m}, b: {run: x}}");
    w.started("a").wait(minutes{1});
    if (again) w.restart();
    w.wait(minutes{4}).expect_stopped({"a"}).fail("a", 143);
    w.expect("a", timed_out, ReasonCode::deadline_passed).run_all();
  }
}

TEST(Deadline, that_passed_before_its_needs_were_met_ends_the_task_when_they_are) {
  World w;
  w.submit("tasks: {a: {run: x}, b: {run: x, needs: a, deadline: 5m}}");
  w.wait(minutes{6}).expect("b", blocked).succeed("a");
  w.expect("b", timed_out, ReasonCode::deadline_passed);
}

TEST(Deadline, a_forgiven_task_is_forgiven_that_too) {
  World w(cpus(1));
  w.submit("tasks: {a: {run: x}}");
  w.started("a").submit("tasks: {b: {run: x, deadline: 5m, continue-on-error: true}}");
  w.wait(minutes{5}).expect("2/b", timed_out).succeed("a");
  w.expect_run(RunState::succeeded, RunId{2});
}

TEST(Deadline, that_has_passed_does_not_end_what_a_person_retries) {
  for (const bool again : {false, true}) {
    World w;
    w.submit("deadline: 10m\ntasks: {a: {run: x, deadline: 5m}, b: {run: x}}");
    w.started("a").started("b").wait(minutes{10}).fail("a").fail("b");
    w.expect_run(RunState::failed).wait(minutes{1}).retry();
    if (again) w.restart();
    w.wait(minutes{1}).succeed("a").succeed("b").expect_run(RunState::succeeded);
  }
}

TEST(Deadline, that_is_still_to_come_holds_for_a_retry_too) {
  World w;
  w.submit("deadline: 10m\ntasks: {a: {run: x}}");
  w.fail("a").retry().started("a").wait(minutes{10}).expect_stopped({"a"}).fail("a");
  w.expect("a", timed_out);
}

}  // namespace
}  // namespace reeve::core
