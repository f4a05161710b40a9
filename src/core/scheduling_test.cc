// What starts, in which order, and what keeps the rest waiting.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::cpus;
using test::World;
using enum TaskState;
using std::chrono::seconds;

TEST(Order, by_priority_of_run_and_task_then_first_come) {
  World w(cpus(1));
  w.submit("tasks: {hold: {run: x}}");
  w.expect_started({"hold"});
  w.submit("tasks: {a: {run: x}, high: {run: x, priority: 5}}");
  w.submit("priority: 3\ntasks: {b: {run: x}, low: {run: x, priority: -9}}");
  w.submit("tasks: {c: {run: x}}", {.priority = 4});
  for (const char* next : {"hold", "2/high", "4/c", "3/b", "2/a", "3/low"}) w.succeed(next);
  EXPECT_EQ(w.unfinished(), 0U);
}

TEST(Order, the_earlier_deadline_goes_first) {
  World w(cpus(1));
  w.submit("tasks: {a: {run: x}}");
  w.submit("deadline: 2h\ntasks: {b: {run: x}, c: {run: x, deadline: 1h}}");
  for (const char* next : {"a", "2/c", "2/b"}) w.succeed(next);
}

TEST(Capacity, what_does_not_fit_waits_and_the_smaller_pass_it) {
  World w({.cpu_millicores = 4000, .memory_bytes = 1000, .countables = {{"license", 1}}});
  w.submit(
      "tasks: {a: {run: x, resources: {cpu: 3}}, b: {run: x, resources: {cpu: 2}}, c: {run: x}, "
      "d: {run: x, resources: {cpu: 0, memory: 2000}},\n"
      "  e: {run: x, resources: {cpu: 0, licenses: {license: 1}}},\n"
      "  f: {run: x, resources: {cpu: 0, licenses: {license: 1}}}}");
  w.expect_started({"a", "c", "e"}).expect("b", queued).expect("d", queued).expect("f", queued);
  w.succeed("a").expect_started({"b"}).succeed("e").expect_started({"f"});
  w.succeed("b").succeed("c").succeed("f");
  w.capacity({.memory_bytes = 4000, .countables = {}}).succeed("d");
  w.expect_run(RunState::succeeded);
}

RC_GTEST_PROP(Capacity, is_never_exceeded_and_all_that_fits_runs_in_the_end, ()) {
  const Resources capacity{.cpu_millicores = *rc::gen::inRange(1, 8),
                           .memory_bytes = *rc::gen::inRange(0, 8),
                           .countables = {}};
  World w(capacity);
  w.strict = false;
  w.run_time = std::chrono::milliseconds{*rc::gen::inRange(1, 200)};
  std::string yaml = "tasks:\n";
  const int groups = *rc::gen::inRange(1, 8);
  for (int i = 0; i < groups; ++i) {
    yaml += "  t" + std::to_string(i) +
            ": {run: x, array: " + std::to_string(*rc::gen::inRange(1, 6)) +
            ", priority: " + std::to_string(*rc::gen::inRange(0, 3)) + ", resources: {cpu: " +
            std::to_string(*rc::gen::inRange<std::int64_t>(0, capacity.cpu_millicores + 1)) +
            "m, memory: " +
            std::to_string(*rc::gen::inRange<std::int64_t>(0, capacity.memory_bytes + 1)) + "}}\n";
  }
  w.submit(yaml);  // every step checks what is used
  w.run_all();
  RC_ASSERT(w.unfinished() == 0U);
  RC_ASSERT(w.record().state == RunState::succeeded);
}

TEST(Capacity, what_no_pool_could_hold_waits_and_says_so) {
  World w;
  w.submit("tasks: {a: {run: x, resources: {cpu: 9}}, b: {run: x}}");
  w.expect_started({"b"}).expect("a", queued);
  EXPECT_EQ(w.why("a"), "asks for more than any pool could ever give");
  w.capacity(cpus(16)).succeed("a").succeed("b");
}

TEST(Capacity, a_lowered_capacity_takes_effect_as_places_are_freed) {
  World w(cpus(3));
  w.submit("tasks: {t: {run: x, array: 6}}");
  w.started("t[0]").started("t[1]").started("t[2]").capacity(cpus(1));
  w.succeed("t[0]").succeed("t[1]").expect_started({}).succeed("t[2]").expect_started({"t[3]"});
  w.run_all();
}

TEST(Capacity, nothing_starts_while_the_executor_is_down) {
  World w;
  w.pool(false).submit("tasks: {a: {run: x}}");
  w.expect("a", queued).expect_started({});
  EXPECT_EQ(w.why("a"), "waits: the executor of pool 0 does not answer");
  w.pool(true).succeed("a");
}

TEST(Overtaking, a_large_task_is_let_through_after_a_hundred_small_ones) {
  World w(cpus(2));
  w.strict = false;
  w.submit("tasks: {hold: {run: x}, large: {run: x, resources: {cpu: 2}}}");
  w.submit("tasks: {small: {run: x, array: 150}}");
  w.expect("large", queued);
  for (int i = 0; i < 100; ++i) w.succeed("2/small[" + std::to_string(i) + "]");
  w.expect("2/small[100]", queued);  // 100 were started past it
  EXPECT_EQ(w.attempt("2/small[99]").ended, true);
  w.succeed("hold").expect("large", starting).succeed("large");
  w.expect("2/small[100]", starting).expect("2/small[101]", starting).run_all();
}

constexpr std::string_view kLocks =
    "locks: {db: 2}\ntasks:\n"
    "  a: {run: x, locks: db}\n  b: {run: x, locks: {db: 2}}\n  c: {run: x, locks: [db, disk]}\n"
    "  d: {run: x}";

TEST(Locks, are_held_while_a_task_runs) {
  World w;
  w.submit(kLocks);
  w.expect_started({"a", "c", "d"}).expect("b", queued);
  EXPECT_EQ(w.why("b"), "waits for a lock: it asks for 2 units, and 2 are in use");
  w.restart().succeed("a").expect("b", queued).fail("c").expect_started({"b"});
  w.succeed("b").succeed("d");
}

TEST(Locks, are_freed_by_every_kind_of_end) {
  World w;
  w.submit("tasks: {t: {run: x, array: 4, locks: db, retry: {max: 1, backoff: 1h}}}");
  w.expect_started({"t[0]"}).lose("t[0]").expect_started({"t[1]"});
  w.fail("t[1]").expect_started({"t[2]"}).cancel_task("t[2]").fail("t[2]", 143);
  w.expect_started({"t[3]"}).run_all();
}

TEST(TaskConcurrency, a_group_holds_across_runs) {
  World w;
  constexpr std::string_view kText =
      "inputs: {env: {}}\ntasks: {a: {run: x, concurrency: {group: 'deploy-${{ inputs.env }}', "
      "limit: 2}}}";
  for (const char* env : {"one", "one", "one", "two"})
    w.submit(kText, {.inputs = R"({"env":")" + std::string(env) + R"("})"});
  w.expect_started({"a", "2/a", "4/a"});
  EXPECT_EQ(w.why("3/a"), "waits for its concurrency group, which allows 2 at a time");
  w.succeed("2/a").expect_started({"3/a"}).run_all();
}

TEST(TaskConcurrency, a_newer_one_may_replace_the_older) {
  World w;
  constexpr std::string_view kText =
      "tasks: {a: {run: x, concurrency: {group: g, cancel-in-progress: true}}, b: {run: x}}";
  w.submit(kText);
  w.submit(kText);
  w.expect_started({"a", "b", "2/b"}).expect_stopped({"a"}).fail("a", 143);
  w.expect("a", aborted, ReasonCode::replaced_by_newer).expect_started({"2/a"}).run_all();
  w.expect_run(RunState::cancelled).expect_run(RunState::succeeded, RunId{2});
}

TEST(TaskConcurrency, only_the_latest_that_waits_may_stay) {
  World w;
  constexpr std::string_view kText =
      "tasks: {a: {run: x, concurrency: {group: g, when_busy: keep_latest}}}";
  for (int i = 0; i < 4; ++i) w.submit(kText);
  w.expect_started({"a"}).expect_stopped({}).expect("4/a", queued);
  w.expect("2/a", aborted, ReasonCode::replaced_by_newer);
  w.expect("3/a", aborted, ReasonCode::replaced_by_newer);
  w.restart().succeed("a").expect_started({"4/a"}).succeed("4/a");
  w.expect_run(RunState::succeeded).expect_run(RunState::succeeded, RunId{4});
}

TEST(TaskConcurrency, a_try_that_waits_for_its_retry_is_not_the_latest) {
  World w;
  constexpr std::string_view kText =
      "tasks: {a: {run: x, retry: 1, concurrency: {group: g, when_busy: keep_latest}}}";
  w.submit(kText);
  w.started("a").fail("a").expect("a", retry_wait).submit(kText);
  w.expect("a", aborted, ReasonCode::replaced_by_newer).succeed("2/a");
}

TEST(TaskConcurrency, a_name_that_cannot_be_evaluated_fails_the_task) {
  World w;
  w.submit(
      "tasks: {a: {run: x}, b: {run: x, needs: a, concurrency: '${{ fromJSON(needs.a.outputs.g) "
      "}}'}}");
  w.succeed("a", {{"g", "{"}}).expect("b", failed, ReasonCode::expression_failed);
  EXPECT_TRUE(w.view("b").message.starts_with("concurrency: ")) << w.view("b").message;
}

constexpr std::string_view kRunGroup = "concurrency: {group: g, limit: 2}\ntasks: {a: {run: x}}";

TEST(RunConcurrency, runs_of_a_group_take_turns_in_order) {
  World w;
  for (int i = 0; i < 4; ++i) w.submit(kRunGroup);
  w.expect_started({"a", "2/a"}).expect("3/a", blocked);
  EXPECT_EQ(w.why("3/a"), "waits for its concurrency group, which allows 2 at a time");
  w.restart().succeed("2/a").expect_started({"3/a"}).succeed("a").succeed("3/a").succeed("4/a");
}

TEST(RunConcurrency, a_run_that_waits_may_be_paused_and_others_pass) {
  World w;
  for (int i = 0; i < 4; ++i) w.submit(kRunGroup);
  w.expect_started({"a", "2/a"}).pause(RunId{3}).succeed("a").expect_started({"4/a"});
  w.succeed("2/a").expect_started({}).resume(RunId{3}).succeed("3/a").succeed("4/a");
}

TEST(RunConcurrency, a_run_that_is_over_at_once_lets_the_next_in) {
  World w;
  constexpr std::string_view kNothing = "concurrency: g\ntasks: {a: {run: x, if: 'false'}}";
  w.submit("concurrency: g\ntasks: {a: {run: x}}");
  for (int i = 0; i < 3; ++i) w.submit(kNothing);
  w.succeed("a");
  EXPECT_EQ(w.unfinished(), 0U);
}

TEST(RunConcurrency, a_newer_run_may_replace_the_older) {
  World w;
  constexpr std::string_view kText =
      "concurrency: {group: g, cancel-in-progress: true}\n"
      "tasks: {a: {run: x}, b: {run: x, needs: a}}\nfinally: {tidy: {run: x}}";
  for (int i = 0; i < 3; ++i) w.submit(kText);
  w.expect("2/a", aborted, ReasonCode::replaced_by_newer).expect("3/a", blocked);
  w.expect_run(RunState::cancelled, ReasonCode::replaced_by_newer, RunId{2});
  w.expect_stopped({"a"}).fail("a", 143).succeed("tidy");
  w.expect_run(RunState::cancelled, ReasonCode::replaced_by_newer);
  w.succeed("3/a").succeed("3/b").succeed("3/tidy").expect_run(RunState::succeeded, RunId{3});
}

TEST(RunConcurrency, only_the_latest_that_waits_may_stay) {
  World w;
  constexpr std::string_view kText =
      "concurrency: {group: g, when_busy: keep_latest}\ntasks: {a: {run: x}}";
  for (int i = 0; i < 4; ++i) w.submit(kText);
  w.expect_started({"a"}).expect_stopped({}).expect("4/a", blocked);
  w.expect_run(RunState::cancelled, ReasonCode::replaced_by_newer, RunId{2});
  w.expect_run(RunState::cancelled, ReasonCode::replaced_by_newer, RunId{3});
  w.succeed("a").expect_run(RunState::succeeded).expect_started({"4/a"}).succeed("4/a");
}

TEST(RunConcurrency, holds_for_a_retried_run_too) {
  World w;
  constexpr std::string_view kText = "concurrency: g\ntasks: {a: {run: x}}";
  w.submit(kText);
  w.fail("a").submit(kText);
  w.started("2/a").retry().expect("a", blocked).succeed("2/a").succeed("a");
}

}  // namespace
}  // namespace reeve::core
