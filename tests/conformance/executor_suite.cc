#include "tests/conformance/executor_suite.h"

#include <chrono>
#include <csignal>
#include <utility>

namespace reeve::tests {
namespace {

using engine::StopMode;
using std::chrono::hours;
using std::chrono::milliseconds;

/// Far more than anything here takes; a test that waits so long has failed.
constexpr std::chrono::seconds kPatience{60};

bool is_end_of(const Seen& seen, std::uint64_t token) { return seen.has_ended(Token{token}); }

}  // namespace

template <class Change>
void Recorder::record(const Change& change) {
  const std::lock_guard lock(mutex_);
  change(seen_);
  changed_.notify_all();
}

void Recorder::on_started(Token token, Time at) {
  record([&](Seen& seen) {
    seen.starts.push_back(token);
    seen.started[token].push_back(at);
  });
}

void Recorder::on_progress(Progress progress) {
  record([&](Seen& seen) { seen.progress.push_back(std::move(progress)); });
}

void Recorder::on_ended(AttemptEnd end) {
  record([&](Seen& seen) { seen.ended[end.token].push_back(std::move(end)); });
}

void Recorder::on_liveness(Token token, Liveness liveness) {
  record([&](Seen& seen) { seen.liveness[token].push_back(liveness); });
}

void Recorder::on_down(std::string why) {
  record([&](Seen& seen) { seen.downs.push_back(std::move(why)); });
}

void Recorder::on_up() {
  record([](Seen& seen) { ++seen.ups; });
}

Seen Recorder::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

bool Recorder::wait(const Condition& condition) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return condition(seen_); });
}

void ConformanceExecutor::next_engine() {
  executor_.reset();
  recorder_ = std::make_unique<Recorder>();
  executor_ = bed_->make_executor();
  const Status attached = executor_->attach(*recorder_);
  ASSERT_TRUE(attached) << attached.error().text();
}

Launch ConformanceExecutor::launch(std::uint64_t token, Deed deed, int cpus) {
  Launch launch;
  launch.token = Token{token};
  launch.task = {RunId{1}, static_cast<std::uint32_t>(token)};
  launch.attempt = 1;
  launch.run = Uuid::from_parts(1'700'000'000'000, 1, 1);
  launch.resources.cpu_millicores = cpus * 1000;
  launch.grace = hours(1);
  launch.output_bytes_max = 1 << 20;
  bed_->shape(launch, deed);
  return launch;
}

void ConformanceExecutor::start(Launch launch) {
  executor_->start(std::move(launch));
  executor_->flush();
}

void ConformanceExecutor::set_cpus(int cpus) {
  Resources capacity;
  capacity.cpu_millicores = cpus * 1000;
  executor_->set_capacity(capacity);
  executor_->flush();
}

void ConformanceExecutor::stop(std::uint64_t token, StopMode mode, Duration grace) {
  executor_->stop(Token{token}, mode, grace);
  executor_->flush();
}

Liveness ConformanceExecutor::probe(std::uint64_t token) {
  const Seen before = seen();
  const auto answers = [&](const Seen& all) {
    const auto at = all.liveness.find(Token{token});
    return at == all.liveness.end() ? 0 : at->second.size();
  };
  const auto ends = [&](const Seen& all) {
    const auto at = all.ended.find(Token{token});
    return at == all.ended.end() ? 0 : at->second.size();
  };
  executor_->probe(Token{token});
  executor_->flush();
  EXPECT_TRUE(wait(
      [&](const Seen& all) { return answers(all) > answers(before) || ends(all) > ends(before); }));
  const Seen after = seen();
  if (answers(after) == answers(before)) return Liveness::ended;
  return after.liveness.at(Token{token}).back();
}

void ConformanceExecutor::forget(std::uint64_t token) {
  executor_->forget(Token{token});
  executor_->flush();
}

bool ConformanceExecutor::wait(const Recorder::Condition& condition) {
  return bed_->wait_until(*recorder_, condition);
}

AttemptEnd ConformanceExecutor::wait_for_end(std::uint64_t token) {
  const bool came = wait([&](const Seen& all) { return is_end_of(all, token); });
  EXPECT_TRUE(came) << "no end of " << token;
  return came ? seen().ended.at(Token{token}).back() : AttemptEnd{};
}

void ConformanceExecutor::wait_for_start(std::uint64_t token) {
  EXPECT_TRUE(wait([&](const Seen& all) { return all.has_started(Token{token}); }))
      << "no start of " << token;
}

void ConformanceExecutor::wait_until_ready(std::uint64_t token) {
  EXPECT_TRUE(wait([&](const Seen& all) { return bed_->is_ready(all, Token{token}); }))
      << token << " did not get ready";
}

void ConformanceExecutor::pass_through() { EXPECT_EQ(probe(++next_unknown_), Liveness::unknown); }

TEST_P(ConformanceExecutor, says_that_it_is_up_once_it_can_take_work) {
  EXPECT_TRUE(wait([](const Seen& seen) { return seen.ups == 1; }));
  EXPECT_TRUE(seen().downs.empty());
}

TEST_P(ConformanceExecutor, reports_start_and_end_of_a_success) {
  set_cpus(1);
  start(7, Deed::succeed);
  const AttemptEnd end = wait_for_end(7);
  EXPECT_TRUE(end.outcome.is_success());
  ASSERT_TRUE(seen().has_started(Token{7}));
  EXPECT_EQ(end.started_at, seen().started.at(Token{7}).front());
  EXPECT_LE(end.started_at, end.ended_at);
  EXPECT_EQ(bed_->times_run(Token{7}), 1);
}

TEST_P(ConformanceExecutor, keeps_the_exit_status) {
  set_cpus(1);
  start(1, Deed::exit_with_3);
  const AttemptEnd end = wait_for_end(1);
  EXPECT_EQ(end.outcome.kind, OutcomeClass::exited);
  EXPECT_EQ(end.outcome.code, 3);
}

TEST_P(ConformanceExecutor, tells_what_could_not_be_started) {
  set_cpus(1);
  start(1, Deed::fail_to_start);
  const AttemptEnd end = wait_for_end(1);
  // Whether another try may help is the executor's to say.
  const bool has_not_run =
      end.outcome.kind == OutcomeClass::start_failed || end.outcome.kind == OutcomeClass::rejected;
  EXPECT_TRUE(has_not_run) << name(end.outcome.kind);
  EXPECT_EQ(end.started_at, kUnset);
  start(2, Deed::succeed);
  EXPECT_TRUE(wait_for_end(2).outcome.is_success()) << "its place must be free again";
}

TEST_P(ConformanceExecutor, gathers_outputs) {
  set_cpus(1);
  start(1, Deed::write_output);
  const AttemptEnd end = wait_for_end(1);
  EXPECT_TRUE(end.outcome.is_success());
  EXPECT_EQ(end.outputs, (std::vector<OutputValue>{{"answer", "42"}}));
}

TEST_P(ConformanceExecutor, a_repeated_start_is_harmless_at_any_time) {
  set_cpus(1);
  start(1, Deed::run_on);
  start(2, Deed::succeed);
  start(1, Deed::run_on);   // runs
  start(2, Deed::succeed);  // waits
  wait_until_ready(1);
  stop(1, StopMode::kill, Duration{0});
  wait_for_end(1);
  wait_for_end(2);
  start(1, Deed::run_on);  // ended
  forget(1);
  forget(2);
  start(2, Deed::succeed);  // forgotten
  start(3, Deed::succeed);
  wait_for_end(3);
  EXPECT_EQ(bed_->times_run(Token{1}), 1);
  EXPECT_EQ(bed_->times_run(Token{2}), 1);
  EXPECT_EQ(seen().ended.at(Token{1}).size(), 1U);
  EXPECT_EQ(seen().ended.at(Token{2}).size(), 1U);
}

TEST_P(ConformanceExecutor, starts_in_the_order_given) {
  set_cpus(1);
  for (std::uint64_t token = 1; token <= 5; ++token) start(6 - token, Deed::succeed);
  wait_for_end(1);
  EXPECT_EQ(seen().starts, (std::vector<Token>{Token{5}, Token{4}, Token{3}, Token{2}, Token{1}}));
}

TEST_P(ConformanceExecutor, a_large_one_holds_back_the_small_behind_it) {
  set_cpus(2);
  start(1, Deed::run_on, 1);
  start(2, Deed::succeed, 2);
  start(3, Deed::succeed, 1);
  wait_for_start(1);
  EXPECT_EQ(probe(2), Liveness::waiting);
  EXPECT_EQ(probe(3), Liveness::waiting);
  stop(1, StopMode::kill, Duration{0});
  wait_for_end(3);
  EXPECT_EQ(seen().starts, (std::vector<Token>{Token{1}, Token{2}, Token{3}}));
}

TEST_P(ConformanceExecutor, runs_no_more_than_fit_and_more_when_more_fit) {
  set_cpus(2);
  for (std::uint64_t token = 1; token <= 4; ++token) start(token, Deed::run_on);
  wait_for_start(2);
  EXPECT_EQ(probe(1), Liveness::running);
  EXPECT_EQ(probe(2), Liveness::running);
  EXPECT_EQ(probe(3), Liveness::waiting);
  EXPECT_EQ(probe(4), Liveness::waiting);
  set_cpus(3);
  wait_for_start(3);
  EXPECT_EQ(probe(4), Liveness::waiting);
  for (std::uint64_t token = 1; token <= 4; ++token) stop(token, StopMode::kill, Duration{0});
  for (std::uint64_t token = 1; token <= 4; ++token) wait_for_end(token);
}

TEST_P(ConformanceExecutor, nothing_starts_before_a_capacity_is_stated) {
  start(1, Deed::succeed);
  pass_through();
  EXPECT_EQ(probe(1), Liveness::waiting);
  set_cpus(1);
  EXPECT_TRUE(wait_for_end(1).outcome.is_success());
}

TEST_P(ConformanceExecutor, stop_of_one_that_waits_ends_it_without_running) {
  set_cpus(1);
  start(1, Deed::run_on);
  start(2, Deed::succeed);
  wait_for_start(1);
  stop(2, StopMode::terminate, hours(1));
  const AttemptEnd end = wait_for_end(2);
  EXPECT_EQ(end.outcome.kind, OutcomeClass::signalled);
  EXPECT_EQ(end.started_at, kUnset);
  stop(1, StopMode::kill, Duration{0});
  wait_for_end(1);
  pass_through();
  EXPECT_EQ(bed_->times_run(Token{2}), 0);
}

TEST_P(ConformanceExecutor, stop_asks_first) {
  set_cpus(1);
  start(1, Deed::run_on);
  wait_until_ready(1);
  stop(1, StopMode::terminate, hours(1));
  const AttemptEnd end = wait_for_end(1);
  EXPECT_EQ(end.outcome.kind, OutcomeClass::signalled);
  EXPECT_EQ(end.outcome.code, SIGTERM);
}

TEST_P(ConformanceExecutor, stop_kills_when_the_grace_is_over) {
  set_cpus(1);
  start(1, Deed::ignore_terminate);
  wait_until_ready(1);
  stop(1, StopMode::terminate, milliseconds(50));
  const AttemptEnd end = wait_for_end(1);
  EXPECT_EQ(end.outcome.kind, OutcomeClass::signalled);
  EXPECT_EQ(end.outcome.code, SIGKILL);
}

TEST_P(ConformanceExecutor, a_second_stop_may_kill_at_once) {
  set_cpus(1);
  start(1, Deed::ignore_terminate);
  wait_until_ready(1);
  stop(1, StopMode::terminate, hours(1));
  stop(1, StopMode::kill, Duration{0});
  EXPECT_EQ(wait_for_end(1).outcome.code, SIGKILL);
}

TEST_P(ConformanceExecutor, stop_of_unknown_or_ended_tokens_does_nothing) {
  set_cpus(1);
  stop(99, StopMode::kill, Duration{0});
  start(1, Deed::succeed);
  const AttemptEnd end = wait_for_end(1);
  stop(1, StopMode::kill, Duration{0});
  pass_through();
  EXPECT_EQ(seen().ended.at(Token{1}), (std::vector<AttemptEnd>{end}));
  EXPECT_FALSE(seen().has_ended(Token{99}));
}

TEST_P(ConformanceExecutor, ends_what_runs_too_long) {
  set_cpus(1);
  Launch slow = launch(1, Deed::run_on);
  slow.run_timeout = milliseconds(50);
  start(std::move(slow));
  const AttemptEnd end = wait_for_end(1);
  EXPECT_EQ(end.outcome.kind, OutcomeClass::timed_out);
  EXPECT_EQ(end.outcome.reason.code, ReasonCode::run_timeout);
  EXPECT_EQ(end.outcome.reason.a, 50'000);
}

TEST_P(ConformanceExecutor, ends_what_is_silent_too_long) {
  set_cpus(1);
  Launch silent = launch(1, Deed::run_on);
  silent.idle_timeout = milliseconds(50);
  start(std::move(silent));
  const AttemptEnd end = wait_for_end(1);
  EXPECT_EQ(end.outcome.kind, OutcomeClass::timed_out);
  EXPECT_EQ(end.outcome.reason.code, ReasonCode::idle_timeout);
}

TEST_P(ConformanceExecutor, kills_what_ignores_the_end_of_its_time) {
  set_cpus(1);
  Launch slow = launch(1, Deed::ignore_terminate);
  slow.run_timeout = milliseconds(30);
  slow.grace = milliseconds(30);
  start(std::move(slow));
  EXPECT_EQ(wait_for_end(1).outcome.kind, OutcomeClass::timed_out);
}

TEST_P(ConformanceExecutor, repeats_an_end_until_it_is_forgotten) {
  set_cpus(1);
  start(1, Deed::exit_with_3);
  const AttemptEnd end = wait_for_end(1);
  EXPECT_EQ(probe(1), Liveness::ended);
  EXPECT_EQ(seen().ended.at(Token{1}), (std::vector<AttemptEnd>{end, end}));
  forget(1);
  EXPECT_EQ(probe(1), Liveness::unknown);
}

TEST_P(ConformanceExecutor, an_answer_of_unknown_is_final) {
  set_cpus(1);
  EXPECT_EQ(probe(5), Liveness::unknown);
  start(5, Deed::succeed);
  pass_through();
  start(6, Deed::succeed);
  wait_for_end(6);
  EXPECT_EQ(bed_->times_run(Token{5}), 0);
}

TEST_P(ConformanceExecutor, a_new_engine_hears_of_ends_that_were_not_forgotten) {
  set_cpus(2);
  start(1, Deed::exit_with_3);
  start(2, Deed::succeed);
  const AttemptEnd first = wait_for_end(1);
  wait_for_end(2);
  forget(2);
  pass_through();
  next_engine();
  EXPECT_EQ(wait_for_end(1), first);
  EXPECT_EQ(probe(2), Liveness::unknown);
}

TEST_P(ConformanceExecutor, attempts_outlive_their_engine) {
  set_cpus(2);
  start(1, Deed::run_on);
  start(2, Deed::ignore_terminate);
  wait_until_ready(1);
  wait_until_ready(2);
  next_engine();
  EXPECT_EQ(probe(1), Liveness::running);
  EXPECT_EQ(probe(2), Liveness::running);
  stop(1, StopMode::terminate, hours(1));
  stop(2, StopMode::kill, Duration{0});
  EXPECT_EQ(wait_for_end(1).outcome.code, SIGTERM);
  EXPECT_EQ(wait_for_end(2).outcome.code, SIGKILL);
  EXPECT_EQ(bed_->times_run(Token{1}), 1);
}

TEST_P(ConformanceExecutor, what_waits_outlives_its_engine) {
  set_cpus(1);
  start(1, Deed::run_on);
  start(2, Deed::succeed);
  wait_for_start(1);
  next_engine();
  set_cpus(1);
  EXPECT_EQ(probe(2), Liveness::waiting);
  stop(1, StopMode::kill, Duration{0});
  EXPECT_TRUE(wait_for_end(2).outcome.is_success());
}

TEST_P(ConformanceExecutor, detach_leaves_alone_what_runs) {
  set_cpus(1);
  start(1, Deed::run_on);
  wait_for_start(1);
  executor_->detach();
  next_engine();
  EXPECT_EQ(probe(1), Liveness::running);
  stop(1, StopMode::kill, Duration{0});
  wait_for_end(1);
}

TEST_P(ConformanceExecutor, many_at_once_end_once_each) {
  constexpr std::uint64_t kCount = 300;
  set_cpus(4);
  for (std::uint64_t token = 1; token <= kCount; ++token)
    executor_->start(launch(token, token % 3 == 0 ? Deed::exit_with_3 : Deed::succeed));
  executor_->flush();
  ASSERT_TRUE(wait([](const Seen& all) { return all.ended.size() == kCount; }));
  const Seen all = seen();
  EXPECT_EQ(all.starts.size(), kCount);
  for (const auto& [token, ends] : all.ended) {
    EXPECT_EQ(ends.size(), 1U) << token.value;
    EXPECT_EQ(ends.front().outcome.code, token.value % 3 == 0 ? 3 : 0) << token.value;
    EXPECT_EQ(bed_->times_run(token), 1) << token.value;
  }
}

}  // namespace reeve::tests
