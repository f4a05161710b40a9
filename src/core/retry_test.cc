// Whether a failed attempt is tried again, when, and on whose account.
#include "core/retry.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/test_world.h"

namespace reeve::core {
namespace {

using test::outcome;
using test::World;
using enum TaskState;
using std::chrono::seconds;

spec::RetryPolicy policy(std::int32_t max) {
  spec::RetryPolicy policy = spec::RetryPolicy::standard();
  policy.max = max;
  return policy;
}

struct RetryCase {
  std::string_view what;
  spec::RetryPolicy policy;
  RetryQuestion question;
  bool again;
  bool charged;
  ReasonCode reason;
};

void expect_decisions(std::initializer_list<RetryCase> cases) {
  for (const RetryCase& c : cases) {
    const RetryDecision decision = decide_retry(c.policy, c.question);
    EXPECT_EQ(decision.again, c.again) << c.what;
    EXPECT_EQ(decision.charged, c.charged) << c.what;
    EXPECT_EQ(name(decision.reason.code), name(c.reason)) << c.what;
  }
}

TEST(Retry, what_the_task_did_is_charged) {
  using enum OutcomeClass;
  using R = ReasonCode;
  spec::RetryPolicy limited = policy(9);
  limited.rule(exited).limit = 1;
  expect_decisions({
      {"none allowed", policy(0), {exited, 1, 0, 0}, false, false, R::retries_exhausted},
      {"first", policy(2), {exited, 1, 0, 0}, true, true, R::retry_charged},
      {"last", policy(2), {exited, 2, 1, 0}, true, true, R::retry_charged},
      {"used up", policy(2), {exited, 3, 2, 0}, false, false, R::retries_exhausted},
      {"signal", policy(1), {signalled, 1, 0, 0}, true, true, R::retry_charged},
      {"not listed", policy(9), {rejected, 1, 0, 0}, false, false, R::retry_not_listed},
      {"limit of its class", limited, {exited, 2, 1, 0}, false, false, R::retries_exhausted},
  });
}

TEST(Retry, what_would_be_missing_again_is_not_tried_again) {
  using enum OutcomeClass;
  using R = ReasonCode;
  spec::RetryPolicy all = policy(9);
  all.rule(rejected).retried = true;
  expect_decisions({
      {"not found", all, {exited, 1, 0, 0, R::command_not_found}, false, false, R::retry_in_vain},
      {"not executable",
       all,
       {exited, 1, 0, 0, R::command_not_executable},
       false,
       false,
       R::retry_in_vain},
      {"no such path",
       all,
       {rejected, 1, 0, 0, R::path_not_usable},
       false,
       false,
       R::retry_in_vain},
      {"127 of a script", all, {exited, 1, 0, 0, R::exit_status}, true, true, R::retry_charged},
      {"rejected", all, {rejected, 1, 0, 0, R::output_invalid}, true, true, R::retry_charged},
      {"the machine", all, {start_failed, 1, 0, 0, R::could_not_start}, true, false, R::retry_free},
  });
}

TEST(Retry, what_the_machine_did_is_not_charged) {
  using enum OutcomeClass;
  using R = ReasonCode;
  spec::RetryPolicy unlimited = policy(9);
  unlimited.rule(lost).limit = spec::kNoLimit;
  spec::RetryPolicy never = policy(9);
  never.rule(lost).retried = false;
  expect_decisions({
      {"lost", policy(0), {lost, 1, 0, 0}, true, false, R::retry_free},
      {"lost for the last time", policy(0), {lost, 16, 0, 0}, true, false, R::retry_free},
      {"lost too often", policy(9), {lost, 17, 0, 0}, false, false, R::retries_exhausted},
      {"lost without a limit", unlimited, {lost, 999, 9, 0}, true, false, R::retry_free},
      {"lost, not listed", never, {lost, 1, 0, 0}, false, false, R::retries_exhausted},
      {"not started", policy(0), {start_failed, 10, 0, 0}, true, false, R::retry_free},
      {"too often", policy(9), {start_failed, 11, 0, 0}, false, false, R::retries_exhausted},
  });
}

TEST(Retry, a_lost_attempt_waits_for_nothing_and_a_machine_that_cannot_start_does) {
  const std::uint64_t most = UINT64_MAX;
  EXPECT_EQ(decide_retry(policy(0), {OutcomeClass::lost, 3, 0, most}).delay, Duration{0});
  EXPECT_GT(decide_retry(policy(0), {OutcomeClass::start_failed, 3, 0, most}).delay, seconds{3});
}

TEST(Backoff, without_jitter_it_is_exponential_up_to_its_maximum) {
  const spec::Backoff backoff{seconds{1}, 3.0, seconds{20}, false};
  EXPECT_EQ(backoff_delay(backoff, 1, 7), seconds{1});
  EXPECT_EQ(backoff_delay(backoff, 2, 7), seconds{3});
  EXPECT_EQ(backoff_delay(backoff, 3, 7), seconds{9});
  EXPECT_EQ(backoff_delay(backoff, 4, 7), seconds{20});
  EXPECT_EQ(backoff_delay(backoff, 4'000'000'000U, 7), seconds{20});
  EXPECT_EQ(backoff_delay(backoff, 0, 7), seconds{1});
  EXPECT_EQ(backoff_delay({Duration{0}, 2.0, seconds{9}, false}, 2000, 7), Duration{0});
}

RC_GTEST_PROP(Backoff, full_jitter_stays_in_its_bounds, (std::uint64_t random)) {
  const spec::Backoff with{Duration{*rc::gen::inRange(0, 100'000'000)},
                           static_cast<double>(*rc::gen::inRange(10, 50)) / 10.0,
                           Duration{*rc::gen::inRange(100'000'000, 2'000'000'000)}, true};
  spec::Backoff without = with;
  without.jitter = false;
  const auto n = *rc::gen::inRange<std::uint32_t>(1, 200);
  const Duration delay = backoff_delay(with, n, random);
  RC_ASSERT(delay >= Duration{0});
  RC_ASSERT(delay <= backoff_delay(without, n, random));
  RC_ASSERT(backoff_delay(with, n, 0) == Duration{0});
  // Uniform: half of the random bits give half of the wait.
  const Duration half = backoff_delay(with, n, std::uint64_t{1} << 63);
  RC_ASSERT(half - backoff_delay(without, n, 0) / 2 <= Duration{1});
}

TEST(Retry, waits_its_back_off_and_counts) {
  World w;
  w.submit("tasks: {a: {run: x, retry: {max: 2, backoff: {initial: 10s, jitter: false}}}}");
  w.fail("a").expect("a", retry_wait, ReasonCode::retry_backoff);
  w.wait(seconds{9}).expect("a", retry_wait).wait(seconds{1}).expect_started({"a"});
  w.fail("a").wait(seconds{19}).expect("a", retry_wait).wait(seconds{1}).fail("a");
  w.expect("a", failed, ReasonCode::exit_status).expect_run(RunState::failed);
  ASSERT_EQ(w.records().size(), 3U);
  EXPECT_EQ(w.records()[0].next.code, ReasonCode::retry_charged);
  EXPECT_EQ(w.records()[2].next.code, ReasonCode::retries_exhausted);
  EXPECT_EQ(w.records()[2].number, 3U);
}

TEST(Retry, jitter_comes_from_the_bits_of_the_event) {
  World w;
  w.submit("tasks: {a: {run: x, retry: {max: 1, backoff: 10s}}}");
  w.ended("a", {.outcome = test::exited(1), .random = std::uint64_t{1} << 62});
  EXPECT_EQ(w.view("a").task.wake_at, w.now() + std::chrono::milliseconds{2500});
  w.run_all();
}

TEST(Retry, lost_and_not_started_are_never_charged_but_end_at_last) {
  World w;
  w.submit("tasks: {a: {run: x, retry: {max: 1, on: [exit, lost]}}}");
  for (int i = 0; i < 16; ++i) w.lose("a");
  EXPECT_EQ(w.view("a").task.charged, 0);
  w.fail("a").wait(seconds{1});
  EXPECT_EQ(w.view("a").task.charged, 1);
  w.lose("a").expect("a", failed, ReasonCode::executor_lost);
}

TEST(Retry, a_machine_that_cannot_start_is_given_time) {
  World w;
  w.submit("tasks: {a: {run: x}}");
  for (int i = 0; i < 10; ++i) {
    w.ended("a", {.outcome = outcome(OutcomeClass::start_failed), .ran = false});
    w.expect("a", retry_wait).wait(std::chrono::minutes{10}).expect("a", starting);
  }
  w.ended("a",
          {.outcome = outcome(OutcomeClass::start_failed), .message = "no memory", .ran = false});
  w.expect("a", failed, ReasonCode::could_not_start);
  EXPECT_EQ(w.view("a").message, "no memory");
}

struct EndCase {
  OutcomeClass outcome;
  ReasonCode reason;
  TaskState state;
};

TEST(Retry, an_end_without_a_reason_gets_that_of_its_class) {
  for (const EndCase& c : {
           EndCase{OutcomeClass::exited, ReasonCode::exit_status, failed},
           EndCase{OutcomeClass::signalled, ReasonCode::killed_by_signal, failed},
           EndCase{OutcomeClass::timed_out, ReasonCode::run_timeout, timed_out},
           EndCase{OutcomeClass::out_of_memory, ReasonCode::memory_limit, failed},
           EndCase{OutcomeClass::rejected, ReasonCode::could_not_start, failed},
       }) {
    World w;
    w.submit("tasks: {a: {run: x}}");
    w.ended("a", {.outcome = {c.outcome, 9, {}}}).expect("a", c.state, c.reason);
    w.expect_run(RunState::failed);
  }
}

}  // namespace
}  // namespace reeve::core
