// A storm of retries: what fails all at once comes back spread and capped, the retries of another
// queue stand by, and nothing is lost. The real core, on time that the test makes pass.
#include <gtest/gtest.h>

#include "base/generator.h"
#include "core/explain.h"
#include "core/test_world.h"

namespace reeve::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::World;

constexpr std::uint32_t kStorm = 100'000;

/// A machine with a place for everything; attempts begin at once and end when they are told.
class Storm {
 public:
  explicit Storm(const SchedulingPolicy& policy) : core_({{"local", test::cpus(2 * kStorm)}}) {
    apply(EngineStarted{});
    apply(ExecutorChanged{PoolId{}, true, ""});
    apply(PolicySet{policy, {}});
  }
  void submit(const std::string& yaml) {
    const auto workflow = test::workflow_of(yaml);
    apply(SubmitRun{.workflow_digest = workflow->digest, .workflow = workflow});
    plan();
  }
  /// All that runs ends so.
  void end_all(std::int32_t code) {
    for (const Token token : std::exchange(started_, {})) {
      AttemptEnded event{.end = {.token = token,
                                 .outcome = test::exited(code),
                                 .started_at = now_,
                                 .ended_at = now_},
                         .random = random_.bits()};
      apply(event);
    }
    plan();
  }
  /// The core's next moment. False: it waits for nothing.
  bool pass() {
    const std::optional<Time> next = core_.next_wake();
    if (!next) return false;
    now_ = std::max(now_, *next);
    plan();
    return true;
  }
  std::size_t started() const { return started_.size(); }
  Time now() const { return now_; }
  const State& state() const { return core_.state(); }
  std::map<std::int64_t, std::uint32_t>& starts_by_second() { return starts_by_second_; }

 private:
  void apply(const Event& event) { EXPECT_TRUE(core_.apply(event, now_)); }
  void plan() {
    do {
      core_.plan(now_);
      for (const Effect& effect : core_.changes().effects) {
        const auto* start = std::get_if<StartAttempt>(&effect);
        if (start == nullptr) continue;
        started_.push_back(start->token);
        ++starts_by_second_[(now_ - kBegin) / seconds{1}];
      }
      core_.clear_changes();
    } while (core_.plan_again());
  }

  static constexpr Time kBegin{std::chrono::hours{480'000}};
  Core core_;
  Generator random_{7};
  Time now_ = kBegin;
  std::vector<Token> started_;
  std::map<std::int64_t, std::uint32_t> starts_by_second_;
};

TEST(RetryStorm, of_100_000_is_spread_and_capped_and_all_of_it_ends) {
  SchedulingPolicy policy;
  policy.retry_budget = {
      .share_permille = 0, .floor_per_kilosecond = 500'000, .per_second_max = 800};
  Storm storm(policy);
  storm.submit("queue: bad\ntasks: {t: {run: x, array: 100000, retry: {max: 1, backoff: 1s}}}");
  EXPECT_EQ(storm.started(), kStorm);
  storm.end_all(1);
  storm.starts_by_second().clear();
  std::size_t retried = 0;
  bool others_waited = false;
  for (int round = 0; storm.state().run_count() > 0 && round < 1'000'000; ++round) {
    if (round == 1000) {  // in the middle of it somebody else comes, and fails once
      retried += storm.started();
      storm.end_all(0);
      storm.submit(
          "queue: good\ntasks: {g: {run: x, retry: {max: 1, backoff: {initial: 1s, jitter: "
          "false}}}}");
      ASSERT_EQ(storm.started(), 1U) << "starts at once";
      storm.end_all(1);
      const Time back = storm.now() + seconds{1};
      while (storm.now() < back) {
        retried += storm.started();
        storm.end_all(0);
        ASSERT_TRUE(storm.pass());
      }
      others_waited = storm.now() > back;
    }
    retried += storm.started();
    storm.end_all(0);
    if (!storm.pass()) break;
  }
  EXPECT_FALSE(others_waited) << "another queue's retry comes when its own back-off says";
  EXPECT_EQ(storm.state().run_count(), 0U) << "everything has ended";
  EXPECT_EQ(retried, kStorm + 1);
  std::uint32_t peak = 0;
  for (const auto& [second, starts] : storm.starts_by_second()) peak = std::max(peak, starts);
  EXPECT_LE(peak, 800U + 80 + 500 + 3)
      << "a second has the cap with its burst, the floor, and two of the others";
  EXPECT_GE(storm.starts_by_second().size(), 150U) << "95,000 beyond what was saved, 500 a second";
  EXPECT_LE(storm.starts_by_second().size(), 200U) << "not slower than the floor";
}

TEST(RetryBudget, keeps_what_is_beyond_it_waiting_and_says_so) {
  World w(test::cpus(20));
  SchedulingPolicy policy;
  policy.retry_budget = {.share_permille = 0, .floor_per_kilosecond = 1000};
  w.policy(policy);
  w.strict = false;
  w.submit(
      "tasks: {t: {run: x, array: 12, retry: {max: 1, backoff: {initial: 1s, jitter: false}}}}");
  for (int i = 0; i < 12; ++i) w.fail("t[" + std::to_string(i) + "]");
  w.wait(seconds{1});
  // Ten were saved up, of which none came in meanwhile: it was full.
  w.expect("t[9]", TaskState::starting);
  w.expect("t[10]", TaskState::retry_wait, ReasonCode::retry_budget);
  EXPECT_NE(w.why("t[10]").find("too much of its queue fails"), std::string::npos);
  const Explanation why = explain_task(w.state(), w.id("t[11]"), w.now());
  EXPECT_EQ(why.facts.at(0), "next try in 2s");
  EXPECT_EQ(why.facts.at(1).substr(0, 48), "queue default has given out 2 retries that are t");
  w.restart();
  w.wait(seconds{1}).expect("t[10]", TaskState::starting);
  w.expect("t[11]", TaskState::retry_wait);
  w.wait(seconds{1}).expect("t[11]", TaskState::starting);
  w.run_all();
}

TEST(RetryBudget, is_not_for_what_was_lost) {
  World w(test::cpus(20));
  SchedulingPolicy policy;
  policy.retry_budget = {.share_permille = 0, .floor_per_kilosecond = 1};
  w.policy(policy);
  w.strict = false;
  w.submit("tasks: {t: {run: x, array: 20}}");
  for (int i = 0; i < 20; ++i) w.lose("t[" + std::to_string(i) + "]");
  for (int i = 0; i < 20; ++i) w.expect("t[" + std::to_string(i) + "]", TaskState::starting);
  w.run_all();
}

}  // namespace
}  // namespace reeve::core
