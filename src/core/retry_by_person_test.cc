// A person tries a finished run again: what failed, or all from one task on.
#include <gtest/gtest.h>

#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::cpus;
using test::World;
using enum TaskState;

constexpr RunId kFirstRun{1};

TEST(RetryByPerson, of_what_failed_keeps_what_succeeded) {
  World w;
  w.submit(
      "tasks: {a: {run: x}, b: {run: x, needs: a}, c: {run: x, needs: b}, d: {run: x, needs: a}}");
  w.succeed("a").fail("b").succeed("d").expect("c", skipped).expect_run(RunState::failed);
  w.retry().expect("a", succeeded).expect("d", succeeded).expect_started({"b"});
  EXPECT_EQ(w.record().round, 2U);
  EXPECT_EQ(w.attempt("b").number, 2U);
  w.succeed("b").succeed("c").expect_run(RunState::succeeded);
}

TEST(RetryByPerson, starts_counting_anew) {
  World w;
  w.submit("tasks: {a: {run: x, retry: {max: 1, backoff: {initial: 1s, jitter: false}}}}");
  w.fail("a").wait(std::chrono::seconds{1}).fail("a").expect("a", failed).retry();
  w.fail("a").expect("a", retry_wait).wait(std::chrono::seconds{1}).succeed("a");
  EXPECT_EQ(w.records().back().number, 4U);
}

TEST(RetryByPerson, of_elements_of_a_fan_out) {
  World w;
  w.submit("tasks: {t: {run: x, array: 4}, after: {run: x, needs: t}}");
  w.succeed("t[0]").fail("t[1]").succeed("t[2]").fail("t[3]").expect("after", skipped);
  w.retry().expect_started({"t[1]", "t[3]"}).restart().succeed("t[1]").succeed("t[3]");
  w.succeed("after").expect_run(RunState::succeeded);
}

TEST(RetryByPerson, from_a_task_runs_it_and_all_that_depends_on_it) {
  World w;
  w.submit(
      "tasks: {a: {run: x}, b: {run: x, needs: a}, c: {run: x, needs: b}, d: {run: x, needs: a}}\n"
      "finally: {tidy: {run: x}}");
  w.succeed("a").succeed("b").succeed("d").succeed("c").succeed("tidy");
  w.retry(kFirstRun, "b").expect("a", succeeded).expect("d", succeeded).expect_started({"b"});
  w.succeed("b").succeed("c").succeed("tidy").expect_run(RunState::succeeded);
}

TEST(RetryByPerson, from_a_task_at_the_end_does_not_do_what_is_for_failures) {
  World w;
  w.submit("tasks: {a: {run: x}}\non_failure: {mend: {run: x}}\nfinally: {tidy: {run: x}}");
  w.succeed("a").fail("tidy").expect_run(RunState::failed).retry(kFirstRun, "tidy");
  w.succeed("tidy").expect("mend", skipped).expect_run(RunState::succeeded);
}

TEST(RetryByPerson, after_a_failure_the_end_runs_again) {
  World w;
  w.submit("tasks: {a: {run: x}}\non_failure: {mend: {run: x}}\nfinally: {tidy: {run: x}}");
  w.fail("a").succeed("mend").succeed("tidy").retry().succeed("a");
  w.expect("mend", skipped, ReasonCode::no_failure).succeed("tidy");
  w.expect_run(RunState::succeeded);
}

TEST(RetryByPerson, of_a_cancelled_run_goes_on_where_it_was) {
  World w;
  w.submit("tasks: {a: {run: x}, b: {run: x, needs: a}, c: {run: x, needs: b}}");
  w.succeed("a").started("b").cancel().fail("b", 143).expect_run(RunState::cancelled);
  w.retry().expect("a", succeeded).succeed("b").succeed("c").expect_run(RunState::succeeded);
}

TEST(RetryByPerson, what_was_forgiven_stays_as_it_is) {
  World w;
  w.submit("tasks: {a: {run: x, continue-on-error: true}, b: {run: x}}");
  w.fail("a").fail("b").retry().expect("a", failed).succeed("b").expect_run(RunState::succeeded);
}

TEST(RetryByPerson, what_its_condition_did_not_want_stays_skipped) {
  World w;
  w.submit("tasks: {a: {run: x, if: 'false'}, b: {run: x}}");
  w.fail("b").retry().expect("a", skipped, ReasonCode::condition_false).succeed("b");
}

TEST(RetryByPerson, is_judged_by_what_its_needs_do_now) {
  World w;
  w.submit("tasks: {a: {run: x}, mend: {run: x, array: 2, needs: {a: failure}}}");
  w.fail("a").succeed("mend[0]").fail("mend[1]").retry().succeed("a");
  w.expect("mend[0]", succeeded).expect("mend[1]", skipped, ReasonCode::need_not_failed);
}

constexpr std::string_view kDynamic =
    "tasks:\n  list: {run: x}\n"
    "  each: {run: x, needs: list, for_each: '${{ fromJSON(needs.list.outputs.items) }}'}\n"
    "  after: {run: x, needs: each}";

TEST(RetryByPerson, a_dynamic_group_expands_again_when_its_needs_do) {
  World w;
  w.submit(kDynamic);
  w.succeed("list", {{"items", "[1,2]"}}).succeed("each[0]").fail("each[1]");
  w.retry(kFirstRun, "list").expect_started({"list"}).restart();
  w.succeed("list", {{"items", "[1,2,3]"}}).expect_started({"each[0]", "each[1]", "each[2]"});
  w.restart().run_all().expect("after", succeeded).expect_run(RunState::succeeded);
}

TEST(RetryByPerson, a_dynamic_group_keeps_its_elements_when_its_needs_stay) {
  World w;
  w.submit(kDynamic);
  w.succeed("list", {{"items", "[1,2]"}}).succeed("each[0]").fail("each[1]");
  w.retry().expect_started({"each[1]"}).succeed("each[1]").succeed("after");
  w.expect_run(RunState::succeeded);
}

TEST(RetryByPerson, a_group_that_was_never_expanded_is_expanded_then) {
  World w;
  w.submit(
      "inputs: {list: {}}\nconcurrency: g\n"
      "tasks: {each: {run: x, for_each: '${{ fromJSON(inputs.list) }}'}}",
      {.inputs = R"({"list":"[1,2]"})"});
  const RunId waits = w.submit(
      "inputs: {list: {}}\nconcurrency: g\n"
      "tasks: {each: {run: x, for_each: '${{ fromJSON(inputs.list) }}'}}",
      {.inputs = R"({"list":"[1,2]"})"});
  w.cancel(waits).expect_run(RunState::cancelled, waits).run_all().retry(waits);
  w.expect_started({"2/each[0]", "2/each[1]"}).run_all().expect_run(RunState::succeeded, waits);
}

TEST(RetryByPerson, a_list_that_could_not_be_evaluated_fails_again) {
  World w;
  w.submit(kDynamic);
  w.succeed("list", {{"items", "{"}}).expect("each[0]", failed).expect("after", skipped);
  w.retry().expect("each[0]", failed, ReasonCode::expression_failed).expect_run(RunState::failed);
  w.retry(kFirstRun, "list")
      .succeed("list", {{"items", "[7]"}})
      .succeed("each[0]")
      .succeed("after");
}

TEST(RetryByPerson, what_is_left_of_an_expansion_cannot_be_asked_for) {
  World w;
  w.submit(kDynamic);
  w.fail("list").expect("each[0]", skipped);
  w.retry();
  for (std::uint32_t index = 2; index < 5; ++index) {
    EXPECT_FALSE(w.request(Cancel{.run = kFirstRun, .task = index}));
    EXPECT_FALSE(w.request(Pause{.run = kFirstRun, .task = index}));
    EXPECT_FALSE(w.request(Pause{.run = kFirstRun, .task = index, .paused = false}));
    EXPECT_FALSE(w.request(Approve{.task = {kFirstRun, index}}));
  }
  w.succeed("list", {{"items", "[1]"}}).run_all().expect_run(RunState::succeeded);
}

TEST(RetryByPerson, outputs_of_the_first_round_are_gone) {
  World w;
  w.submit("tasks: {a: {run: x}, b: {run: x, needs: a}}\noutputs: {v: '${{ needs.a.outputs.v }}'}");
  w.succeed("a", {{"v", "1"}}).fail("b").retry(kFirstRun, "a").succeed("a").succeed("b");
  EXPECT_EQ(w.record().texts->outputs, R"({"v":null})");
}

TEST(RetryByPerson, that_waits_for_its_turn_outlives_a_restart) {
  World w;
  constexpr std::string_view kText =
      "concurrency: g\ntasks: {a: {run: x}}\non_failure: {mend: {run: x}}\n"
      "finally: {tidy: {run: x, array: 2}}";
  w.submit(kText);
  w.succeed("a").fail("tidy[0]").succeed("tidy[1]").submit(kText);
  w.retry(kFirstRun, "tidy").expect("tidy[0]", blocked).restart().run_all();
  w.expect("mend", skipped, ReasonCode::no_failure).expect_run(RunState::succeeded);
}

TEST(RetryByPerson, that_waits_for_its_turn_may_be_cancelled) {
  for (const bool one_by_one : {false, true}) {
    World w;
    constexpr std::string_view kText =
        "concurrency: g\ntasks: {a: {run: x}}\nfinally: {tidy: {run: x}}";
    w.submit(kText);
    w.succeed("a").fail("tidy").submit(kText);
    w.retry();
    if (one_by_one)
      w.cancel_task("tidy");
    else
      w.cancel();
    w.expect("tidy", cancelled).expect_run(RunState::cancelled).run_all();
  }
}

TEST(RetryByPerson, is_refused_when_there_is_nothing_to_retry) {
  World w;
  w.submit("tasks: {a: {run: x}, b: {run: x}}");
  w.started("b").succeed("a");
  Core& core = w.core();
  w.succeed("b");
  EXPECT_TRUE(core.reload(copy_of(w.disk().at(kFirstRun))));
  auto refused = core.apply(Retry{.run = kFirstRun}, w.now());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "nothing to retry: every task succeeded");
  refused =
      core.apply(Retry{.run = kFirstRun, .failed_only = false, .from = GroupIndex{9}}, w.now());
  EXPECT_EQ(refused.error().code, ErrorCode::not_found);
  EXPECT_TRUE(core.changes().empty());
  core.unload(kFirstRun);
}

TEST(RetryByPerson, of_an_old_run_among_newer_ones) {
  World w(cpus(8));
  w.submit("tasks: {a: {run: x}}");
  w.fail("a");
  for (int i = 0; i < 3; ++i) w.submit("tasks: {a: {run: x}}");
  w.succeed("2/a").retry().succeed("3/a").succeed("a").succeed("4/a");
  w.expect_run(RunState::succeeded);
  EXPECT_EQ(w.submit("tasks: {a: {run: x}}"), RunId{5});
  w.run_all();
}

}  // namespace
}  // namespace reeve::core
