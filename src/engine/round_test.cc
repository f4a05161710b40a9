// One round after another: what happens in which order, who is answered when, and what a commit
// that fails leaves behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_rig.h"
#include "store/memory/memory_store.h"

namespace reeve::engine {
namespace {

using store::memory::CommitFault;
using store::memory::MemoryDisk;
using store::memory::MemoryStore;
using test::Log;
using test::Rig;
using test::submission;
using testing::ElementsAre;

constexpr std::string_view kOneTask = "tasks: {a: {run: x}}";
constexpr std::string_view kTwo = "tasks: {a: {run: x}, b: {run: x, needs: a}}";

class Round : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(rig.open());
    ASSERT_TRUE(rig.settle());
    rig.log.clear();
  }
  MemoryDisk disk;
  MemoryStore store{disk};
  Rig rig{store};
};

TEST_F(Round, commits_then_tells_then_answers_then_dispatches) {
  ASSERT_TRUE(rig.engine().post(submission(kOneTask), rig.logged("submit")));
  ASSERT_TRUE(rig.step());
  EXPECT_THAT(rig.log, ElementsAre("commit", "tell", "answer submit", "start 1", "flush"));
}

TEST_F(Round, one_commit_holds_all_that_came) {
  const std::uint64_t before = rig.engine().counters().events;
  for (const char* name : {"one", "two", "three"})
    ASSERT_TRUE(rig.engine().post(submission(kOneTask), rig.logged(name)));
  ASSERT_TRUE(rig.step());
  EXPECT_THAT(rig.log, ElementsAre("commit", "tell", "answer one", "answer two", "answer three",
                                   "start 1", "start 2", "start 3", "flush"));
  EXPECT_EQ(rig.engine().counters().events, before + 3);
}

TEST_F(Round, takes_no_more_events_than_it_was_told_to) {
  rig.options.events_per_round_max = 2;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.settle());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(rig.engine().post(submission(kOneTask)));
  ASSERT_TRUE(rig.step());
  EXPECT_EQ(rig.engine().state().run_count(), 2U);
  EXPECT_TRUE(rig.engine().has_work());
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.engine().state().run_count(), 5U);
}

TEST_F(Round, a_full_inbox_pushes_back) {
  rig.options.inbox_events_max = 2;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.settle());
  EXPECT_TRUE(rig.engine().post(core::Tick{}));
  EXPECT_TRUE(rig.engine().post(core::Tick{}));
  EXPECT_FALSE(rig.engine().post(core::Tick{}));
  ASSERT_TRUE(rig.step());
  EXPECT_TRUE(rig.engine().post(core::Tick{}));
}

TEST_F(Round, with_nothing_to_say_writes_nothing) {
  ASSERT_TRUE(rig.step());
  EXPECT_THAT(rig.log, ElementsAre("flush"));
  EXPECT_FALSE(rig.engine().has_work());
}

TEST_F(Round, a_refusal_is_answered_and_not_journaled) {
  const std::size_t before = disk.journal().size();
  const Result<Receipt> answer = rig.ask(core::Cancel{.run = RunId{9}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::not_found);
  EXPECT_EQ(disk.journal().size(), before);
  EXPECT_EQ(rig.engine().counters().refused, 1U);
}

TEST_F(Round, observers_hear_what_changed) {
  const RunId run = rig.submit(kTwo);
  rig.executor.sink().on_started(Token{1}, rig.clock.time);
  rig.executor.sink().on_progress({Token{1}, 50, "half"});
  ASSERT_TRUE(rig.settle());
  EXPECT_THAT(rig.observer.progressed, ElementsAre(TaskId{run, 0}));
  ASSERT_TRUE(rig.run_all());
  EXPECT_EQ(rig.ended(run), core::RunState::succeeded);
  EXPECT_EQ(rig.observer.attempts.size(), 2U);
  EXPECT_EQ(rig.engine().state().run_count(), 0U);
}

TEST_F(Round, starts_so_many_at_most_and_goes_on_in_the_next) {
  Rig wide{store, 2 * core::kStartsPerPlanMax};
  rig.crash();
  ASSERT_TRUE(wide.open());
  ASSERT_TRUE(wide.settle());
  ASSERT_TRUE(wide.engine().post(
      submission("tasks: {a: {run: x, array: " + std::to_string(core::kStartsPerPlanMax + 9) +
                 ", resources: {cpu: 1}}}")));
  ASSERT_TRUE(wide.step());
  EXPECT_EQ(wide.executor.started.size(), core::kStartsPerPlanMax);
  EXPECT_TRUE(wide.engine().has_work()) << "nobody has to knock for the others";
  ASSERT_TRUE(wide.settle());
  EXPECT_EQ(wide.executor.started.size(), core::kStartsPerPlanMax + 9);
}

TEST_F(Round, a_stop_reaches_the_executor_as_it_was_meant) {
  const RunId run = rig.submit(kOneTask);
  ASSERT_TRUE(rig.ask(core::Cancel{.run = run}));
  ASSERT_TRUE(rig.ask(core::Cancel{.run = run, .kill = true}));
  EXPECT_THAT(rig.log, testing::IsSupersetOf({"stop 1", "kill 1"}));
}

TEST_F(Round, capacity_reaches_the_executor) {
  ASSERT_TRUE(rig.ask(core::CapacitySet{PoolId{}, {.cpu_millicores = 9000, .countables = {}}}));
  EXPECT_THAT(rig.log, testing::Contains("capacity 9 cpu"));
}

TEST_F(Round, silence_is_probed_and_what_is_lost_is_tried_again) {
  const RunId run = rig.submit(kOneTask);
  rig.executor.running.clear();  // the machine forgot
  rig.clock.time += std::chrono::seconds{10};
  EXPECT_TRUE(rig.engine().has_work());
  ASSERT_TRUE(rig.settle());
  EXPECT_THAT(rig.log, testing::IsSupersetOf({"probe 1", "forget 1", "start 2"}));
  ASSERT_TRUE(rig.run_all());
  EXPECT_EQ(rig.ended(run), core::RunState::succeeded);
}

TEST_F(Round, an_executor_that_goes_away_gets_nothing_until_it_is_back) {
  rig.executor.sink().on_down("it crashed");
  rig.submit(kOneTask);
  EXPECT_THAT(rig.log, testing::Not(testing::Contains("start 1")));
  rig.executor.sink().on_up();
  ASSERT_TRUE(rig.settle());
  EXPECT_THAT(rig.log, testing::Contains("start 1"));
}

TEST_F(Round, late_reports_are_counted) {
  rig.executor.sink().on_started(Token{77}, rig.clock.time);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.engine().counters().stale_reports, 1U);
}

TEST_F(Round, random_bits_come_from_the_port) {
  const std::uint64_t before = rig.random.drawn;
  rig.submit("tasks: {a: {run: x, retry: 1}}");
  rig.executor.end_one(rig.clock.time, 1);
  ASSERT_TRUE(rig.step());
  EXPECT_EQ(rig.random.drawn, before + 1);
}

TEST_F(Round, what_cannot_be_described_never_starts) {
  const RunId run = rig.submit(
      "tasks: {a: {run: x}, b: {run: '${{ fromJSON(needs.a.outputs.none) }}', needs: a}}");
  ASSERT_TRUE(rig.run_all());
  EXPECT_EQ(rig.ended(run), core::RunState::failed);
  EXPECT_EQ(rig.executor.started.size(), 1U);
}

TEST_F(Round, a_clock_that_stands_still_or_goes_back_does_not_take_time_back) {
  rig.submit(kOneTask);
  const Time before = disk.journal().back().now;
  rig.clock.time -= std::chrono::hours{1};
  rig.submit(kOneTask);
  EXPECT_EQ(disk.journal().back().now, before);
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.settle());
  rig.clock.time += std::chrono::seconds{5};
  rig.submit(kOneTask);
  EXPECT_EQ(disk.journal().back().now, before + std::chrono::seconds{5});
}

TEST_F(Round, a_key_that_cannot_be_looked_up_makes_no_second_run) {
  rig.submit(kOneTask, "nightly");
  rig.store().lookup_fails = Error{ErrorCode::io_failed, "the disk does not answer", {}};
  const Result<Receipt> again = rig.ask(submission(kOneTask, "nightly"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::io_failed);
  EXPECT_EQ(disk.runs().size(), 1U);
  rig.store().lookup_fails.reset();
  EXPECT_TRUE(rig.ask(submission(kOneTask, "nightly"))->existed);
}

class FailingRound : public Round {
 protected:
  void fail_next(CommitFault fault) {
    store.fail_commit(0, fault);
    rig.log.clear();
  }
};

TEST_F(FailingRound, answers_with_the_error_and_dispatches_nothing) {
  fail_next(CommitFault::before);
  ASSERT_TRUE(rig.engine().post(submission(kOneTask), rig.logged("submit")));
  const Status failed = rig.step();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::io_failed);
  EXPECT_THAT(
      rig.log,
      ElementsAre("commit", "answer submit: the commit failed as planned, before it was durable"));
  EXPECT_TRUE(rig.executor.started.empty());
}

TEST_F(FailingRound, is_the_last_one) {
  fail_next(CommitFault::before);
  ASSERT_TRUE(rig.engine().post(submission(kOneTask)));
  ASSERT_FALSE(rig.step());
  const Status again = rig.step();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::unavailable);
  EXPECT_FALSE(rig.engine().post(core::Tick{}));  // the inbox is closed
  rig.engine().submit(core::Tick{}, rig.logged("late"));
  EXPECT_EQ(rig.log.back(), "answer late: the engine has stopped");
}

TEST_F(FailingRound, what_still_waits_is_answered_when_the_engine_goes) {
  rig.options.events_per_round_max = 1;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.settle());
  fail_next(CommitFault::before);
  ASSERT_TRUE(rig.engine().post(submission(kOneTask), rig.logged("first")));
  ASSERT_TRUE(rig.engine().post(submission(kOneTask), rig.logged("second")));
  ASSERT_TRUE(rig.engine().post(core::Tick{}));
  ASSERT_FALSE(rig.step());
  rig.crash();
  EXPECT_EQ(rig.log.back(), "answer second: the engine stopped before this was durable");
  EXPECT_FALSE(rig.executor.attached());
}

TEST_F(FailingRound, that_was_durable_after_all_is_found_by_the_next_engine) {
  fail_next(CommitFault::after);
  ASSERT_TRUE(rig.engine().post(submission(kOneTask), rig.logged("submit")));
  ASSERT_FALSE(rig.step());
  rig.crash();
  MemoryStore again(disk);
  Rig next(again);
  ASSERT_TRUE(next.open());
  ASSERT_TRUE(next.run_all());
  EXPECT_EQ(next.ended(RunId{1}), core::RunState::succeeded);
}

TEST(Opening, fails_when_an_executor_cannot_be_reached) {
  MemoryDisk disk;
  MemoryStore store(disk);
  Rig rig(store);
  rig.executor.attach_fails = Error{ErrorCode::unavailable, "no supervisor", {}};
  const Status opened = rig.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message, "no supervisor");
}

}  // namespace
}  // namespace reeve::engine
