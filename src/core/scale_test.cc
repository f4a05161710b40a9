// Large graphs neither recurse nor cost more per task than small ones (bench/ measures how much).
#include <gtest/gtest.h>

#include "core/test_world.h"

namespace reeve::core {
namespace {

constexpr std::uint32_t kMany = 100'000;

spec::TaskGroup group(std::string id, std::vector<spec::Need> needs) {
  spec::TaskGroup made;
  made.id = std::move(id);
  made.needs = std::move(needs);
  made.action = spec::Command{{spec::Template::literal("true")}};
  return made;
}

std::shared_ptr<const spec::Workflow> finished(spec::Workflow workflow) {  // shared: as in the core
  auto made = spec::finish(std::move(workflow));
  EXPECT_TRUE(made) << made.error().text();
  return *made;
}

std::shared_ptr<const spec::Workflow> chain() {
  spec::Workflow workflow;
  workflow.groups.push_back(group("t0", {}));
  for (std::uint32_t i = 1; i < kMany; ++i)
    workflow.groups.push_back(group("t" + std::to_string(i), {{GroupIndex{i - 1}}}));
  return finished(std::move(workflow));
}

/// Everything starts, everything ends as told.
class Rush {
 public:
  explicit Rush(std::shared_ptr<const spec::Workflow> workflow)
      : core_({{"local", test::cpus(8)}}) {
    apply(EngineStarted{});
    apply(ExecutorChanged{PoolId{}, true, ""});
    apply(SubmitRun{.workflow_digest = workflow->digest, .workflow = std::move(workflow)});
  }
  void apply(const Event& event) {
    EXPECT_TRUE(core_.apply(event, now_));
    core_.plan(now_);
    starts_.clear();
    for (const Effect& effect : core_.changes().effects) {
      if (const auto* start = std::get_if<StartAttempt>(&effect)) starts_.push_back(start->token);
    }
    if (!core_.changes().run_changes.empty()) last_ = core_.changes().run_changes.back().to;
    changed_ += core_.changes().task_changes.size();
    core_.clear_changes();
  }
  void end(Token token, std::int32_t code) {
    AttemptEnded event;
    event.end.token = token;
    event.end.outcome = test::exited(code);
    event.end.started_at = now_ - std::chrono::seconds{1};
    event.end.ended_at = now_;
    apply(event);
  }
  const std::vector<Token>& starts() const { return starts_; }
  std::size_t changed() const { return changed_; }
  RunState last() const { return last_; }
  Core& core() { return core_; }

 private:
  Core core_;
  Time now_{std::chrono::hours{480'000}};
  std::vector<Token> starts_;
  std::size_t changed_ = 0;
  RunState last_ = RunState::queued;
};

TEST(Scale, a_long_chain_runs_to_its_end) {
  Rush rush(chain());
  std::uint32_t ended = 0;
  while (!rush.starts().empty()) {
    ASSERT_EQ(rush.starts().size(), 1U);
    rush.end(rush.starts().front(), 0);
    ++ended;
  }
  EXPECT_EQ(ended, kMany);
  EXPECT_EQ(rush.last(), RunState::succeeded);
}

TEST(Scale, a_failure_at_the_head_of_a_long_chain_skips_it_in_one_step) {
  Rush rush(chain());
  rush.end(rush.starts().front(), 1);
  EXPECT_EQ(rush.last(), RunState::failed);
  EXPECT_GE(rush.changed(), std::size_t{kMany});
}

TEST(Scale, a_long_chain_is_cancelled_in_one_step) {
  Rush rush(chain());
  const Token first = rush.starts().front();
  rush.apply(Cancel{.run = RunId{1}, .by = "ada"});
  rush.end(first, 143);
  EXPECT_EQ(rush.last(), RunState::cancelled);
}

TEST(Scale, a_long_chain_is_recovered) {
  Rush rush(chain());
  rush.end(rush.starts().front(), 0);
  Core other({{"local", test::cpus(8)}});
  ASSERT_TRUE(other.load(snapshot_of(rush.core().state())));
  ASSERT_TRUE(other.apply(EngineStarted{}, Time{std::chrono::hours{480'001}}));
  other.state().check_invariants();
  EXPECT_EQ(other.state().live.size(), 1U);
}

TEST(Scale, a_wide_fan_out_and_fan_in) {
  spec::Workflow workflow;
  workflow.groups.push_back(group("first", {}));
  std::vector<spec::Need> all;
  for (std::uint32_t i = 1; i <= kMany; ++i) {
    workflow.groups.push_back(group("t" + std::to_string(i), {{GroupIndex{0}}}));
    all.push_back({GroupIndex{i}});
  }
  workflow.groups.push_back(group("last", std::move(all)));
  Rush rush(finished(std::move(workflow)));
  std::vector<Token> running = rush.starts();
  std::uint32_t ended = 0;
  while (!running.empty()) {
    const Token token = running.back();
    running.pop_back();
    rush.end(token, 0);
    ++ended;
    running.insert(running.end(), rush.starts().begin(), rush.starts().end());
  }
  EXPECT_EQ(ended, kMany + 2);
  EXPECT_EQ(rush.last(), RunState::succeeded);
}

TEST(Scale, many_runs_that_end_in_order_are_dropped_as_they_end) {
  Rush rush(test::workflow_of("tasks: {a: {command: [x]}}"));
  const auto workflow = test::workflow_of("tasks: {a: {command: [x]}}");
  std::vector<Token> running = rush.starts();
  std::size_t next = 0;
  for (std::uint32_t i = 1; i < kMany; ++i) {
    rush.apply(SubmitRun{.workflow_digest = workflow->digest, .workflow = workflow});
    running.insert(running.end(), rush.starts().begin(), rush.starts().end());
  }
  while (next < running.size()) {
    rush.end(running[next++], 0);
    running.insert(running.end(), rush.starts().begin(), rush.starts().end());
  }
  EXPECT_EQ(next, kMany);
  EXPECT_EQ(rush.core().state().run_count(), 0U);
}

}  // namespace
}  // namespace reeve::core
