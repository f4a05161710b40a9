// Runs that follow others: `reeve submit --after`. World checks after each step that followers are
// what the records say, also in a core that has just been recovered from them.
#include "core/follow.h"

#include <gtest/gtest.h>

#include "core/explain.h"
#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::cpus;
using test::Submission;
using test::World;
using enum TaskState;
using std::chrono::hours;
using std::chrono::minutes;

constexpr std::string_view kOneTask = "tasks: {a: {run: x}}";

std::vector<RunAfter> after_runs(std::vector<std::uint32_t> runs,
                                 AfterCondition condition = AfterCondition::success) {
  std::vector<RunAfter> out;
  for (const std::uint32_t run : runs)
    out.push_back({.run = RunId{run}, .uuid = {}, .condition = condition});
  return out;
}

/// One that had ended before, as the engine looks it up.
std::vector<RunAfter> after_ended(std::uint32_t run, RunState ended,
                                  AfterCondition condition = AfterCondition::success) {
  auto out = after_runs({run}, condition);
  out.front().ended = ended;
  return out;
}

RunId submit_after(World& w, std::vector<RunAfter> after, std::string_view yaml = kOneTask) {
  Submission submission;
  submission.after = std::move(after);
  return w.submit(yaml, submission);
}

TEST(Follow, starts_when_that_has_succeeded) {
  World w;
  w.submit(kOneTask);
  submit_after(w, after_runs({1}));
  w.expect_started({"a"}).expect("2/a", blocked).expect_run(RunState::queued, RunId{2});
  EXPECT_EQ(w.record(RunId{2}).reason, (Reason{ReasonCode::after_run, 1, 1}));
  w.succeed("a").expect_started({"2/a"}).expect_run(RunState::running, RunId{2});
  const RunRecord record = w.record(RunId{2});
  EXPECT_EQ(record.after->front().ended, RunState::succeeded);
  EXPECT_EQ(record.after->front().uuid, w.record(RunId{1}).uuid);
  w.succeed("2/a").expect_run(RunState::succeeded, RunId{2});
}

TEST(Follow, is_ended_by_the_engine_when_it_never_can_start) {
  World w;
  w.submit(kOneTask);
  submit_after(w, after_runs({1}));
  w.expect_started({"a"}).fail("a");
  w.expect("2/a", aborted, ReasonCode::after_unmet);
  w.expect_run(RunState::cancelled, ReasonCode::after_unmet, RunId{2});
  EXPECT_EQ(w.record(RunId{2}).reason.a, 1);
  EXPECT_EQ(following_facts(w.record(RunId{2}), nullptr),
            std::vector<std::string>{"run 1 is to succeed, and failed"});
}

TEST(Follow, failure_is_any_end_but_success) {
  World w;
  for (int i = 0; i < 3; ++i) w.submit(kOneTask);
  for (std::uint32_t run = 1; run <= 3; ++run)
    submit_after(w, after_runs({run}, AfterCondition::failure));
  w.expect_started({"a", "2/a", "3/a"}).fail("a").expect_started({"4/a"});
  w.cancel(RunId{2}, true).expect_stopped({"2/a kill"}).fail("2/a", 137).expect_started({"5/a"});
  w.succeed("3/a").expect_run(RunState::cancelled, ReasonCode::after_unmet, RunId{6});
  w.succeed("4/a").succeed("5/a");
}

TEST(Follow, end_is_any_end) {
  World w;
  for (int i = 0; i < 2; ++i) w.submit(kOneTask);
  submit_after(w, after_runs({1, 2}, AfterCondition::end));
  w.expect_started({"a", "2/a"}).fail("a").expect_run(RunState::queued, RunId{3});
  EXPECT_EQ(w.record(RunId{3}).reason, (Reason{ReasonCode::after_run, 1, 2}));
  w.succeed("2/a").expect_started({"3/a"}).succeed("3/a");
}

TEST(Follow, all_of_several_are_waited_for_and_the_first_otherwise_decides) {
  World w;
  for (int i = 0; i < 3; ++i) w.submit(kOneTask);
  submit_after(w, after_runs({1, 2, 3}));
  w.expect_started({"a", "2/a", "3/a"}).succeed("a").fail("3/a");
  w.expect_run(RunState::cancelled, ReasonCode::after_unmet, RunId{4});
  EXPECT_EQ(w.record(RunId{4}).reason.a, 3);
  w.succeed("2/a");
}

TEST(Follow, what_has_ended_before_is_known_at_once) {
  World w;
  w.submit(kOneTask);
  w.expect_started({"a"}).succeed("a");
  submit_after(w, after_ended(1, RunState::succeeded));
  w.expect_started({"2/a"}).fail("2/a");
  submit_after(w, after_ended(2, RunState::failed));
  w.expect_run(RunState::cancelled, ReasonCode::after_unmet, RunId{3});
  submit_after(w, after_ended(2, RunState::failed, AfterCondition::failure));
  w.expect_started({"4/a"}).succeed("4/a");
}

TEST(Follow, what_is_in_memory_counts_and_not_what_the_event_says) {
  World w;
  w.submit(kOneTask);
  submit_after(w, after_ended(1, RunState::succeeded));
  w.expect_started({"a"}).expect_run(RunState::queued, RunId{2});
  w.succeed("a").expect_started({"2/a"}).succeed("2/a");
}

TEST(Follow, refuses_what_nobody_knows_itself_and_too_many) {
  World w;
  const auto refused = [&](std::vector<RunAfter> list) {
    const auto workflow = test::workflow_of(kOneTask);
    SubmitRun event{.workflow_digest = workflow->digest, .workflow = workflow};
    const auto answer = w.request(SubmitAfter{std::move(event), std::move(list)});
    return answer ? ErrorCode::io_failed : answer.error().code;
  };
  EXPECT_EQ(refused(after_runs({7})), ErrorCode::not_found);
  EXPECT_EQ(refused(after_runs({1})), ErrorCode::not_found);  // it would be itself
  EXPECT_EQ(refused(after_ended(1, RunState::succeeded)), ErrorCode::not_found);
  EXPECT_EQ(refused(std::vector<RunAfter>(kRunAfterMax + 1)), ErrorCode::invalid_argument);
  auto strange = after_runs({1});
  strange.front().condition = static_cast<AfterCondition>(9);
  EXPECT_EQ(refused(strange), ErrorCode::invalid_argument);
}

TEST(Follow, the_same_run_may_be_named_twice) {
  World w;
  w.submit(kOneTask);
  auto both = after_runs({1, 1});
  both.back().condition = AfterCondition::end;
  submit_after(w, both);
  w.expect_started({"a"}).succeed("a").expect_started({"2/a"}).succeed("2/a");
  w.submit(kOneTask);
  both = after_runs({3, 3});
  both.back().condition = AfterCondition::failure;
  submit_after(w, both);
  w.expect_started({"3/a"}).succeed("3/a");
  w.expect_run(RunState::cancelled, ReasonCode::after_unmet, RunId{4});
}

TEST(Follow, a_chain_of_a_thousand_goes_through_and_falls_at_once) {
  World w;
  constexpr std::uint32_t kLength = 1000;
  w.submit(kOneTask);
  for (std::uint32_t run = 1; run < kLength; ++run) submit_after(w, after_runs({run}));
  w.expect_started({"a"}).succeed("a").expect_started({"2/a"});
  EXPECT_EQ(w.unfinished(), kLength - 1);
  w.fail("2/a");
  EXPECT_EQ(w.unfinished(), 0u);
  w.expect_run(RunState::cancelled, ReasonCode::after_unmet, RunId{kLength});
  EXPECT_EQ(w.record(RunId{kLength}).reason.a, kLength - 1);
}

TEST(Follow, takes_its_concurrency_group_only_then) {
  constexpr std::string_view kGrouped = "concurrency: {group: g, limit: 1}\ntasks: {a: {run: x}}";
  World w;
  w.submit(kOneTask);
  submit_after(w, after_runs({1}), kGrouped);
  w.submit(kGrouped);
  w.expect_started({"a", "3/a"}).succeed("a");
  w.expect_run(RunState::queued, RunId{2});  // now it stands in line
  EXPECT_EQ(explain_run(w.state(), RunId{2}, w.now()).reason.code, ReasonCode::concurrency_busy);
  w.succeed("3/a").expect_started({"2/a"}).succeed("2/a");
}

TEST(Follow, replaces_older_runs_of_its_group_only_when_it_comes) {
  constexpr std::string_view kReplacing =
      "concurrency: {group: g, limit: 1, cancel-in-progress: true}\ntasks: {a: {run: x}}";
  World w;
  w.submit(kReplacing);
  submit_after(w, after_runs({1}), kReplacing);
  w.expect_started({"a"}).expect_stopped({}).succeed("a").expect_started({"2/a"});
  submit_after(w, after_runs({2}, AfterCondition::end), kReplacing);
  w.submit(kReplacing);  // replaces 2, not 3, which has not come yet; 3 comes and replaces 4
  w.expect_stopped({"2/a"}).fail("2/a", 143);
  w.expect_run(RunState::cancelled, ReasonCode::replaced_by_newer, RunId{2});
  w.expect_run(RunState::cancelled, ReasonCode::replaced_by_newer, RunId{4});
  w.expect_started({"3/a"}).succeed("3/a");
}

TEST(Follow, a_person_cancels_it_and_what_follows_it_falls) {
  World w;
  w.submit(kOneTask);
  submit_after(w, after_runs({1}));
  submit_after(w, after_runs({2}));
  w.expect_started({"a"}).cancel(RunId{2});
  w.expect_run(RunState::cancelled, ReasonCode::cancelled_by_person, RunId{2});
  w.expect_run(RunState::cancelled, ReasonCode::after_unmet, RunId{3});
  EXPECT_TRUE(w.state().followers.empty());
  w.succeed("a");
}

TEST(Follow, the_first_end_counts_whatever_is_retried_later) {
  World w;
  w.submit("tasks: {a: {run: x}, b: {run: x, needs: a}}");
  w.submit(kOneTask);
  submit_after(w, after_runs({1, 2}));
  w.expect_started({"a", "2/a"}).succeed("a").expect_started({"b"}).succeed("b");
  w.retry(RunId{1}, "b").expect_started({"b"}).succeed("2/a");
  w.expect_started({"3/a"}).fail("b").succeed("3/a").expect_run(RunState::succeeded, RunId{3});
}

TEST(Follow, a_retry_waits_for_what_is_open_then_and_asks_nothing_else) {
  World w;
  w.submit(kOneTask);
  submit_after(w, after_runs({1}));
  w.expect_started({"a"}).fail("a");
  w.expect_run(RunState::cancelled, ReasonCode::after_unmet, RunId{2});
  w.retry(RunId{1}).expect_started({"a"}).retry(RunId{2});
  w.expect_run(RunState::queued, ReasonCode::after_run, RunId{2});
  w.fail("a").expect_run(RunState::cancelled, ReasonCode::after_unmet, RunId{2});
  w.retry(RunId{2}).expect_started({"2/a"}).succeed("2/a");  // whoever retries it decides
  w.expect_run(RunState::succeeded, RunId{2});
}

TEST(Follow, a_pause_holds_it_when_its_turn_has_come) {
  World w;
  w.submit(kOneTask);
  submit_after(w, after_runs({1}));
  w.expect_started({"a"}).pause(RunId{2}).succeed("a").expect_started({});
  w.resume(RunId{2}).expect_started({"2/a"}).succeed("2/a");
  w.submit(kOneTask);
  submit_after(w, after_runs({3}));
  w.expect_started({"3/a"}).pause(RunId{4}).resume(RunId{4}).expect_started({}).succeed("3/a");
  w.expect_started({"4/a"}).succeed("4/a");
}

TEST(Follow, not_before_and_a_deadline_hold_too) {
  World w;
  w.submit(kOneTask);
  submit_after(w, after_runs({1}), "deadline: 1h\ntasks: {a: {run: x}}");
  submit_after(w, after_runs({2}, AfterCondition::failure));
  w.expect_started({"a"}).wait(hours{2}).expect_run(RunState::failed, RunId{2});
  w.expect_started({"3/a"}).succeed("3/a").succeed("a");
}

TEST(Follow, outlives_the_engine) {
  World w;
  w.submit(kOneTask);
  submit_after(w, after_runs({1}));
  submit_after(w, after_runs({2}, AfterCondition::end));
  w.expect_started({"a"}).restart().expect_run(RunState::queued, ReasonCode::after_run, RunId{3});
  EXPECT_EQ(w.state().followers.size(), 2u);
  w.succeed("a").expect_started({"2/a"}).restart().fail("2/a").expect_started({"3/a"});
  w.succeed("3/a");
}

TEST(Follow, is_not_recovered_from_rows_that_would_let_it_wait_for_ever) {
  World w;
  w.submit(kOneTask);
  submit_after(w, after_runs({1}));
  w.expect_started({"a"});
  Snapshot snapshot = snapshot_of(w.state());
  snapshot.runs.erase(snapshot.runs.begin());
  Core core({{.name = "local", .capacity = cpus(1)}});
  const Status loaded = core.load(std::move(snapshot));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::corrupt);
  EXPECT_NE(loaded.error().text().find("run 2 is stored to wait for run 1"), std::string::npos);
  w.succeed("a").expect_started({"2/a"}).succeed("2/a");
}

TEST(Follow, one_that_is_loaded_alone_to_be_looked_at_waits) {
  World w;
  w.submit(kOneTask);
  submit_after(w, after_runs({1}));
  w.expect_started({"a"});
  Core core({{.name = "local", .capacity = cpus(1)}});
  ASSERT_TRUE(core.reload(stored_run(*w.state().find_run(RunId{2}))));
  ASSERT_TRUE(core.apply(EngineStarted{}, w.now()));
  EXPECT_EQ(core.state().find_task({RunId{2}, 0})->state, blocked);
  const Explanation why = explain_run(core.state(), RunId{2}, w.now());
  EXPECT_EQ(why.reason.code, ReasonCode::after_run);
  EXPECT_EQ(why.facts, std::vector<std::string>{"run 1 is to succeed; it has not ended"});
  w.succeed("a").expect_started({"2/a"}).succeed("2/a");
}

TEST(Follow, says_for_whom_it_waits_and_in_what_state_they_are) {
  World w;
  w.submit(kOneTask);
  w.submit(kOneTask);
  w.expect_started({"a", "2/a"}).pause(RunId{2});
  auto both = after_runs({1, 2});
  both.back().condition = AfterCondition::end;
  submit_after(w, both);
  const Explanation why = explain_run(w.state(), RunId{3}, w.now());
  EXPECT_EQ(why.sentence,
            "waits until run 1 has ended, which it follows; such runs that are open: 2");
  EXPECT_EQ(why.facts, (std::vector<std::string>{"run 1 is to succeed; it is running",
                                                 "run 2 is to end; it is paused"}));
  EXPECT_EQ(explain_task(w.state(), {RunId{3}, 0}, w.now()).facts, why.facts);
  w.succeed("a").succeed("2/a").expect_started({"3/a"}).succeed("3/a");
}

TEST(Follow, every_condition_has_a_name) {
  for (std::size_t i = 0; i < kAfterConditionCount; ++i) {
    const auto condition = static_cast<AfterCondition>(i);
    EXPECT_EQ(parse_after_condition(name(condition)), condition);
  }
  EXPECT_EQ(parse_after_condition("afterok"), std::nullopt);
  EXPECT_EQ(name(static_cast<AfterCondition>(9)), "unknown");
}

}  // namespace
}  // namespace reeve::core
