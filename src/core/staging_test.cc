// Short attempts are handed to the executor before there is a place for them. It starts them in
// order as places become free, and the core's ledger mirrors that.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::cpus;
using test::World;
using enum TaskState;

/// A world of `places` that has seen attempts of `run_time`, so that it knows how short they are.
void learn(World& w, Duration run_time) {
  w.run_time = run_time;
  w.submit("tasks: {first: {run: x}}");
  w.succeed("first");
}

bool holds(World& w, std::string_view label) {
  return w.state().holds_capacity(w.state().live.at(w.attempt(label).token));
}

TEST(Staging, short_attempts_are_handed_over_early_and_move_up) {
  World w(cpus(1));
  learn(w, std::chrono::milliseconds{5});
  w.submit("tasks: {t: {run: x, array: 4}}");
  w.expect_started({"2/t[0]", "2/t[1]", "2/t[2]"});
  w.expect("2/t[1]", starting, ReasonCode::staged).expect("2/t[3]", queued);
  EXPECT_EQ(
      w.why("2/t[1]"),
      "is handed to the executor and starts when a place is free; 0 tasks are in front of it");
  w.succeed("2/t[0]").expect_started({"2/t[3]"});
  EXPECT_TRUE(holds(w, "2/t[1]"));
  EXPECT_FALSE(holds(w, "2/t[2]"));
  EXPECT_EQ(w.why("2/t[1]"), "is being started by the executor");
  w.restart();
  EXPECT_TRUE(holds(w, "2/t[1]"));
  EXPECT_FALSE(holds(w, "2/t[2]"));
  w.run_all().expect_run(RunState::succeeded, RunId{2});
}

TEST(Staging, long_attempts_are_not) {
  World w(cpus(1));
  learn(w, std::chrono::milliseconds{101});
  w.submit("tasks: {t: {run: x, array: 3}}");
  w.expect_started({"2/t[0]"}).run_all();
}

TEST(Staging, only_what_has_the_shape_of_what_runs_and_no_locks) {
  World w(cpus(2));
  learn(w, std::chrono::milliseconds{5});
  w.submit(
      "tasks: {a: {run: x, resources: {cpu: 2}}, b: {run: x}, c: {run: x, locks: l, resources: "
      "{cpu: 2}}}");
  w.expect_started({"2/a"}).expect("2/b", queued).expect("2/c", queued).run_all();
}

TEST(Staging, a_staged_attempt_that_is_cancelled_lets_the_next_up) {
  World w(cpus(1));
  learn(w, std::chrono::milliseconds{5});
  w.submit("tasks: {t: {run: x, array: 3}}");
  w.expect_started({"2/t[0]", "2/t[1]", "2/t[2]"}).cancel_task("2/t[1]");
  w.expect_stopped({"2/t[1]"});
  w.ended("2/t[1]", {.outcome = test::outcome(OutcomeClass::signalled), .ran = false});
  EXPECT_FALSE(holds(w, "2/t[2]"));
  w.succeed("2/t[0]");
  EXPECT_TRUE(holds(w, "2/t[2]"));
  w.succeed("2/t[2]").expect("2/t[1]", cancelled);
}

TEST(Staging, nothing_new_passes_those_that_are_staged) {
  World w(cpus(2));
  learn(w, std::chrono::milliseconds{5});
  w.submit("tasks: {t: {run: x, array: 2, resources: {cpu: 2}}}");
  w.expect_started({"2/t[0]", "2/t[1]"});
  w.succeed("2/t[0]");
  EXPECT_TRUE(holds(w, "2/t[1]"));
  w.submit("tasks: {small: {run: x}}");
  w.expect_started({}).succeed("2/t[1]").succeed("3/small");
}

/// The executor of the port contract: starts in order, each when it fits.
std::vector<Token> all_placed(World& w, const Resources& capacity) {
  Resources used;
  std::vector<Token> tokens;
  for (const auto& [token, attempt] : w.attempts()) {
    if (attempt.ended) continue;
    const Run& run = *w.state().find_run(attempt.task.run);
    used.add(
        run.workflow().policy_of(run.group_spec(run.tasks[attempt.task.index].group)).resources);
    if (!capacity.covers(used)) break;
    tokens.push_back(token);
  }
  return tokens;
}

RC_GTEST_PROP(Staging, the_ledger_mirrors_an_executor_that_starts_in_order, ()) {
  const std::int64_t places = *rc::gen::inRange(1, 4);
  World w(cpus(places));
  w.strict = false;
  learn(w, std::chrono::microseconds{*rc::gen::inRange(100, 20'000)});
  for (int run = 0; run < 3; ++run) {
    const std::int64_t size = *rc::gen::inRange<std::int64_t>(1, places + 1);
    w.submit("tasks: {t: {run: x, array: 6, resources: {cpu: " + std::to_string(size) + "}}}");
  }
  while (w.unfinished() > 0) {
    const std::vector<Token> running = all_placed(w, cpus(places));
    std::vector<Token> holding;
    for (const auto& [token, live] : w.state().live) {
      if (w.state().holds_capacity(live)) holding.push_back(token);
    }
    RC_ASSERT(holding == running);
    RC_ASSERT(!running.empty());
    const Token next =
        running[static_cast<std::size_t>(*rc::gen::inRange<std::size_t>(0, running.size()))];
    const std::string label = w.attempts().at(next).label;
    if (*rc::gen::inRange(0, 8) == 0) {
      w.lose(label);
      w.wait(Duration{0});
    } else {
      w.succeed(label);
    }
  }
}

}  // namespace
}  // namespace reeve::core
