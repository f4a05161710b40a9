// Sandboxes that people enter, and those that `retry --debug` keeps open.
#include <gtest/gtest.h>

#include "core/explain.h"
#include "core/launch.h"
#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::cpus;
using test::World;
using enum TaskState;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr RunId kRun{1};

Enter entry(const World& w, std::string_view label, std::vector<std::string> command = {"sh"}) {
  return {.task = w.id(label), .by = "ada", .user_id = 7, .command = std::move(command)};
}

std::string facts(const World& w, std::string_view label) {
  std::string all;
  for (const std::string& fact : explain_task(w.state(), w.id(label), w.now()).facts)
    all += fact + "\n";
  return all;
}

/// One that failed and, tried again, failed again and is held.
void hold(World& w, std::string_view yaml) {
  w.submit(yaml);
  w.fail("a", 3).expect_run(RunState::failed).retry(kRun, {}, minutes{30});
  w.started("a").held("a", 3).expect("a", running, ReasonCode::held_open);
}

TEST(Enter, is_recorded_and_let_in) {
  World w;
  w.submit("tasks: {a: {run: x}}");
  w.started("a");
  EXPECT_TRUE(w.request(entry(w, "a", {"sh", "-c", "ls"})));
  w.expect_entered({"a: sh -c ls"}).expect("a", running);
  const TaskExtra* const extra = w.state().find_run(kRun)->extra(0);
  ASSERT_TRUE(extra != nullptr && extra->entries.size() == 1);
  const Entry expected{
      .at = w.now(), .attempt = 1, .user_id = 7, .by = "ada", .command = "sh -c ls"};
  EXPECT_EQ(extra->entries.front(), expected);
  EXPECT_NE(facts(w, "a").find("ada entered attempt 1 with: sh -c ls"), std::string::npos);
  w.restart().succeed("a").expect_entered({});
}

TEST(Enter, keeps_the_newest_and_cuts_what_is_long) {
  World w;
  w.submit("tasks: {a: {run: x}}");
  w.started("a");
  for (std::size_t i = 0; i < kEntriesMax + 5; ++i)
    EXPECT_TRUE(w.request(entry(w, "a", {std::to_string(i)})));
  EXPECT_TRUE(w.request(entry(w, "a", {std::string(5000, 'x'), std::string(5000, 'y')})));
  const auto& entries = w.state().find_run(kRun)->extra(0)->entries;
  ASSERT_EQ(entries.size(), kEntriesMax);
  EXPECT_EQ(entries.front().command, "6");
  EXPECT_EQ(entries.back().command, std::string(kEntryCommandBytesMax, 'x'));
}

TEST(Enter, is_refused_where_there_is_nothing_to_enter) {
  World w(cpus(1));
  w.request(EngineStarted{.sandbox = {.unsandboxed = Permission::allowed}});
  w.submit("tasks: {a: {run: x}, b: {run: x}, open: {run: x, sandbox: none, needs: a}}");
  w.started("a");
  EXPECT_FALSE(w.request(entry(w, "b")));
  EXPECT_FALSE(w.request(entry(w, "a", {})));
  EXPECT_FALSE(w.request(Enter{.task = {kRun, 99}, .command = {"sh"}}));
  EXPECT_FALSE(w.request(Enter{.task = {RunId{2}, 0}, .command = {"sh"}}));
  Enter other = entry(w, "a");
  other.attempt = 2;
  EXPECT_FALSE(w.request(other));
  other.attempt = 1;
  EXPECT_TRUE(w.request(other));
  w.expect_entered({"a: sh"}).succeed("a").started("b").succeed("b").started("open");
  const auto refused = w.request(entry(w, "open"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("without a sandbox"), std::string::npos);
  w.run_all();
}

TEST(Hold, is_asked_of_the_executor_by_a_retry_only) {
  World w;
  w.submit("tasks: {a: {run: x}, b: {run: x, needs: a}}");
  const auto hold_of = [&](std::string_view label) {
    const test::Attempt& attempt = w.attempt(label);
    return render_launch(w.state(), {attempt.task, attempt.number, attempt.token, {}})->hold;
  };
  EXPECT_EQ(hold_of("a"), Duration{0});
  w.fail("a").retry(kRun, {}, minutes{5});
  EXPECT_EQ(hold_of("a"), minutes{5});
  w.restart();
  EXPECT_EQ(hold_of("a"), minutes{5});
  w.succeed("a").expect_started({"b"});
  EXPECT_EQ(hold_of("b"), minutes{5});
  w.fail("b").retry();
  EXPECT_EQ(hold_of("b"), Duration{0});
  w.run_all();
}

TEST(Hold, says_so_and_keeps_what_the_task_uses) {
  World w(cpus(1));
  hold(w, "tasks: {a: {run: x}}");
  EXPECT_EQ(w.state().planner.nodes.used(w.state().pools.front().node).cpu_millicores, 1000);
  const std::string why = w.why("a");
  EXPECT_NE(why.find("failed with status 3 and is held until"), std::string::npos) << why;
  EXPECT_NE(facts(w, "a").find("`reeve exec 1/a`"), std::string::npos);
  EXPECT_TRUE(w.request(entry(w, "a")));
  w.expect_entered({"a: sh"}).restart().expect("a", running, ReasonCode::held_open);
  w.fail("a", 3).expect("a", failed, ReasonCode::exit_status);
}

TEST(Hold, is_let_go_by_a_person_once) {
  World w;
  hold(w, "tasks: {a: {run: x}}");
  w.resume_task("a").expect_stopped({"a kill"}).expect("a", running, ReasonCode::hold_released);
  // The executor has not heard of it, or not yet: it stays let go.
  w.held("a", 3).expect_stopped({"a kill"}).expect("a", running, ReasonCode::hold_released);
  w.restart().expect_stopped({"a kill"});
  w.fail("a", 3).expect("a", failed, ReasonCode::exit_status).expect_run(RunState::failed);
}

TEST(Hold, is_let_go_with_its_run) {
  World w;
  hold(w, "tasks: {a: {run: x}}");
  w.resume().expect_stopped({"a kill"});
  EXPECT_TRUE(w.request(Pause{.run = kRun, .paused = false}));  // again, if they like
  w.expect_stopped({"a kill"}).fail("a", 3).expect_run(RunState::failed);
}

TEST(Hold, ends_as_its_program_did_when_it_is_cancelled) {
  World w;
  hold(w, "tasks: {a: {run: x}}");
  w.cancel().expect_stopped({"a kill"}).fail("a", 3);
  w.expect("a", failed, ReasonCode::exit_status).expect_run(RunState::failed);
  EXPECT_EQ(w.records().back().outcome.code, 3);
}

TEST(Hold, is_not_tried_again_by_itself) {
  World w;
  w.submit("tasks: {a: {run: x, retry: {max: 1, backoff: {initial: 1s, jitter: false}}}}");
  w.fail("a").wait(seconds{1}).fail("a").retry(kRun, {}, minutes{5});
  w.started("a").held("a").fail("a").expect("a", failed).expect_run(RunState::failed);
}

TEST(Hold, does_not_come_of_what_was_lost) {
  World w;
  w.submit("tasks: {a: {run: x}}");
  w.fail("a").retry(kRun, {}, minutes{5}).started("a").lose("a").expect("a", starting);
  w.succeed("a").expect_run(RunState::succeeded);
}

TEST(Hold, of_one_that_is_being_stopped_is_not_believed) {
  World w;
  w.submit("tasks: {a: {run: x}}");
  w.fail("a").retry(kRun, {}, minutes{5}).started("a").cancel().expect_stopped({"a"});
  w.held("a").expect("a", running, ReasonCode::cancelled_by_person);
  w.fail("a").expect("a", cancelled);
}

TEST(Hold, is_refused_without_a_sandbox_or_for_ever) {
  World w;
  w.request(EngineStarted{.sandbox = {.unsandboxed = Permission::allowed}});
  w.submit("tasks: {a: {run: x, sandbox: none}, b: {run: x, needs: {a: failure}}}");
  w.fail("a").fail("b");
  EXPECT_TRUE(w.core().reload(copy_of(w.disk().at(kRun))));
  EXPECT_FALSE(w.request(RetryHeld{{.run = kRun, .by = "ada"}, minutes{5}}));
  const RetryHeld from_b{{.run = kRun, .failed_only = false, .from = GroupIndex{1}}, {}};
  EXPECT_FALSE(w.request(from_b));
  EXPECT_FALSE(w.request(RetryHeld{from_b.retry, kHoldMax + seconds{1}}));
  EXPECT_TRUE(w.request(RetryHeld{from_b.retry, kHoldMax}));
  w.run_all();
}

}  // namespace
}  // namespace reeve::core
