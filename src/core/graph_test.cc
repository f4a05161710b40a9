// Readiness: which tasks run, which are skipped, and why.
#include <gtest/gtest.h>

#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::cpus;
using test::World;
using enum TaskState;

TEST(Graph, a_chain_runs_in_order) {
  World w;
  w.submit("tasks: {a: {run: x}, b: {run: x, needs: a}, c: {run: x, needs: b}}");
  w.expect_started({"a"}).expect("b", blocked).expect_run(RunState::running);
  w.succeed("a").expect_started({"b"}).expect("c", blocked);
  w.succeed("b").expect_started({"c"}).succeed("c");
  w.expect("c", succeeded, ReasonCode::completed).expect_run(RunState::succeeded);
  EXPECT_EQ(w.unfinished(), 0U);
}

TEST(Graph, a_diamond_joins_when_both_sides_are_done) {
  World w;
  w.submit(
      "tasks: {a: {run: x}, b: {run: x, needs: a}, c: {run: x, needs: a}, d: {run: x, needs: [b, "
      "c]}}");
  w.succeed("a").expect_started({"b", "c"});
  w.succeed("b").expect("d", blocked).succeed("c").expect_started({"d"}).succeed("d");
  w.expect_run(RunState::succeeded);
}

TEST(Graph, a_failure_skips_what_needs_it_and_only_that) {
  World w;
  w.submit("tasks: {a: {run: x}, b: {run: x, needs: a}, c: {run: x, needs: b}, other: {run: x}}");
  w.fail("a", 3).expect("a", failed, ReasonCode::exit_status);
  w.expect("b", skipped, ReasonCode::need_not_successful);
  w.expect("c", skipped, ReasonCode::need_not_successful);
  w.succeed("other").expect("other", succeeded).expect_run(RunState::failed);
}

struct NeedCase {
  std::string_view condition;
  bool need_succeeds;
  TaskState expected;
  ReasonCode reason;
};

TEST(Graph, need_conditions) {
  for (const NeedCase& c : {
           NeedCase{"success", true, starting, ReasonCode::placed},
           NeedCase{"success", false, skipped, ReasonCode::need_not_successful},
           NeedCase{"failure", false, starting, ReasonCode::placed},
           NeedCase{"failure", true, skipped, ReasonCode::need_not_failed},
           NeedCase{"always", true, starting, ReasonCode::placed},
           NeedCase{"always", false, starting, ReasonCode::placed},
       }) {
    World w;
    w.strict = false;
    w.submit("tasks: {a: {run: x}, keep: {run: x}, b: {run: x, needs: {a: " +
             std::string(c.condition) + "}}}");
    if (c.need_succeeds)
      w.succeed("a");
    else
      w.fail("a");
    w.expect("b", c.expected, c.reason);
  }
}

struct IfCase {
  std::string_view condition;
  bool need_succeeds;
  TaskState expected;
};

TEST(Graph, conditions_with_and_without_status_functions) {
  for (const IfCase& c : {
           IfCase{"'true'", true, starting},
           IfCase{"'true'", false, skipped},  // without a status function success() is implied
           IfCase{"'false'", true, skipped},
           IfCase{"always()", false, starting},
           IfCase{"failure()", false, starting},
           IfCase{"failure()", true, skipped},
           IfCase{"success()", true, starting},
           IfCase{"success()", false, skipped},
           IfCase{"cancelled()", true, skipped},
           IfCase{"\"needs.a.result == 'failure' && always()\"", false, starting},
           IfCase{"\"needs.a.outputs.go == 'yes'\"", true, starting},
           IfCase{"\"needs.a.outputs.go == 'no'\"", true, skipped},
       }) {
    World w;
    w.strict = false;
    w.submit("tasks: {a: {run: x}, keep: {run: x}, b: {run: x, needs: a, if: " +
             std::string(c.condition) + "}}");
    w.ended("a", {.outcome = test::exited(c.need_succeeds ? 0 : 1), .outputs = {{"go", "yes"}}});
    w.expect("b", c.expected);
    if (c.expected == skipped && c.need_succeeds)
      w.expect("b", skipped, ReasonCode::condition_false);
  }
}

TEST(Graph, a_condition_that_cannot_be_evaluated_fails_the_task_with_a_message) {
  World w;
  w.submit("inputs: {text: {}}\ntasks: {a: {run: x, if: 'fromJSON(inputs.text)'}}",
           {.inputs = R"({"text":"{"})"});
  w.expect("a", failed, ReasonCode::expression_failed).expect_run(RunState::failed);
  EXPECT_TRUE(w.view("a").message.starts_with("if: ")) << w.view("a").message;
}

TEST(Graph, what_needs_a_skipped_task_is_skipped_unless_it_says_always) {
  World w;
  w.submit(
      "tasks: {a: {run: x, if: 'false'}, b: {run: x, needs: a}, c: {run: x, needs: {a: always}}}");
  w.expect("b", skipped, ReasonCode::need_not_successful).succeed("c");
  w.expect_run(RunState::succeeded);
}

TEST(Graph, a_failure_that_is_continued_counts_as_success) {
  World w;
  w.submit("tasks: {a: {run: x, continue-on-error: true}, b: {run: x, needs: a}}");
  w.fail("a").expect("a", failed).succeed("b").expect_run(RunState::succeeded);
}

TEST(Graph, continue_on_error_may_be_an_expression) {
  for (const bool flaky : {true, false}) {
    World w;
    w.submit(
        "inputs: {flaky: {type: boolean}}\n"
        "tasks: {a: {run: x, continue-on-error: '${{ inputs.flaky }}'}}",
        {.inputs = flaky ? R"({"flaky":true})" : R"({"flaky":false})"});
    w.fail("a").expect_run(flaky ? RunState::succeeded : RunState::failed);
  }
}

TEST(Graph, an_expression_of_continue_on_error_that_fails_forgives_nothing) {
  World w;
  w.submit(
      "inputs: {text: {}}\ntasks: {a: {run: x, continue-on-error: '${{ fromJSON(inputs.text) }}'}}",
      {.inputs = R"({"text":"{"})"});
  w.fail("a").expect_run(RunState::failed);
}

constexpr std::string_view kPhases =
    "tasks: {a: {run: x}, b: {run: x, needs: a}}\n"
    "on_failure: {mend: {run: x}, tell: {run: x, needs: mend}}\n"
    "finally: {tidy: {run: x}, last: {run: x, needs: tidy}}";

TEST(Phases, on_failure_is_skipped_when_nothing_failed_and_finally_runs) {
  World w;
  w.submit(kPhases);
  w.succeed("a").expect("tidy", blocked).succeed("b");
  w.expect("mend", skipped, ReasonCode::no_failure).expect("tell", skipped);
  w.succeed("tidy").succeed("last").expect_run(RunState::succeeded);
}

TEST(Phases, on_failure_runs_before_finally_after_a_failure) {
  World w;
  w.submit(kPhases);
  w.fail("a").expect("b", skipped).expect("tidy", blocked);
  w.succeed("mend").succeed("tell").succeed("tidy").succeed("last");
  w.expect_run(RunState::failed, ReasonCode::task_failed);
}

TEST(Phases, a_failure_in_finally_fails_the_run) {
  World w;
  w.submit("tasks: {a: {run: x}}\nfinally: {tidy: {run: x}}");
  w.succeed("a").fail("tidy").expect_run(RunState::failed);
  EXPECT_EQ(w.record().reason.a, 1);
}

TEST(Phases, finally_runs_after_a_cancel_and_on_failure_does_not) {
  World w;
  w.submit(kPhases);
  w.started("a").cancel().expect_stopped({"a"}).fail("a", 143);
  w.expect("a", cancelled).expect("b", cancelled);
  w.expect("mend", cancelled).succeed("tidy").succeed("last");
  w.expect_run(RunState::cancelled, ReasonCode::cancelled_by_person);
  EXPECT_EQ(w.record().texts->cancel_reason, "changed my mind");
}

TEST(Phases, nothing_runs_after_a_kill) {
  World w;
  w.submit(kPhases);
  w.started("a").cancel(RunId{1}, true).expect_stopped({"a kill"}).fail("a", 137);
  w.expect("tidy", cancelled).expect("last", cancelled).expect_run(RunState::cancelled);
}

TEST(Phases, a_cancel_during_finally_ends_it) {
  World w;
  w.submit(kPhases);
  w.succeed("a").succeed("b").started("tidy").cancel().expect_stopped({"tidy"});
  w.fail("tidy", 143).expect("tidy", cancelled).expect("last", cancelled);
  w.expect_run(RunState::cancelled);
}

TEST(Phases, conditions_at_the_end_look_back_at_all_tasks) {
  World w;
  w.submit(
      "tasks: {a: {run: x}, b: {run: x, needs: a}}\n"
      "finally:\n  bad: {run: x, if: failure()}\n  good: {run: x, if: success()}\n"
      "  seen: {run: x, if: \"needs.a.result == 'failure' && always()\"}");
  w.fail("a").succeed("bad").expect("good", skipped, ReasonCode::condition_false).succeed("seen");
}

TEST(Phases, after_a_cancel_cancelled_is_true) {
  World w;
  w.submit(
      "tasks: {a: {run: x}, report: {run: x, needs: a, if: cancelled()}}\n"
      "finally: {if_cancelled: {run: x, if: cancelled()}, if_good: {run: x, if: success()}}");
  w.cancel().expect_stopped({"a"}).fail("a", 143).succeed("report");
  w.succeed("if_cancelled").expect("if_good", skipped).expect_run(RunState::cancelled);
}

TEST(Phases, a_run_that_never_had_its_turn_ends_at_once_when_it_is_cancelled) {
  World w;
  const std::string yaml =
      "concurrency: g\ntasks: {a: {run: x}, b: {run: x, needs: a, if: always()}}\n"
      "on_failure: {mend: {run: x}}\nfinally: {tidy: {run: x}}";
  w.submit(yaml);
  const RunId second = w.submit(yaml);
  w.expect("2/a", blocked).cancel(second).expect_run(RunState::cancelled, second);
  w.expect("2/tidy", cancelled).expect("2/b", cancelled).expect("2/mend", cancelled);
  w.succeed("a").succeed("b").succeed("tidy").expect_run(RunState::succeeded);
}

TEST(Outputs, flow_into_later_tasks_and_out_of_the_run) {
  World w;
  w.submit(
      "tasks: {a: {run: x}, b: {command: [echo, '${{ needs.a.outputs.version }}'], needs: a}}\n"
      "outputs: {version: '${{ needs.a.outputs.version }}', who: {value: '${{ run.name }}'}}",
      {.texts = {.name = "nightly",
                 .labels = "",
                 .idempotency_key = "",
                 .outputs = "",
                 .cancel_reason = ""}});
  w.succeed("a", {{"version", "1.2"}}).succeed("b").expect_run(RunState::succeeded);
  EXPECT_EQ(w.record().texts->outputs, R"({"version":"1.2","who":"nightly"})");
}

TEST(Outputs, an_output_of_the_run_that_cannot_be_evaluated_fails_it) {
  World w;
  w.submit("tasks: {a: {run: x}}\noutputs: {n: '${{ fromJSON(needs.a.outputs.n) }}'}");
  w.succeed("a", {{"n", "{"}}).expect_run(RunState::failed, ReasonCode::expression_failed);
}

}  // namespace
}  // namespace reeve::core
