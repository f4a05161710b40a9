// Saturated and slow nodes, as the core obeys them.
#include <map>
#include <utility>

#include <gtest/gtest.h>

#include "core/explain.h"
#include "core/test_world.h"

namespace reeve::core {
namespace {

using std::chrono::seconds;
using test::cpus;
using test::World;
using enum TaskState;

SchedulingPolicy heeding(LoadSetup load) {
  SchedulingPolicy policy;
  policy.load = load;
  return policy;
}

World& observe(World& w, MachineLoad load) {
  EXPECT_TRUE(w.request(LoadObserved{PoolId{0}, load}));
  return w;
}

TEST(NodeLoad, others_on_the_machine_take_places_away_and_give_them_back) {
  World w(cpus(4));
  w.policy(heeding({.others = 200, .most = 500}));
  w.run_time = seconds{100};
  observe(w, {.others = 1000});
  w.submit("tasks: {t: {run: x, array: 5}}");
  w.expect_started({"t[0]", "t[1]"}).expect("t[2]", queued);
  const Explanation why = explain_task(w.state(), w.id("t[2]"), w.now());
  EXPECT_EQ(why.reason.code, ReasonCode::capacity);
  EXPECT_TRUE(std::ranges::any_of(why.facts, [](const std::string& fact) {
    return fact.find("others use 100.0 % of the processors") != std::string::npos &&
           fact.find("new work has 50.0 % of the processors less") != std::string::npos;
  }));
  observe(w, {.others = 600}).expect_started({"t[2]"});  // a quarter less: three of four
  observe(w, {.others = 150}).expect_started({"t[3]"});
  for (const char* task : {"t[0]", "t[1]", "t[2]", "t[3]"}) w.succeed(task);
  w.expect_started({"t[4]"}).succeed("t[4]").expect_run(RunState::succeeded);
}

TEST(NodeLoad, what_asks_for_the_whole_machine_is_not_kept_waiting_for_ever) {
  World w(cpus(4));
  w.policy(heeding({.others = 200, .most = 1000}));
  observe(w, {.others = 1000});
  w.submit("tasks: {small: {run: x}, large: {run: x, resources: {cpu: 4}}}");
  w.expect_started({"small"}).expect("large", queued).succeed("small").expect_started({"large"});
  w.succeed("large").expect_run(RunState::succeeded);
}

TEST(NodeLoad, is_heeded_as_the_policy_says_and_from_its_change_on) {
  World w(cpus(4));
  w.run_time = seconds{100};
  observe(w, {.others = 900, .disks = 900});
  w.submit("tasks: {t: {run: x, array: 6, resources: {cpu: 2}}}");
  w.expect_started({"t[0]", "t[1]"});  // neither counts unless it is asked for
  w.policy(heeding({.disks = 500}));
  w.succeed("t[0]").expect_started({});
  w.policy(heeding({.disks = 950})).expect_started({"t[2]"});
  observe(w, {.memory = 1000});
  w.succeed("t[1]").expect_started({});  // that counts by itself
  w.policy(heeding({.memory = 1000})).expect_started({"t[3]"});
  w.succeed("t[2]").expect_started({"t[4]"}).succeed("t[3]").expect_started({"t[5]"});
  w.succeed("t[4]").succeed("t[5]");
}

TEST(NodeLoad, starts_that_take_long_count) {
  World w(cpus(4));
  w.run_time = Duration{0};  // what is said to have started has started now
  w.policy(heeding({.start = seconds{1}, .most = 500}));
  const auto load = [&] { return w.state().planner.nodes.load(w.state().pools.front().node); };
  w.submit("tasks: {t: {run: x, array: 4}}");
  w.expect_started({"t[0]", "t[1]", "t[2]", "t[3]"});
  for (const char* const task : {"t[0]", "t[1]", "t[2]"}) w.wait(seconds{8}).started(task);
  EXPECT_EQ(load(), 500);
  w.submit("tasks: {u: {run: x}}");
  w.succeed("t[0]").expect_started({});
  w.succeed("t[1]").succeed("t[2]").expect_started({"2/u"});
  w.started("2/u").started("t[3]").succeed("2/u").succeed("t[3]");
  for (int i = 0; i < 30; ++i) {  // those that start at once bring it down again
    w.submit("tasks: {v: {run: x}}");
    const std::string label = std::to_string(i + 3) + "/v";
    w.expect_started({label}).started(label).wait(seconds{9}).succeed(label);
  }
  EXPECT_EQ(load(), 0);
}

Status drain(World& w, DrainNode event) {
  event.node = "local";
  event.by = "ada";
  const auto done = w.request(event);
  if (!done) return tl::unexpected(done.error());
  return {};
}

TEST(DrainedNode, takes_nothing_new_and_lets_what_runs_end) {
  World w(cpus(2));
  w.submit("tasks: {a: {run: x}}");
  w.expect_started({"a"}).started("a");
  EXPECT_TRUE(drain(w, {.why = "new kernel"}));
  w.submit("tasks: {b: {run: x}}");
  w.expect("2/b", queued);
  const Explanation why = explain_task(w.state(), w.id("2/b"), w.now());
  EXPECT_EQ(why.reason.code, ReasonCode::node_drained);
  EXPECT_NE(why.facts.front().find("was drained by ada at"), std::string::npos);
  EXPECT_NE(why.facts.front().find("new kernel"), std::string::npos);
  EXPECT_EQ(drain(w, {}).error().code, ErrorCode::conflict);
  w.succeed("a").pool(false).pool(true).expect("2/b", queued);
  w.restart().expect("2/b", queued);
  EXPECT_TRUE(drain(w, {.drained = false}));
  w.expect_started({"2/b"}).succeed("2/b").restart();
  EXPECT_EQ(drain(w, {.drained = false}).error().code, ErrorCode::conflict);
  EXPECT_EQ(w.request(DrainNode{.node = "nowhere"}).error().code, ErrorCode::not_found);
}

TEST(DrainedNode, is_emptied_and_what_ran_there_starts_again_without_a_charge) {
  World w(cpus(2));
  w.submit("tasks: {a: {run: x}, b: {run: x}}");
  w.expect_started({"a", "b"}).started("a").started("b").cancel_task("b").expect_stopped({"b"});
  EXPECT_TRUE(drain(w, {.stop = true, .grace = seconds{5}}));
  w.expect_stopped({"a"});
  EXPECT_EQ(w.attempt("a").grace, seconds{5});
  w.ended("a", {.outcome = test::outcome(OutcomeClass::signalled)});
  w.ended("b", {.outcome = test::outcome(OutcomeClass::signalled)}).expect("b", cancelled);
  w.expect("a", queued);
  EXPECT_EQ(w.records().front().next.code, ReasonCode::drained_off);
  EXPECT_EQ(w.view("a").task.charged, 0);
  EXPECT_TRUE(drain(w, {.drained = false}));
  w.expect_started({"a"}).succeed("a").expect_run(RunState::cancelled);
}

/// Two nodes, on which what takes `length` takes one and three times as long.
class TwoNodes {
 public:
  explicit TwoNodes(Duration length) : length_(length) {
    core_.apply(EngineStarted{.engine = "test"}, now_);
    for (const PoolId pool : {PoolId{0}, PoolId{1}})
      core_.apply(ExecutorChanged{.pool = pool, .up = true, .why = {}}, now_);
  }
  void run(std::string_view yaml) {
    const auto workflow = test::workflow_of(yaml);
    EXPECT_TRUE(core_.apply(SubmitRun{.uuid = Uuid::from_parts(2, 0, ++runs_),
                                      .workflow_digest = workflow->digest,
                                      .directory = "/work",
                                      .submitter = "ada",
                                      .workflow = workflow,
                                      .origin = nullptr},
                            now_));
    while (core_.state().run_count() > 0) {
      core_.plan(now_);
      const auto effects = std::exchange(core_.changes().effects, {});
      core_.clear_changes();
      for (const Effect& effect : effects) {
        if (const auto* start = std::get_if<StartAttempt>(&effect)) begin(*start);
      }
      if (running_.empty()) break;
      end_first();
    }
  }
  double speed(std::uint32_t pool) const {
    return core_.state().planner.nodes.speed(core_.state().pools[pool].node);
  }
  const Core& core() const { return core_; }

 private:
  struct Ending {
    Token token;
    Time started;
  };
  void begin(const StartAttempt& start) {
    core_.apply(AttemptStarted{start.token, now_}, now_);
    const Duration took = length_ * (start.pool == PoolId{0} ? 1 : 3);
    running_.emplace(now_ + took, Ending{start.token, now_});
  }
  void end_first() {
    const auto [at, ending] = *running_.begin();
    running_.erase(running_.begin());
    now_ = at;
    AttemptEnd end{.token = ending.token};
    end.started_at = ending.started;
    end.ended_at = at;
    end.outcome = {OutcomeClass::exited, 0, {}};
    core_.apply(AttemptEnded{std::move(end), 0}, now_);
  }

  Core core_{{{.name = "quick", .capacity = cpus(2)}, {.name = "slow", .capacity = cpus(2)}}};
  Duration length_;
  Time now_{std::chrono::hours{480'000}};
  std::multimap<Time, Ending> running_;
  std::uint64_t runs_ = 0;
};

TEST(NodeSpeed, is_learned_from_what_runs_on_several_nodes) {
  TwoNodes nodes(seconds{10});
  EXPECT_EQ(nodes.speed(0), nodes.speed(1));
  nodes.run("tasks: {t: {run: x, array: 400}}");
  EXPECT_EQ(nodes.core().state().run_count(), 0U);
  EXPECT_NEAR(nodes.speed(0) / nodes.speed(1), 3, 0.3);
}

}  // namespace
}  // namespace reeve::core
