// Every checker objects to what it is there for: commits, processes and answers made up by hand,
// one wrong thing in each.
#include "sim/checker.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "spec/parse.h"

namespace reeve::sim {
namespace {

using core::RunState;
using core::TaskState;
using std::chrono::seconds;

constexpr std::string_view kYaml =
    "tasks:\n"
    "  a: {run: x, retry: {max: 1, backoff: {initial: 10s, jitter: false}, on: [exit]}}\n"
    "  b: {run: x, needs: [a]}\n"
    "  c: {run: x, matrix: {n: [1, 2]}}\n";
constexpr std::uint32_t kA = 0;
constexpr std::uint32_t kB = 1;
constexpr std::uint32_t kC = 2;  // and 3

/// Commits and events of one run, as an engine would make them if it were right.
class Forger {
 public:
  explicit Forger(std::string_view yaml = kYaml) {
    const spec::Parsed parsed = spec::parse_workflow(yaml, "x.yaml");
    EXPECT_NE(parsed.workflow, nullptr);
    run_.id = RunId{1};
    run_.uuid = Uuid::from_parts(1, 1, 1);
    run_.workflow = parsed.workflow;
    run_.state = RunState::running;
    checker.on_capacity(PoolId{}, {.cpu_millicores = 1'000'000, .memory_bytes = 1 << 30});
  }

  core::RunRecord& run() { return run_; }
  core::Task& task(std::uint32_t index) {
    while (tasks_.size() <= index) {
      tasks_.emplace_back();
      const auto group = std::min<std::size_t>(tasks_.size() - 1, run_.workflow->groups.size() - 1);
      tasks_.back().group = GroupIndex{static_cast<std::uint32_t>(group)};
    }
    return tasks_[index];
  }
  /// The task gets its next attempt.
  Token issue(std::uint32_t index) {
    core::Task& it = task(index);
    it.state = TaskState::starting;
    it.token = Token{++tokens_};
    ++it.attempt;
    touch(index);
    return it.token;
  }
  void set(std::uint32_t index, TaskState state) {
    task(index).state = state;
    touch(index);
  }
  void touch(std::uint32_t index) { touched_.push_back(index); }
  /// The world and the commit agree that the attempt ended so.
  void end(std::uint32_t index, Outcome outcome) {
    checker.on_end_kept(PoolId{}, {.token = task(index).token, .outcome = outcome});
    record(index, outcome);
  }
  void record(std::uint32_t index, Outcome outcome) {
    const core::Task& it = task(index);
    ends_.push_back(
        {.task = {run_.id, index}, .number = it.attempt, .token = it.token, .outcome = outcome});
  }
  Launch launch(std::uint32_t index) {
    const core::Task& it = task(index);
    return {.token = it.token,
            .task = {run_.id, index},
            .attempt = it.attempt,
            .run = run_.uuid,
            .resources = run_.workflow->policy_of(run_.workflow->groups[it.group.value]).resources};
  }
  void commit(Duration later = seconds{1}) {
    now_ += later;
    engine::JournalRecord journal;
    journal.step = ++step;
    journal.now = now_;
    const std::vector<const core::RunRecord*> runs{&run_};
    std::vector<engine::TaskRow> rows;
    for (const std::uint32_t index : touched_) rows.push_back({{run_.id, index}, &tasks_[index]});
    checker.on_durable({.journal = &journal,
                        .runs = runs,
                        .tasks = rows,
                        .attempts = ends_,
                        .last_token = Token{tokens_}},
                       state_);
    touched_.clear();
    ends_.clear();
  }
  /// The name of the checker that objected, or "".
  std::string objection() const {
    return basics_.verdict.is_clean() ? "" : basics_.verdict.first()->checker;
  }

 private:
  Basics basics_{1};

 public:
  Checker checker{basics_};
  std::uint64_t step = 0;

 private:
  core::State state_{{core::PoolSetup{}}};
  core::RunRecord run_;
  std::deque<core::Task> tasks_;
  std::vector<std::uint32_t> touched_;
  std::vector<core::AttemptRecord> ends_;
  std::uint64_t tokens_ = 0;
  Time now_ = kWorldBegin;
};

constexpr Outcome kSuccess{OutcomeClass::exited, 0, {}};
constexpr Outcome kFailure{OutcomeClass::exited, 1, {}};
constexpr Outcome kKilled{OutcomeClass::signalled, 9, {}};

TEST(SimChecker, has_nothing_to_say_when_all_is_well) {
  Forger it;
  it.issue(kA);
  it.commit();
  it.checker.on_process_started(PoolId{}, it.launch(kA));
  it.checker.on_process_ended(PoolId{}, it.launch(kA), kSuccess);
  it.end(kA, kSuccess);
  it.set(kA, TaskState::succeeded);
  it.issue(kB);
  it.commit();
  it.checker.on_process_started(PoolId{}, it.launch(kB));
  EXPECT_EQ(it.objection(), "");
}

TEST(SimChecker, sees_a_start_before_its_needs) {
  Forger it;
  it.issue(kA);
  it.issue(kB);
  it.commit();
  EXPECT_EQ(it.objection(), "needs");
}

TEST(SimChecker, sees_a_start_of_a_run_that_is_cancelled_or_paused) {
  Forger cancelled;
  cancelled.run().cancel_requested = true;
  cancelled.issue(kA);
  cancelled.commit();
  EXPECT_EQ(cancelled.objection(), "cancel");
  Forger paused;
  paused.run().paused = true;
  paused.issue(kA);
  paused.commit();
  EXPECT_EQ(paused.objection(), "pause");
}

TEST(SimChecker, sees_a_retry_that_the_policy_does_not_give) {
  struct Case {
    Outcome how;
    int tries;
    Duration wait;
  };
  for (const Case& wrong : {Case{kKilled, 1, seconds{60}},     // not listed
                            Case{kFailure, 2, seconds{60}},    // once too often
                            Case{kFailure, 1, seconds{9}}}) {  // too early
    Forger it;
    it.issue(kA);
    it.commit();
    for (int i = 0; i < wrong.tries; ++i) {
      EXPECT_EQ(it.objection(), "");
      it.end(kA, wrong.how);
      it.set(kA, TaskState::retry_wait);
      it.commit();
      it.issue(kA);
      it.commit(wrong.wait);
    }
    EXPECT_EQ(it.objection(), "retries");
  }
}

TEST(SimChecker, sees_a_retry_before_the_end) {
  Forger it;
  it.issue(kA);
  it.commit();
  it.issue(kA);
  it.commit();
  EXPECT_EQ(it.objection(), "runs_twice");
}

TEST(SimChecker, sees_tokens_and_attempts_that_do_not_grow) {
  Forger token;
  token.issue(kA);
  token.issue(kC);
  token.task(kC).token = token.task(kA).token;
  token.commit();
  EXPECT_EQ(token.objection(), "tokens");
  Forger attempt;
  attempt.issue(kA);
  attempt.task(kA).attempt = 7;
  attempt.commit();
  EXPECT_EQ(attempt.objection(), "tokens");
}

TEST(SimChecker, sees_a_second_result_and_a_false_one) {
  Forger second;
  second.issue(kA);
  second.commit();
  second.end(kA, kSuccess);
  second.commit();
  second.end(kA, kSuccess);
  second.commit();
  EXPECT_EQ(second.objection(), "one_result");

  for (const Outcome& told : {kSuccess, Outcome{OutcomeClass::lost, 0, {}}}) {
    Forger wrong;
    wrong.issue(kA);
    wrong.commit();
    wrong.checker.on_end_kept(PoolId{}, {.token = wrong.task(kA).token, .outcome = kFailure});
    wrong.record(kA, told);
    wrong.commit();
    EXPECT_EQ(wrong.objection(), "ends");
  }
}

TEST(SimChecker, sees_an_end_while_the_process_lives) {
  Forger it;
  it.issue(kA);
  it.commit();
  it.checker.on_process_started(PoolId{}, it.launch(kA));
  it.end(kA, kSuccess);
  it.commit();
  EXPECT_EQ(it.objection(), "ends");
}

TEST(SimChecker, sees_a_final_state_that_changes) {
  Forger it;
  it.set(kA, TaskState::skipped);
  it.commit();
  it.set(kA, TaskState::queued);
  it.commit();
  EXPECT_EQ(it.objection(), "final_is_final");
}

TEST(SimChecker, sees_results_that_do_not_follow) {
  Forger unearned;
  unearned.set(kA, TaskState::succeeded);
  unearned.commit();
  EXPECT_EQ(unearned.objection(), "results");

  Forger unwanted;
  unwanted.set(kA, TaskState::cancelled);
  unwanted.commit();
  EXPECT_EQ(unwanted.objection(), "results");

  Forger early;
  early.run().state = RunState::succeeded;
  early.commit();
  EXPECT_EQ(early.objection(), "results");
}

TEST(SimChecker, sees_a_leg_that_starts_after_another_failed) {
  Forger it;
  it.issue(kC);
  it.commit();
  it.end(kC, kFailure);
  it.task(kC).outcome = OutcomeClass::exited;
  it.set(kC, TaskState::failed);
  it.task(kC + 1).group = GroupIndex{2};
  it.issue(kC + 1);
  it.commit();
  EXPECT_EQ(it.objection(), "fail_fast");
}

TEST(SimChecker, sees_a_lock_with_two_holders_in_rows_and_in_the_world) {
  constexpr std::string_view kLocked =
      "tasks:\n  a: {run: x, concurrency: {group: g}}\n  b: {run: x, concurrency: {group: g}}\n";
  Forger rows{kLocked};
  rows.issue(0);
  rows.issue(1);
  rows.commit();
  EXPECT_EQ(rows.objection(), "locks");

  Forger world{kLocked};
  world.issue(0);
  world.commit();
  const Launch first = world.launch(0);
  world.checker.on_process_started(PoolId{}, first);
  world.checker.on_token_unknown(PoolId{}, first.token);
  world.checker.on_process_ended(PoolId{}, first, {OutcomeClass::lost, 0, {}});
  world.record(0, {OutcomeClass::lost, 0, {}});
  world.set(0, TaskState::failed);
  world.issue(1);
  world.commit();
  EXPECT_EQ(world.objection(), "");
  world.checker.on_process_started(PoolId{}, world.launch(1));
  Launch forged = world.launch(0);
  forged.token = Token{99};
  world.checker.on_process_started(PoolId{}, forged);
  EXPECT_NE(world.objection(), "");
}

TEST(SimChecker, sees_rounds_that_nobody_began) {
  Forger it;
  for (const std::uint32_t task : {kA, kB, kC, kC + 1}) {
    if (task == kC + 1) it.task(task).group = GroupIndex{2};
    it.set(task, TaskState::skipped);
  }
  it.run().state = RunState::succeeded;
  it.commit();
  EXPECT_EQ(it.objection(), "");
  it.run().state = RunState::running;
  it.commit();
  EXPECT_EQ(it.objection(), "rounds");
}

TEST(SimChecker, sees_a_gap_in_the_journal_and_time_that_runs_back) {
  Forger gap;
  gap.commit();
  ++gap.step;
  gap.commit();
  EXPECT_EQ(gap.objection(), "journal");
  Forger back;
  back.commit();
  back.commit(-seconds{1});
  EXPECT_EQ(back.objection(), "time");
}

TEST(SimChecker, sees_processes_that_must_not_be) {
  Forger undecided;
  undecided.task(kA).token = Token{1};
  undecided.commit();
  undecided.checker.on_process_started(PoolId{}, undecided.launch(kA));
  EXPECT_EQ(undecided.objection(), "durable_first");

  Forger twice;
  twice.issue(kA);
  twice.commit();
  twice.checker.on_process_started(PoolId{}, twice.launch(kA));
  twice.checker.on_process_started(PoolId{}, twice.launch(kA));
  EXPECT_EQ(twice.objection(), "runs_twice");

  Forger again;
  again.issue(kA);
  again.commit();
  again.end(kA, kSuccess);
  again.set(kA, TaskState::succeeded);
  again.commit();
  again.checker.on_process_started(PoolId{}, again.launch(kA));
  EXPECT_EQ(again.objection(), "runs_again");

  Forger other;
  other.issue(kA);
  other.commit();
  Launch larger = other.launch(kA);
  larger.resources.cpu_millicores += 1;
  other.checker.on_process_started(PoolId{}, larger);
  EXPECT_EQ(other.objection(), "launch");

  Forger crowded;
  crowded.issue(kA);
  crowded.commit();
  crowded.checker.on_capacity(PoolId{}, {.cpu_millicores = 1, .memory_bytes = 0});
  crowded.checker.on_process_started(PoolId{}, crowded.launch(kA));
  EXPECT_EQ(crowded.objection(), "") << "what was let in before the capacity went down";
  crowded.issue(kC);
  crowded.commit();
  crowded.checker.on_process_started(PoolId{}, crowded.launch(kC));
  EXPECT_EQ(crowded.objection(), "capacity");
}

TEST(SimChecker, sees_answers_without_substance) {
  core::SubmitRun submit;
  Forger nothing;
  nothing.checker.on_submit_answered(submit, {.run = RunId{1}});
  EXPECT_EQ(nothing.objection(), "lost_work");

  Forger cancel;
  cancel.commit();
  cancel.checker.on_request_answered(core::Cancel{.run = RunId{1}, .by = {}, .why = {}});
  EXPECT_EQ(cancel.objection(), "answers");
}

/// Commits of runs that follow run 1, as an engine would make them.
class FollowForger {
 public:
  FollowForger() {
    const spec::Parsed parsed = spec::parse_workflow("tasks: {a: {run: x}}", "x.yaml");
    for (std::uint32_t i = 0; i < 2; ++i) {
      rows_[i].id = RunId{i + 1};
      rows_[i].uuid = Uuid::from_parts(1, 1, i + 1);
      rows_[i].workflow = parsed.workflow;
    }
    rows_[1].after = std::make_unique<std::vector<core::RunAfter>>();
    rows_[1].after->push_back(
        {.run = RunId{1}, .uuid = rows_[0].uuid, .condition = {}, .is_open = true});
    submitted_ = core::SubmitAfter{{.uuid = rows_[1].uuid}, *rows_[1].after};
  }
  core::RunRecord& row(std::uint32_t id) { return rows_[id - 1]; }
  core::RunAfter& after() { return rows_[1].after->front(); }
  void commit(std::vector<std::uint32_t> ids, std::vector<core::Event> events = {}) {
    engine::JournalRecord journal;
    journal.step = ++step_;
    journal.now = now_ += seconds{1};
    Writer writer(journal.events);
    encode(writer, events);
    std::vector<const core::RunRecord*> runs;
    for (const std::uint32_t id : ids) runs.push_back(&row(id));
    following_.before_rows({.journal = &journal, .runs = runs}, model_);
    model_.begin_commit(journal.now);
    for (const core::RunRecord* run : runs) model_.put_run(*run);
    said_ = following_.after_rows({.journal = &journal, .runs = runs}, model_);
  }
  void submit() { commit({1, 2}, {submitted_}); }
  /// Run 1 ends so, and run 2 is told.
  void end(RunState state) {
    row(1).state = after().ended = state;
    after().is_open = false;
  }
  const std::string& said() const { return said_; }
  std::string obstacle() const { return following_.obstacle(RunId{2}); }

 private:
  core::RunRecord rows_[2];
  core::Event submitted_;
  Following following_;
  Model model_;
  Time now_ = Time{seconds{1000}};
  std::uint64_t step_ = 0;
  std::string said_;
};

TEST(SimChecker, knows_when_a_follower_may_start) {
  FollowForger good;
  good.submit();
  EXPECT_EQ(good.said(), "");
  EXPECT_NE(good.obstacle(), "");
  good.end(RunState::succeeded);
  good.commit({1, 2});
  EXPECT_EQ(good.said(), "");
  EXPECT_EQ(good.obstacle(), "");

  FollowForger ended;
  ended.submit();
  ended.end(RunState::failed);
  ended.row(2).state = RunState::cancelled;
  ended.row(2).reason = {ReasonCode::after_unmet, 0, 1};
  ended.commit({2, 1});
  EXPECT_EQ(ended.said(), "");
  ended.row(2).state = RunState::queued;  // a person retries it
  ++ended.row(2).round;
  ended.commit({2});
  EXPECT_EQ(ended.said(), "");
  EXPECT_EQ(ended.obstacle(), "");
}

TEST(SimChecker, sees_followers_that_are_forgotten_or_ended_for_nothing) {
  FollowForger other;
  other.after().condition = core::AfterCondition::end;
  other.submit();
  EXPECT_NE(other.said(), "") << "it was to be success";

  FollowForger none;
  none.commit({1, 2});
  EXPECT_NE(none.said(), "") << "nobody asked for it";

  FollowForger impatient;
  impatient.submit();
  impatient.after().is_open = false;
  impatient.commit({2});
  EXPECT_NE(impatient.said(), "");

  FollowForger late;
  late.submit();
  late.end(RunState::failed);
  late.commit({1, 2});
  EXPECT_NE(late.said(), "") << "it never can start, and goes on";

  FollowForger deaf;
  deaf.submit();
  deaf.row(1).state = RunState::failed;
  deaf.commit({1});
  EXPECT_NE(deaf.said(), "") << "it was not told";

  FollowForger eager;
  eager.submit();
  eager.row(2).state = RunState::cancelled;
  eager.row(2).reason = {ReasonCode::after_unmet, 0, 1};
  eager.commit({2});
  EXPECT_NE(eager.said(), "") << "it could still start";
}

TEST(SimChecker, sees_a_run_that_never_ends_and_processes_that_stay) {
  Forger open;
  open.commit();
  open.checker.on_rest([](const RunImage&) { return std::string{}; });
  EXPECT_EQ(open.objection(), "ends_at_last");

  Forger alive;
  alive.issue(kA);
  alive.commit();
  alive.checker.on_process_started(PoolId{}, alive.launch(kA));
  alive.checker.on_rest([](const RunImage&) { return std::string{"patience"}; });
  EXPECT_EQ(alive.objection(), "leftovers");
}

TEST(SimChecker, sees_runs_that_recovery_lost) {
  Forger it;
  it.commit();
  it.checker.on_recovered(core::State{{core::PoolSetup{}}}, nullptr);
  EXPECT_EQ(it.objection(), "recovery");
}

}  // namespace
}  // namespace reeve::sim
