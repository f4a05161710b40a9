// Submissions that follow other runs: how those ended is known in the very step that takes the
// submission in, wherever they are by then, and a replay knows it from the journal alone.
#include <gtest/gtest.h>

#include "engine/replay.h"
#include "engine/test_rig.h"
#include "store/memory/memory_store.h"

namespace reeve::engine {
namespace {

using core::AfterCondition;
using core::RunState;
using store::memory::MemoryDisk;
using store::memory::MemoryStore;
using test::Rig;
using test::submission;

constexpr std::string_view kPlainRun = "tasks: {a: {run: x}}";

class EngineFollow : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(rig.open()); }

  static core::SubmitAfter following(RunId run, AfterCondition condition,
                                     RunState claimed = RunState::queued) {
    core::SubmitAfter event{submission(kPlainRun), {}};
    event.after.push_back({.run = run, .uuid = {}, .condition = condition, .ended = claimed});
    return event;
  }
  RunId submit_after(RunId run, AfterCondition condition, RunState claimed = RunState::queued) {
    const Result<Receipt> receipt = rig.ask(following(run, condition, claimed));
    EXPECT_TRUE(receipt);
    return receipt ? receipt->run : RunId{};
  }
  void end_badly() { ASSERT_TRUE(rig.executor.end_one(rig.clock.time, 1)); }
  void expect_replayed() {
    const Result<ReplayReport> report = replay(store, {.pools = rig.options.pools});
    ASSERT_TRUE(report) << report.error().text();
    EXPECT_EQ(report->diverged_at, std::nullopt);
    EXPECT_EQ(report->steps, disk.journal().size());
  }

  MemoryDisk disk;
  MemoryStore store{disk};
  Rig rig{store};
};

TEST_F(EngineFollow, how_a_run_ended_long_ago_comes_from_the_store_and_not_from_the_client) {
  const RunId failed = rig.submit(kPlainRun);
  ASSERT_TRUE(rig.executor.end_one(rig.clock.time, 1));
  ASSERT_TRUE(rig.run_all());
  ASSERT_EQ(rig.ended(failed), RunState::failed);
  const RunId never = submit_after(failed, AfterCondition::success, RunState::succeeded);
  const RunId after = submit_after(failed, AfterCondition::failure, RunState::succeeded);
  ASSERT_TRUE(rig.run_all());
  EXPECT_EQ(rig.ended(never), RunState::cancelled);
  EXPECT_EQ(rig.ended(after), RunState::succeeded);
  const Result<StoredRun> stored = store.load_run(after);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->record.after->front().uuid, store.load_run(failed)->record.uuid);
  expect_replayed();
}

TEST_F(EngineFollow, an_end_in_the_same_round_counts_whichever_comes_first) {
  for (const bool end_first : {true, false}) {
    const RunId run = rig.submit(kPlainRun);
    ASSERT_TRUE(rig.settle());
    if (end_first) end_badly();
    rig.engine().post(following(run, AfterCondition::success), nullptr);
    rig.engine().post(following(run, AfterCondition::failure), nullptr);
    if (!end_first) end_badly();
    ASSERT_TRUE(rig.run_all());
    EXPECT_EQ(rig.ended(run), RunState::failed);
    EXPECT_EQ(rig.ended(RunId{run.value + 1}), RunState::cancelled);
    EXPECT_EQ(rig.ended(RunId{run.value + 2}), RunState::succeeded);
  }
  expect_replayed();
}

TEST_F(EngineFollow, a_run_that_nobody_knows_is_named_and_leaves_nothing_behind) {
  rig.submit(kPlainRun);
  const std::size_t steps = disk.journal().size();
  const Result<Receipt> receipt = rig.ask(following(RunId{77}, AfterCondition::end));
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code, ErrorCode::not_found);
  EXPECT_NE(receipt.error().text().find("77"), std::string::npos);
  EXPECT_EQ(disk.journal().size(), steps);
  EXPECT_EQ(disk.runs().size(), 1u);
}

TEST_F(EngineFollow, an_end_that_cannot_be_looked_up_refuses_the_submission) {
  const RunId run = rig.submit(kPlainRun);
  ASSERT_TRUE(rig.run_all());
  rig.store().lookup_fails = Error{ErrorCode::io_failed, "the disk is gone", {}};
  const Result<Receipt> receipt = rig.ask(following(run, AfterCondition::end));
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code, ErrorCode::io_failed);
  rig.store().lookup_fails.reset();
  submit_after(run, AfterCondition::end);
  ASSERT_TRUE(rig.run_all());
  expect_replayed();
}

TEST_F(EngineFollow, the_same_key_gives_the_same_follower) {
  const RunId run = rig.submit(kPlainRun);
  core::SubmitAfter event = following(run, AfterCondition::end);
  event.submission.texts.idempotency_key = "once";
  const Result<Receipt> first = rig.ask(event);
  const Result<Receipt> second = rig.ask(event);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->run, second->run);
  EXPECT_TRUE(second->existed);
}

TEST_F(EngineFollow, outlives_engines_and_retries_and_is_replayed_with_them) {
  const RunId run = rig.submit(kPlainRun);
  const RunId follower = submit_after(run, AfterCondition::success);
  const RunId last = submit_after(follower, AfterCondition::end);
  rig.crash();
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.settle());
  ASSERT_TRUE(rig.executor.end_one(rig.clock.time, 1));
  ASSERT_TRUE(rig.run_all());
  EXPECT_EQ(rig.ended(follower), RunState::cancelled);
  EXPECT_EQ(rig.ended(last), RunState::succeeded);
  ASSERT_TRUE(rig.ask(core::Retry{.run = run, .from = {}, .by = "ada"}));
  ASSERT_TRUE(rig.ask(core::Retry{.run = follower, .from = {}, .by = "ada"}));
  rig.crash();
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.run_all());
  EXPECT_EQ(store.load_run(follower)->record.state, RunState::succeeded);
  EXPECT_EQ(store.load_run(follower)->record.after->front().ended, RunState::succeeded);
  expect_replayed();
}

}  // namespace
}  // namespace reeve::engine
