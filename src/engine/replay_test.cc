// A journal is run again: what happened happens, and what was damaged or decided otherwise is found
// where it is.
#include "engine/replay.h"

#include <gtest/gtest.h>

#include "engine/test_rig.h"
#include "store/memory/memory_store.h"

namespace reeve::engine {
namespace {

using store::memory::MemoryDisk;
using store::memory::MemoryStore;
using test::Rig;

class Replay : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(rig.open());
    run = rig.submit("tasks: {a: {run: x, retry: 1}, b: {run: x, needs: a}}");
    ASSERT_TRUE(rig.executor.end_one(rig.clock.time, 1));
    ASSERT_TRUE(rig.run_all());
    ASSERT_EQ(rig.ended(run), core::RunState::succeeded);
    options.pools = rig.options.pools;
  }
  /// What somebody would have to do to damage a record without breaking the chain.
  void chain_anew() {
    Digest previous;
    for (JournalRecord& record : disk.journal())
      previous = record.chain = chain_digest(previous, record);
  }
  JournalRecord& record(std::uint64_t step) { return disk.journal().at(step - 1); }

  MemoryDisk disk;
  MemoryStore store{disk};
  Rig rig{store};
  RunId run;
  ReplayOptions options;
};

TEST_F(Replay, shows_each_step_and_the_state_after_it) {
  std::vector<std::uint64_t> steps;
  std::uint64_t events = 0;
  bool was_there = false;
  options.on_step = [&](const JournalRecord& record, const std::vector<core::Event>& happened) {
    EXPECT_EQ(record.step, steps.size() + 1);
    events += happened.size();
  };
  options.after_step = [&](const JournalRecord& record, const core::State& state) {
    steps.push_back(record.step);
    was_there = was_there || state.find_run(run) != nullptr;
  };
  const Result<ReplayReport> report = replay(store, options);
  ASSERT_TRUE(report);
  EXPECT_EQ(steps.size(), disk.journal().size());
  EXPECT_EQ(report->steps, disk.journal().size());
  EXPECT_EQ(report->events, events);
  EXPECT_GE(report->effects, 3U) << "three attempts were started";
  EXPECT_EQ(report->diverged_at, std::nullopt);
  EXPECT_TRUE(was_there);
}

TEST_F(Replay, stops_where_it_is_told_to) {
  options.until_step = 2;
  const Result<ReplayReport> report = replay(store, options);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->steps, 2U);
}

TEST_F(Replay, finds_the_first_step_that_decided_something_else) {
  record(2).effects = digest_of("something else");
  record(4).effects = digest_of("something else");
  chain_anew();
  const Result<ReplayReport> report = replay(store, options);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->diverged_at, 2U);
  EXPECT_EQ(report->steps, 2U) << "what follows would only be its consequence";
}

TEST_F(Replay, refuses_a_record_that_is_not_what_was_written) {
  record(3).events += 'x';
  const Result<ReplayReport> report = replay(store, options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::corrupt);
  EXPECT_NE(report.error().text().find("record 3"), std::string::npos) << report.error().text();
}

TEST_F(Replay, refuses_bytes_that_are_no_events) {
  record(3).events += 'x';
  chain_anew();
  const Result<ReplayReport> report = replay(store, options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::corrupt);
  EXPECT_NE(report.error().text().find("step 3"), std::string::npos) << report.error().text();
}

TEST(ReplayOf, a_store_that_keeps_no_events_is_refused) {
  MemoryDisk disk{{.keep_events = false}};
  MemoryStore store{disk};
  Rig rig{store};
  ASSERT_TRUE(rig.open());
  rig.submit("tasks: {a: {run: x}}");
  const Result<ReplayReport> report = replay(store, {.pools = rig.options.pools});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace reeve::engine
