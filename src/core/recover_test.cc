// A restart at any moment loses nothing: World compares the state after every step with what a
// recovery from the rows gives; here, that running on leads to the same ends.
#include "core/recover.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/test_chaos.h"

namespace reeve::core {
namespace {

using test::Chaos;
using test::cpus;
using test::World;
using enum TaskState;

RC_GTEST_PROP(Recovery, restarts_do_not_change_how_runs_end, (std::uint64_t seed)) {
  Chaos calm(seed, {});
  Chaos restarted(seed, {.restart = 200});
  RC_ASSERT(calm.run_to_end());
  RC_ASSERT(restarted.run_to_end());
  EXPECT_EQ(calm.ends(), restarted.ends());
  RC_ASSERT(!testing::Test::HasFailure());
}

RC_GTEST_PROP(Recovery, doubled_late_and_odd_reports_do_not_change_how_runs_end,
              (std::uint64_t seed)) {
  Chaos calm(seed, {});
  Chaos faulty(seed, {.faults = 300});
  RC_ASSERT(calm.run_to_end());
  RC_ASSERT(faulty.run_to_end());
  EXPECT_EQ(calm.ends(), faulty.ends());
  RC_ASSERT(!testing::Test::HasFailure());
}

RC_GTEST_PROP(Recovery, whatever_people_do_every_run_ends, (std::uint64_t seed)) {
  Chaos chaos(seed, {.restart = 100, .people = 200, .faults = 50});
  RC_ASSERT(chaos.run_to_end());
  RC_ASSERT(!testing::Test::HasFailure());
}

TEST(Recovery, live_attempts_go_on_and_are_asked_after) {
  World w(cpus(2));
  w.answers_probes = false;
  w.submit("tasks: {t: {run: x, array: 3, locks: l, resources: {cpu: 1}}, u: {run: x}}");
  w.started("t[0]").restart().expect_probes({"t[0]", "u"});
  w.expect("t[0]", running).expect("u", starting).expect("t[1]", queued);
  w.succeed("t[0]").expect_started({"u", "t[1]"}).run_all().expect_run(RunState::succeeded);
}

TEST(Recovery, a_collection_goes_on) {
  World w;
  w.submit("tasks: {a: {run: x, artifacts: [o]}}");
  w.succeed("a");
  w.attempt("a").collecting = false;
  w.restart().expect("a", validating).collected("a").expect_run(RunState::succeeded);
}

TEST(Recovery, a_wait_for_the_next_try_goes_on) {
  World w;
  w.submit("tasks: {a: {run: x, retry: {max: 1, backoff: {initial: 1m, jitter: false}}}}");
  w.fail("a").wait(std::chrono::seconds{30}).restart().wait(std::chrono::seconds{29});
  w.expect("a", retry_wait).wait(std::chrono::seconds{1}).succeed("a");
}

TEST(Recovery, an_approval_and_its_limit_go_on) {
  World w;
  w.submit("tasks: {ask: {approval: {timeout: 1m}}}");
  w.wait(std::chrono::seconds{30}).restart().wait(std::chrono::seconds{30});
  w.expect("ask", timed_out);
}

TEST(Recovery, runs_that_are_not_resumed_are_interrupted_until_they_are) {
  World w(cpus(1));
  w.submit("tasks: {a: {run: x}, b: {run: x, needs: a}}");
  w.submit("tasks: {c: {run: x}}");
  w.started("a").restart(false).succeed("a").expect_started({});
  EXPECT_EQ(w.why("b"), "was interrupted when its engine was stopped; `reeve resume` goes on");
  w.resume().succeed("b").resume(RunId{2}).succeed("2/c");
}

TEST(Recovery, some_runs_may_be_resumed_and_others_not) {
  Core core({{"local", cpus(4)}});
  World w;
  w.strict = false;
  for (int i = 0; i < 2; ++i) w.submit("tasks: {a: {run: x}}");
  ASSERT_TRUE(core.load(snapshot_of(w.state())));
  ASSERT_TRUE(core.apply(EngineStarted{.all = false, .resumed = {RunId{2}}}, w.now()));
  EXPECT_TRUE(core.state().find_run(RunId{1})->record.interrupted);
  EXPECT_FALSE(core.state().find_run(RunId{2})->record.interrupted);
}

struct Damage {
  std::string_view what;
  void (*harm)(StoredRun&);
};

TEST(Recovery, rows_that_make_no_sense_are_refused) {
  World w;
  w.strict = false;
  w.submit("tasks: {a: {run: x}, each: {run: x, for_each: 2}}");
  for (const Damage& damage : std::initializer_list<Damage>{
           {"no workflow", [](StoredRun& run) { run.record.workflow = nullptr; }},
           {"no such group", [](StoredRun& run) { run.expansions.at(0).group.value = 9; }},
           {"no items", [](StoredRun& run) { run.expansions.at(0).items = "{"; }},
           {"no list", [](StoredRun& run) { run.expansions.at(0).items = "7"; }},
           {"other count", [](StoredRun& run) { run.expansions.at(0).count = 3; }},
           {"too far", [](StoredRun& run) { run.expansions.at(0).first = 0x7fffffff; }},
           {"task too far", [](StoredRun& run) { run.tasks.at(0).id.index = 0x7fffffff; }},
           {"task of no group", [](StoredRun& run) { run.tasks.at(0).task.group.value = 9; }}}) {
    Snapshot snapshot = snapshot_of(w.state());
    damage.harm(snapshot.runs.at(0));
    Core core({{"local", cpus(4)}});
    const Status loaded = core.load(std::move(snapshot));
    ASSERT_FALSE(loaded) << damage.what;
    EXPECT_EQ(loaded.error().code, ErrorCode::corrupt);
    EXPECT_TRUE(loaded.error().message.starts_with("run 1 cannot be recovered"));
  }
}

TEST(Recovery, a_run_without_an_origin_gets_an_empty_one) {
  World w;
  w.strict = false;
  w.submit("tasks: {a: {run: x}}");
  Snapshot snapshot = snapshot_of(w.state());
  snapshot.runs.at(0).record.origin = nullptr;
  Core core({{"local", cpus(4)}});
  ASSERT_TRUE(core.load(std::move(snapshot)));
  EXPECT_EQ(core.state().find_run(RunId{1})->record.origin->directory, "");
}

TEST(Recovery, numbers_are_never_given_out_twice) {
  Core core({{"local", cpus(4)}});
  Snapshot snapshot;
  snapshot.last_token = Token{500};
  snapshot.last_run = RunId{41};
  ASSERT_TRUE(core.load(std::move(snapshot)));
  EXPECT_EQ(core.state().next_run, 42U);
  EXPECT_EQ(core.state().next_token, 501U);
}

}  // namespace
}  // namespace reeve::core
