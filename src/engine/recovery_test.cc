// An engine may end between any two rounds, or in its commit: the next one goes on, nothing that
// was acknowledged is lost and nothing that ended runs again.
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/replay.h"
#include "engine/test_rig.h"
#include "store/memory/memory_store.h"

namespace reeve::engine {
namespace {

using store::memory::CommitFault;
using store::memory::DiskRun;
using store::memory::MemoryDisk;
using store::memory::MemoryStore;
using test::Rig;
using test::submission;

constexpr std::string_view kMixed =
    "tasks:\n  list: {run: x, retry: 1}\n  each: {run: x, needs: list, for_each: 3}\n"
    "  join: {run: x, needs: each, locks: db}\n  other: {run: x, concurrency: g}\n"
    "finally: {tidy: {run: x}}";
constexpr std::string_view kOne = "tasks: {a: {run: x}}";

/// Engines that follow one another on one disk; the executor and the clients outlive them.
class Succession {
 public:
  Succession() { EXPECT_TRUE(rig.open()); }

  /// The engine dies, and the next one is there.
  void follow() {
    rig.crash();
    store = std::make_unique<MemoryStore>(disk);
    rig.use(*store);
    ASSERT_TRUE(rig.open());
  }
  void step() {
    if (!rig.step()) follow();
  }
  /// Asks under the number's key, as often as it is called.
  void submit(int number) {
    rig.engine().post(submission(kMixed, "key-" + std::to_string(number)),
                      [this, number](const Result<Receipt>& receipt) {
                        if (!receipt) return;
                        const auto known = acknowledged.emplace(number, receipt->run).first;
                        EXPECT_EQ(known->second, receipt->run);
                      });
  }
  void fail_commit(std::uint64_t good, CommitFault fault) { store->fail_commit(good, fault); }
  void finish() {
    while (!rig.run_all()) follow();
  }

  MemoryDisk disk;
  std::unique_ptr<MemoryStore> store = std::make_unique<MemoryStore>(disk);
  Rig rig{*store};
  std::map<int, RunId> acknowledged;
};

void expect_one_attempt_of_a_task_at_once(const Succession& world) {
  std::set<TaskId> running;
  for (const auto& [token, launch] : world.rig.executor.running)
    EXPECT_TRUE(running.insert(launch.task).second) << "task " << launch.task.index;
}

void expect_all_is_accounted_for(const Succession& world) {
  std::set<Token> recorded;
  for (const DiskRun& run : world.disk.runs()) {
    EXPECT_TRUE(core::is_final(run.record.state)) << "run " << run.record.id.value;
    std::map<TaskId, int> successes;
    for (const core::AttemptRecord& attempt : run.attempts) {
      EXPECT_TRUE(recorded.insert(attempt.token).second) << "token " << attempt.token.value;
      successes[attempt.task] += attempt.outcome.is_success() ? 1 : 0;
    }
    for (const auto& [task, times] : successes) EXPECT_LE(times, 1) << "task " << task.index;
  }
  for (const Token token : world.rig.executor.started)
    EXPECT_TRUE(recorded.contains(token)) << "token " << token.value;
  EXPECT_TRUE(world.rig.executor.running.empty());
  EXPECT_TRUE(world.rig.executor.ended.empty()) << "an end is kept though it is durable";
  for (const auto& [number, run] : world.acknowledged)
    EXPECT_NE(world.disk.find(run), nullptr) << "run " << run.value << " was acknowledged";
}

void expect_journal_replays(Succession& world) {
  const Result<ReplayReport> report =
      replay(*world.store, {.pools = world.rig.options.pools, .on_step = {}, .after_step = {}});
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->diverged_at, std::nullopt);
  EXPECT_EQ(report->steps, world.disk.journal().size());
}

void act(Succession& world, int what) {
  switch (what) {
    case 0:
    case 1: world.step(); break;
    case 2:
    case 3: world.rig.executor.end_one(world.rig.clock.time, 0); break;
    case 4: world.rig.executor.end_one(world.rig.clock.time, 1); break;
    case 5: world.follow(); break;
    case 6: world.submit(*rc::gen::inRange(0, 3)); break;
    case 7:
      world.fail_commit(*rc::gen::inRange(0U, 3U),
                        *rc::gen::element(CommitFault::before, CommitFault::after));
      break;
    default: world.rig.clock.time += std::chrono::seconds{*rc::gen::inRange(1, 30)}; break;
  }
}

RC_GTEST_PROP(Recovery, loses_nothing_wherever_engines_end, ()) {
  Succession world;
  world.submit(0);
  for (const int what : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 9))) {
    act(world, what);
    expect_one_attempt_of_a_task_at_once(world);
  }
  world.finish();
  expect_all_is_accounted_for(world);
  expect_journal_replays(world);
  RC_ASSERT(!testing::Test::HasFailure());
}

TEST(Recovery, a_key_is_known_to_the_engines_that_follow) {
  Succession world;
  const RunId run = world.rig.submit(kOne, "nightly");
  world.follow();
  const Result<Receipt> again = world.rig.ask(submission(kOne, "nightly"));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->run, run);
  EXPECT_TRUE(again->existed);
  ASSERT_TRUE(world.rig.run_all());
  world.follow();
  EXPECT_EQ(world.rig.ask(submission(kOne, "nightly"))->run, run) << "also once it has ended";
}

TEST(Recovery, a_key_is_known_within_the_round_that_brings_it) {
  Succession world;
  std::vector<Receipt> receipts;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(
        world.rig.engine().post(submission(kOne, "twice"), [&](const Result<Receipt>& receipt) {
          ASSERT_TRUE(receipt);
          receipts.push_back(*receipt);
        }));
  }
  ASSERT_TRUE(world.rig.step());
  ASSERT_EQ(receipts.size(), 2U);
  EXPECT_EQ(receipts[0].run, receipts[1].run);
  EXPECT_FALSE(receipts[0].existed);
  EXPECT_TRUE(receipts[1].existed);
}

TEST(Recovery, a_key_is_known_within_its_round_although_nobody_waits_for_the_answer) {
  Succession world;
  ASSERT_TRUE(world.rig.engine().post(submission(kOne, "twice")));
  ASSERT_TRUE(world.rig.engine().post(submission(kOne, "twice")));
  ASSERT_TRUE(world.rig.step());
  EXPECT_EQ(world.disk.runs().size(), 1U);
}

TEST(Recovery, takes_in_what_ended_while_there_was_no_engine) {
  Succession world;
  const RunId run = world.rig.submit(kOne);
  world.rig.crash();
  ASSERT_TRUE(world.rig.executor.end_one(world.rig.clock.time));
  world.follow();
  ASSERT_TRUE(world.rig.settle());
  EXPECT_EQ(world.rig.ended(run), core::RunState::succeeded);
  EXPECT_EQ(world.rig.executor.started.size(), 1U);
}

TEST(Recovery, goes_on_only_with_the_runs_it_was_told_to) {
  Succession world;
  const RunId held = world.rig.submit("tasks: {a: {run: x}, b: {run: x, needs: a}}");
  const RunId resumed = world.rig.submit("tasks: {a: {run: x}, b: {run: x, needs: a}}");
  world.rig.options.resume_all = false;
  world.rig.options.resume = {resumed};
  world.follow();
  ASSERT_TRUE(world.rig.run_all());
  EXPECT_EQ(world.rig.ended(resumed), core::RunState::succeeded);
  ASSERT_NE(world.rig.engine().state().find_run(held), nullptr);
  EXPECT_TRUE(world.rig.engine().state().find_run(held)->record.interrupted);
  EXPECT_EQ(world.disk.find(held)->attempts.size(), 1U) << "what ran already ends";
  world.rig.options.resume = {held};
  world.follow();
  ASSERT_TRUE(world.rig.run_all());
  EXPECT_EQ(world.rig.ended(held), core::RunState::succeeded);
}

TEST(Recovery, a_run_that_ended_comes_back_for_a_retry_and_only_for_one_that_is_obeyed) {
  Succession world;
  const RunId run = world.rig.submit(kOne);
  ASSERT_TRUE(world.rig.executor.end_one(world.rig.clock.time, 3));
  ASSERT_TRUE(world.rig.settle());
  ASSERT_EQ(world.rig.ended(run), core::RunState::failed);
  world.follow();
  EXPECT_EQ(world.rig.engine().state().run_count(), 0U);
  ASSERT_TRUE(world.rig.ask(core::Retry{.run = run, .from = {}, .by = {}}));
  ASSERT_TRUE(world.rig.run_all());
  EXPECT_EQ(world.rig.ended(run), core::RunState::succeeded);
  EXPECT_FALSE(world.rig.ask(core::Retry{.run = run, .from = {}, .by = {}})) << "nothing failed";
  EXPECT_FALSE(world.rig.ask(core::Retry{.run = RunId{99}, .from = {}, .by = {}}));
  EXPECT_EQ(world.rig.engine().state().run_count(), 0U);
  expect_journal_replays(world);
}

TEST(Recovery, the_capacity_is_that_of_the_engine_that_lives) {
  Succession world;
  world.rig.submit("tasks: {a: {run: x, array: 8, resources: {cpu: 1}}}");
  world.rig.options.pools[0].capacity.cpu_millicores = 2000;
  world.rig.log.clear();
  world.follow();
  ASSERT_TRUE(world.rig.settle());
  EXPECT_THAT(world.rig.log, testing::Contains("capacity 2 cpu"));
  ASSERT_TRUE(world.rig.run_all());
  expect_all_is_accounted_for(world);
}

}  // namespace
}  // namespace reeve::engine
