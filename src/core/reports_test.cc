// What executors report: believed only of the present attempt, in whatever order it comes.
#include <gtest/gtest.h>

#include "core/launch.h"
#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::Attempt;
using test::cpus;
using test::outcome;
using test::World;
using enum TaskState;
using std::chrono::seconds;

/// Reports of an attempt that a test sends by hand.
AttemptEnded end_of(const World& w, Token token, std::int32_t code) {
  AttemptEnded event;
  event.end = {.token = token,
               .outcome = test::exited(code),
               .usage = {},
               .started_at = w.now(),
               .ended_at = w.now(),
               .outputs = {},
               .message = ""};
  return event;
}

TEST(Reports, of_nobody_are_counted_and_change_nothing) {
  World w;
  w.submit("tasks: {a: {run: x}}");
  w.started("a");
  const Token nobody{999};
  for (const Event& event : std::initializer_list<Event>{
           AttemptStarted{nobody, w.now()}, AttemptProgressed{{nobody, 50, "half"}},
           end_of(w, nobody, 0), AttemptSeen{nobody, Liveness::unknown, 0},
           ArtifactsCollected{.token = nobody, .ok = true}, LaunchRejected{nobody, "no"}}) {
    EXPECT_TRUE(w.request(event));
    w.expect("a", running).expect_run(RunState::running);
  }
  EXPECT_EQ(w.stale_reports(), 6U);
  w.succeed("a");
}

TEST(Reports, of_an_old_attempt_do_not_touch_the_new_one) {
  World w;
  w.submit("tasks: {a: {run: x}}");
  const Token old = w.attempt("a").token;
  w.lose("a").wait(Duration{0}).expect("a", starting);
  EXPECT_NE(w.attempt("a").token, old);
  EXPECT_TRUE(w.request(AttemptStarted{old, w.now()}));
  w.expect("a", starting);
  EXPECT_TRUE(w.request(end_of(w, old, 0)));
  w.expect("a", starting).succeed("a").expect_run(RunState::succeeded);
  EXPECT_EQ(w.stale_reports(), 2U);
}

TEST(Reports, say_which_tier_was_reached) {
  World w;
  w.submit("tasks: {a: {run: x}, b: {run: x}}");
  w.ended("a", {.tier = SandboxTier::native});
  EXPECT_EQ(w.records().at(0).tier, SandboxTier::native);
  w.succeed("b");
  EXPECT_EQ(w.records().at(1).tier, SandboxTier::none);
}

TEST(Reports, that_come_twice_count_once) {
  World w;
  w.submit("tasks: {a: {run: x}, b: {run: x, artifacts: [o]}}");
  w.started("a").started("a").fail("a");
  const Attempt first = w.attempt("a");
  EXPECT_TRUE(w.request(first.end));
  EXPECT_EQ(w.records().size(), 1U);
  w.succeed("b").expect("b", validating);
  EXPECT_TRUE(w.request(w.attempt("b").end));  // its end again while its files are collected
  w.expect("b", validating).collected("b");
  EXPECT_EQ(w.records().size(), 2U);
}

TEST(Reports, an_end_may_overtake_its_start) {
  World w;
  w.submit("tasks: {a: {run: x}, b: {run: x, needs: a}}");
  const Token token = w.attempt("a").token;
  w.succeed("a").expect("a", succeeded);
  EXPECT_TRUE(w.request(AttemptStarted{token, w.now()}));
  w.expect("a", succeeded).succeed("b");
}

TEST(Reports, an_end_that_does_not_say_when_it_started) {
  World w;
  w.submit("tasks: {a: {run: x}}");
  w.ended("a", {.outcome = test::kSuccess, .ran = false}).expect("a", succeeded);
}

TEST(Progress, is_shown_while_an_attempt_runs) {
  World w;
  w.submit("tasks: {a: {run: x, retry: 1}}");
  w.started("a");
  const Token token = w.attempt("a").token;
  EXPECT_TRUE(w.request(AttemptProgressed{{token, 40, "linking"}}));
  EXPECT_EQ(w.view("a").task.percent, 40);
  EXPECT_EQ(w.view("a").message, "linking");
  EXPECT_TRUE(w.request(AttemptProgressed{{token, 900, ""}}));
  EXPECT_EQ(w.view("a").task.percent, 100);
  EXPECT_EQ(w.view("a").message, "linking");
  EXPECT_EQ(w.progressed(), (std::vector<TaskId>{w.id("a"), w.id("a")}));
  w.fail("a");
  EXPECT_EQ(w.view("a").task.percent, -1);
  EXPECT_TRUE(w.request(AttemptProgressed{{token, 50, ""}}));
  EXPECT_EQ(w.view("a").task.percent, -1);
  w.run_all();
}

TEST(Probes, ask_after_what_has_been_silent_and_only_that) {
  World w;
  w.answers_probes = false;
  w.submit("tasks: {a: {run: x}, b: {run: x}}");
  w.started("a").wait(seconds{5}).started("b").wait(seconds{5}).expect_probes({"a"});
  w.wait(seconds{10}).expect_probes({"a", "b"});
  w.succeed("a").succeed("b");
  EXPECT_FALSE(w.core().next_wake().has_value() && *w.core().next_wake() < w.now());
  w.wait(seconds{60}).expect_probes({});
}

TEST(Probes, an_answer_is_believed) {
  World w;
  w.answers_probes = false;
  w.submit("tasks: {a: {run: x}}");
  const Token token = w.attempt("a").token;
  EXPECT_TRUE(w.request(AttemptSeen{token, Liveness::waiting, 0}));
  w.expect("a", starting);
  EXPECT_TRUE(w.request(AttemptSeen{token, Liveness::running, 0}));
  w.expect("a", running);
  EXPECT_TRUE(w.request(AttemptSeen{token, Liveness::running, 0}));
  w.lose("a").expect("a", starting).succeed("a");
  ASSERT_EQ(w.records().size(), 2U);
  EXPECT_EQ(w.records()[0].outcome.kind, OutcomeClass::lost);
  EXPECT_NE(w.records()[0].started_at, kUnset);
}

TEST(Probes, an_answer_repeats_an_order_to_stop) {
  World w;
  w.submit("tasks: {a: {run: x}}");
  w.started("a").cancel().expect_stopped({"a"});
  const int before = w.attempt("a").stops;
  EXPECT_TRUE(w.request(AttemptSeen{w.attempt("a").token, Liveness::running, 0}));
  EXPECT_EQ(w.attempt("a").stops, before + 1);
  w.lose("a").expect("a", cancelled);
}

TEST(Probes, a_collection_that_is_silent_is_asked_for_again) {
  World w;
  w.submit("tasks: {a: {run: x, artifacts: [o]}}");
  w.succeed("a");
  w.attempt("a").collecting = false;
  w.wait(seconds{10});
  EXPECT_TRUE(w.attempt("a").collecting);
  w.collected("a").expect_run(RunState::succeeded);
}

TEST(Probes, follow_when_the_executor_comes_back) {
  World w;
  w.answers_probes = false;
  w.submit("tasks: {a: {run: x}, b: {run: x, artifacts: [o]}, c: {run: x, needs: a}}");
  w.succeed("b").pool(false).pool(true).expect_probes({"a"});
  w.pool(false).succeed("a").expect("c", queued).expect_started({});
  w.pool(true).expect_started({"c"}).expect_probes({}).succeed("c").collected("b");
}

TEST(Ended, without_a_reason_gets_the_one_that_its_class_has) {
  const std::vector<std::pair<Outcome, ReasonCode>> table{
      {test::kSuccess, ReasonCode::completed},
      {test::exited(3), ReasonCode::exit_status},
      {{OutcomeClass::signalled, 9, {}}, ReasonCode::killed_by_signal},
      {{OutcomeClass::timed_out, 0, {}}, ReasonCode::run_timeout},
      {{OutcomeClass::out_of_memory, 9, {}}, ReasonCode::memory_limit},
      {{OutcomeClass::lost, 0, {}}, ReasonCode::executor_lost},
      {{OutcomeClass::start_failed, 0, {}}, ReasonCode::could_not_start},
  };
  for (const auto& [outcome, reason] : table) {
    World w;
    w.submit("tasks: {a: {run: x, retry: {max: 0, on: []}}}");
    w.started("a").ended("a", {.outcome = outcome});
    EXPECT_EQ(w.records().at(0).outcome.reason.code, reason) << name(outcome.kind);
    EXPECT_EQ(w.records().at(0).outcome.code, outcome.code);
    w.strict = false;
    w.run_all();
  }
}

TEST(Executor, of_a_pool_that_is_not_there_is_ignored) {
  World w;
  EXPECT_TRUE(w.request(ExecutorChanged{PoolId{5}, true, ""}));
  EXPECT_TRUE(w.request(CapacitySet{PoolId{5}, cpus(9)}));
  EXPECT_EQ(w.state().pools.size(), 1U);
}

TEST(Artifacts, are_collected_after_a_good_end_and_seen_by_later_tasks) {
  World w;
  w.submit(
      "tasks:\n  a: {run: x, artifacts: [out/report.txt, {name: logs, path: '*.log', when: "
      "always}]}\n  b: {command: [cat, '${{ needs.a.artifacts.report }}'], needs: a}");
  w.succeed("a").expect("a", validating).expect("b", blocked);
  const auto paths = render_artifacts(w.state(), w.id("a"));
  ASSERT_TRUE(paths);
  ASSERT_EQ(paths->size(), 2U);
  EXPECT_EQ((*paths)[0].path, "out/report.txt");
  EXPECT_TRUE((*paths)[0].required);
  w.collected("a", {{"report", "/kept/1"}}).expect("a", succeeded);
  const auto launch =
      render_launch(w.state(), StartAttempt{w.id("b"), 1, w.attempt("b").token, PoolId{}});
  EXPECT_EQ(launch->arguments, (std::vector<std::string>{"cat", "/kept/1"}));
  w.succeed("b");
}

TEST(Artifacts, of_one_name_are_a_list_if_several_files_matched) {
  World w;
  w.submit(
      "tasks:\n  a: {run: x, artifacts: [{name: logs, path: '*.log'}]}\n"
      "  b: {run: x, needs: a, array: 2, artifacts: [{name: parts, path: 'p*'}]}\n"
      "  c: {needs: [a, b], command: [cat, '${{ toJSON(needs.a.artifacts.logs) }}', "
      "'${{ toJSON(needs.b.artifacts.parts) }}']}");
  w.succeed("a").collected("a", {{"logs", "/kept/1"}, {"logs", "/kept/2"}, {"logs", "/kept/3"}});
  w.succeed("b[0]").collected("b[0]", {{"parts", "/kept/4"}, {"parts", "/kept/5"}});
  w.succeed("b[1]").collected("b[1]", {{"parts", "/kept/6"}});
  const auto launch =
      render_launch(w.state(), StartAttempt{w.id("c"), 1, w.attempt("c").token, PoolId{}});
  ASSERT_TRUE(launch) << launch.error().text();
  std::vector<std::string> words = launch->arguments;
  for (std::string& word : words) std::erase_if(word, [](char c) { return c == ' ' || c == '\n'; });
  EXPECT_EQ(words, (std::vector<std::string>{"cat", R"(["/kept/1","/kept/2","/kept/3"])",
                                             R"([["/kept/4","/kept/5"],"/kept/6"])"}));
  w.run_all();
}

TEST(Artifacts, that_are_missing_reject_a_good_end) {
  World w;
  w.submit(
      "tasks: {a: {run: x, artifacts: [o], retry: {max: 1, backoff: {initial: 1s, jitter: false}, "
      "on: [rejected]}}}");
  w.succeed("a").not_collected("a", "o: no such file").expect("a", retry_wait);
  w.wait(seconds{1}).succeed("a").not_collected("a", "o: no such file");
  w.expect("a", failed, ReasonCode::artifact_missing);
  EXPECT_EQ(w.view("a").message, "o: no such file");
}

TEST(Artifacts, after_a_failure_only_what_is_wanted_then) {
  World w;
  w.submit("tasks: {a: {run: x, artifacts: [o, {name: why, path: core, when: failure}]}}");
  w.fail("a").expect("a", validating);
  const auto paths = render_artifacts(w.state(), w.id("a"));
  ASSERT_EQ(paths->size(), 1U);
  EXPECT_EQ(paths->front().name, "why");
  EXPECT_FALSE(paths->front().required);
  w.not_collected("a", "core: no such file").expect("a", failed, ReasonCode::exit_status);
}

TEST(Artifacts, of_what_never_ran_or_was_stopped_are_not_collected) {
  World w;
  w.submit("tasks: {a: {run: x, artifacts: [{path: o, when: always}], retry: {max: 0, on: []}}}");
  w.ended("a", {.outcome = outcome(OutcomeClass::rejected), .ran = false}).expect("a", failed);
  w.retry().started("a").cancel().fail("a").expect("a", cancelled);
}

TEST(LaunchRejected, fails_the_task_with_the_message) {
  World w;
  w.submit(
      "tasks: {a: {run: x}, b: {run: x, retry: {max: 1, backoff: {initial: 1s, jitter: false}, on: "
      "[rejected]}}}");
  Attempt& a = w.attempt("a");
  a.ended = true;
  EXPECT_TRUE(w.request(LaunchRejected{a.token, "env.X: no such input"}));
  w.expect("a", failed, ReasonCode::expression_failed).expect_started({"a", "b"});
  EXPECT_EQ(w.view("a").message, "env.X: no such input");
  Attempt& b = w.attempt("b");
  b.ended = true;
  EXPECT_TRUE(w.request(LaunchRejected{b.token, "later"}));
  w.expect("b", retry_wait).run_all();
}

}  // namespace
}  // namespace reeve::core
