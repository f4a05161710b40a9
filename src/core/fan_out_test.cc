// Fan-outs: one group becomes many tasks, known from the start or only when its needs are done.
#include <gtest/gtest.h>

#include "core/launch.h"
#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::cpus;
using test::World;
using enum TaskState;

TEST(FanOut, a_matrix_gives_a_task_for_each_leg) {
  World w;
  w.submit("tasks: {t: {run: x, matrix: {os: [a, b], n: [1, 2]}}, after: {run: x, needs: t}}");
  w.expect_started({"t (a, 1)", "t (a, 2)", "t (b, 1)", "t (b, 2)"});
  w.succeed("t (a, 1)").succeed("t (b, 2)").succeed("t (a, 2)").expect("after", blocked);
  w.succeed("t (b, 1)").succeed("after").expect_run(RunState::succeeded);
}

TEST(FanOut, an_array_gives_a_task_for_each_index) {
  World w;
  w.submit("tasks: {t: {run: x, array: 0-6:3}}");
  w.expect_started({"t[0]", "t[1]", "t[2]"});
  const test::Attempt last = w.attempt("t[2]");
  const auto launch =
      render_launch(w.state(), StartAttempt{last.task, last.number, last.token, PoolId{}});
  EXPECT_EQ(launch->environment.back(),
            (std::pair<std::string, std::string>{"REEVE_ARRAY_INDEX", "6"}));
  w.run_all().expect_run(RunState::succeeded);
}

constexpr std::string_view kForEach =
    "tasks:\n  list: {run: x}\n"
    "  each: {command: [echo, '${{ matrix.item }}', '${{ matrix.index }}'], needs: list,\n"
    "         for_each: '${{ fromJSON(needs.list.outputs.items) }}'}\n"
    "  after: {run: x, needs: each, if: always()}";

TEST(FanOut, for_each_expands_over_an_output) {
  World w;
  w.submit(kForEach);
  w.succeed("list", {{"items", R"(["p","q"])"}}).expect_started({"each[0]", "each[1]"});
  const auto launch = render_launch(
      w.state(), StartAttempt{w.id("each[1]"), 1, w.attempt("each[1]").token, PoolId{}});
  EXPECT_EQ(launch->arguments, (std::vector<std::string>{"echo", "q", "1"}));
  w.succeed("each[0]").succeed("each[1]").succeed("after").expect_run(RunState::succeeded);
}

TEST(FanOut, for_each_over_a_number_counts) {
  World w;
  w.submit(kForEach);
  w.succeed("list", {{"items", "3"}}).expect_started({"each[0]", "each[1]", "each[2]"}).run_all();
  w.expect_run(RunState::succeeded);
}

TEST(FanOut, for_each_over_nothing_is_done_at_once) {
  for (const std::string_view nothing : {"[]", "0"}) {
    World w;
    w.submit(kForEach);
    w.succeed("list", {{"items", std::string(nothing)}});
    w.succeed("after").expect_run(RunState::succeeded);
  }
}

TEST(FanOut, what_is_no_list_fails_with_a_message) {
  for (const auto& [items, message] : std::initializer_list<std::pair<std::string, std::string>>{
           {R"("text")",
            "for_each: expected an array or a number; is the value text? Use fromJSON()"},
           {"-1", "for_each: expected a whole number of items"},
           {"1.5", "for_each: expected a whole number of items"},
           {"99999999", "for_each: expected a whole number of items"}}) {
    World w;
    w.submit(kForEach);
    w.succeed("list", {{"items", items}}).succeed("after");
    w.expect("each[0]", failed, ReasonCode::expression_failed).expect_run(RunState::failed);
    EXPECT_EQ(w.view("each[0]").message, message);
  }
}

TEST(FanOut, a_list_that_cannot_be_evaluated_fails_with_a_message) {
  World w;
  w.submit(kForEach);
  w.succeed("list", {{"items", "{"}}).succeed("after").expect("each[0]", failed);
  EXPECT_FALSE(w.view("each[0]").message.empty());
}

TEST(FanOut, a_dynamic_group_that_is_skipped_is_one_skipped_task) {
  World w;
  w.submit(kForEach);
  w.fail("list").expect("each[0]", skipped, ReasonCode::need_not_successful).succeed("after");
  w.expect_run(RunState::failed);
}

TEST(FanOut, a_dynamic_matrix) {
  World w;
  w.submit(
      "tasks:\n  plan: {run: x}\n"
      "  t: {run: x, needs: plan, matrix: '${{ fromJSON(needs.plan.outputs.matrix) }}'}");
  w.succeed("plan", {{"matrix", R"({"os":["a","b"],"exclude":[{"os":"a"}]})"}});
  w.expect_started({"t (b)"}).run_all().expect_run(RunState::succeeded);
}

TEST(FanOut, a_dynamic_matrix_that_is_none_fails_with_a_message) {
  World w;
  w.submit(
      "tasks:\n  plan: {run: x}\n"
      "  t: {run: x, needs: plan, matrix: '${{ fromJSON(needs.plan.outputs.matrix) }}'}");
  w.succeed("plan", {{"matrix", R"("text")"}}).expect("t[0]", failed);
  EXPECT_FALSE(w.view("t[0]").message.empty());
}

TEST(FanOut, max_parallel_bounds_how_many_run) {
  World w;
  w.submit("tasks: {t: {run: x, array: 5, max-parallel: 2}}");
  w.expect_started({"t[0]", "t[1]"}).expect("t[2]", queued);
  EXPECT_NE(w.why("t[2]").find("max_parallel allows 2"), std::string::npos) << w.why("t[2]");
  w.succeed("t[0]").expect_started({"t[2]"}).run_all().expect_run(RunState::succeeded);
}

TEST(FanOut, a_matrix_fails_fast_unless_told_otherwise) {
  World w(cpus(2));
  w.submit("tasks: {t: {run: x, matrix: {n: [1, 2, 3, 4]}}}");
  w.expect_started({"t (1)", "t (2)"}).fail("t (1)").expect_stopped({"t (2)"});
  w.expect("t (3)", aborted, ReasonCode::fail_fast).fail("t (2)", 143);
  w.expect("t (2)", aborted, ReasonCode::fail_fast).expect_run(RunState::failed);
}

TEST(FanOut, without_fail_fast_the_others_go_on) {
  for (const std::string_view yaml :
       {"tasks: {t: {run: x, matrix: {n: [0, 1]}, fail-fast: false}, b: {run: x, needs: t}}",
        "tasks: {t: {run: x, array: 2}, b: {run: x, needs: t}}",
        "tasks: {t: {run: x, for_each: [0, 1]}, b: {run: x, needs: t}}"}) {
    World w;
    w.submit(yaml);
    w.expect_started({w.attempts().begin()->second.label, w.attempts().rbegin()->second.label});
    w.fail(w.attempts().begin()->second.label).run_all();
    w.expect("b", skipped, ReasonCode::need_not_successful).expect_run(RunState::failed);
    EXPECT_EQ(w.records().size(), 2U);
  }
}

TEST(FanOut, a_failure_that_is_forgiven_stops_nobody) {
  World w;
  w.submit("tasks: {t: {run: x, matrix: {n: [1, 2]}, continue-on-error: true}}");
  w.fail("t (1)").succeed("t (2)").expect_run(RunState::succeeded);
}

TEST(FanOut, a_task_that_succeeds_though_it_was_told_to_stop_has_succeeded) {
  World w;
  w.submit("tasks: {t: {run: x, matrix: {n: [1, 2]}}}");
  w.fail("t (1)").expect_stopped({"t (2)"}).succeed("t (2)").expect("t (2)", succeeded);
}

TEST(FanOut, outputs_of_a_fan_out_are_lists_in_element_order) {
  World w;
  w.submit(
      "tasks: {t: {run: x, array: 3}}\n"
      "outputs: {all: '${{ join(needs.t.outputs.v) }}'}");
  w.succeed("t[2]", {{"v", "c"}}).succeed("t[1]").succeed("t[0]", {{"v", "a"}});
  EXPECT_EQ(w.record().texts->outputs, R"({"all":"a,,c"})");
}

TEST(FanOut, too_many_tasks_refuse_the_submission) {
  World w;
  spec::Workflow big;
  for (const char* id : {"a", "b"}) {
    spec::TaskGroup group;
    group.id = id;
    group.fan_out = spec::Array{.first = 0, .count = 6'000'000, .step = 1};
    big.groups.push_back(std::move(group));
  }
  big.policies.emplace_back();
  const auto finished = spec::finish(std::move(big));
  ASSERT_TRUE(finished) << finished.error().text();
  const auto refused =
      w.request(SubmitRun{.workflow_digest = (*finished)->digest, .workflow = *finished});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(refused.error().message,
            "the workflow has 12000000 tasks; at most 10000000 are allowed in one run");
}

TEST(FanOut, too_many_items_later_fail_the_group) {
  World w;
  w.submit(
      "tasks: {a: {run: x, if: 'false'}, b: {run: x, for_each: '${{ inputs.n }}'}}\n"
      "inputs: {n: {type: number}}",
      {.inputs = R"({"n":10000000})"});
  w.expect("b[0]", failed, ReasonCode::expression_failed);
  EXPECT_EQ(w.view("b[0]").message, "the run would have too many tasks");
}

}  // namespace
}  // namespace reeve::core
