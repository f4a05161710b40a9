#include "sim/sim_executor.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"

namespace reeve::sim {
namespace {

constexpr std::int32_t kSigterm = 15;
constexpr std::int32_t kSigkill = 9;

Outcome killed_by(std::int32_t signal) {
  return {OutcomeClass::signalled, signal, {ReasonCode::killed_by_signal, 0, signal}};
}

Outcome over_limit(ReasonCode which, Duration limit) {
  return {OutcomeClass::timed_out, 0, {which, 0, limit.count()}};
}

}  // namespace

SimExecutor::SimExecutor(Surroundings surroundings, ExecutorFlaw flaw)
    : around_(std::move(surroundings)),
      flaw_(flaw) {}

Status SimExecutor::attach(engine::ExecutorSink& sink) {
  sink_ = &sink;
  sink_->on_up();
  for (const auto& [token, attempt] : attempts_) {
    if (attempt.phase == Phase::ended) tell_end(attempt);
  }
  return {};
}

void SimExecutor::set_capacity(const Resources& capacity) {
  capacity_ = capacity;
  if (around_.watcher != nullptr) around_.watcher->on_capacity(around_.pool, capacity);
  admit();
}

void SimExecutor::start(Launch launch) {
  const Token token = launch.token;
  const auto known = attempts_.find(token);
  if (known != attempts_.end() && flaw_ == ExecutorFlaw::starts_twice &&
      known->second.phase == Phase::running && around_.watcher != nullptr) {
    around_.watcher->on_process_started(around_.pool, launch);
  }
  if (known != attempts_.end()) return;
  if (spent_.contains(token) && flaw_ != ExecutorFlaw::starts_forgotten) return;
  Attempt attempt{.launch = std::move(launch), .behaviour = {}, .end = {}};
  attempt.behaviour = around_.behaviour(attempt.launch);
  join_queue(attempts_.emplace(token, std::move(attempt)).first->second);
  admit();
}

void SimExecutor::plan(Attempt& attempt, Duration delay, std::function<void(Attempt&)> action) {
  around_.agenda.after(
      delay, [this, token = attempt.launch.token, plan = attempt.plan, action = std::move(action)] {
        const auto found = attempts_.find(token);
        if (found != attempts_.end() && found->second.plan == plan) action(found->second);
      });
}

void SimExecutor::admit() {
  while (!queue_.empty()) {
    Attempt& attempt = attempts_.at(queue_.front());
    Resources wanted = used_;
    wanted.add(attempt.launch.resources);
    if (!capacity_.covers(wanted) && flaw_ != ExecutorFlaw::ignores_capacity) return;
    used_ = std::move(wanted);
    queue_.pop_front();
    launch(attempt);
  }
}

void SimExecutor::launch(Attempt& attempt) {
  attempt.phase = Phase::launching;
  attempt.plan = next_plan_++;
  const Duration limit = attempt.launch.start_timeout;
  if (limit > Duration{0} && limit < attempt.behaviour.start_delay) {
    plan(attempt, limit, [this, limit](Attempt& late) {
      finish(late, over_limit(ReasonCode::start_timeout, limit));
    });
  } else {
    plan(attempt, attempt.behaviour.start_delay, [this](Attempt& ready) { begin(ready); });
  }
}

/// One of a batch waits for those before it, and needs no room beside theirs.
void SimExecutor::join_queue(const Attempt& attempt) {
  const Token batch = attempt.launch.batch;
  if (batch != Token{}) {
    const auto [line, is_first] = lines_.try_emplace(batch);
    if (!is_first) {
      line->second.insert(attempt.launch.token);
      return;
    }
  }
  queue_.push_back(attempt.launch.token);
}

/// It has ended: the next of its batch has its place, or that is free.
void SimExecutor::leave_queue(const Attempt& attempt) {
  const Token token = attempt.launch.token;
  const bool is_admitted = attempt.phase != Phase::waiting;
  const auto line = lines_.find(attempt.launch.batch);
  if (line != lines_.end() && line->second.erase(token) > 0) return;  // it stood behind the first
  const auto place = std::ranges::find(queue_, token);
  if (line == lines_.end() || line->second.empty()) {
    if (line != lines_.end()) lines_.erase(line);
    if (is_admitted)
      used_.subtract(attempt.launch.resources);
    else
      queue_.erase(place);
    return;
  }
  const Token next = line->second.extract(line->second.begin()).value();
  if (is_admitted)
    launch(attempts_.at(next));
  else
    *place = next;
}

void SimExecutor::begin(Attempt& attempt) {
  if (!attempt.behaviour.starts) {
    finish(attempt, {OutcomeClass::start_failed, 0, {ReasonCode::could_not_start, 0, 11}},
           "no room in the process table");
    return;
  }
  attempt.phase = Phase::running;
  attempt.plan = next_plan_++;
  attempt.started_at = around_.wall.read();
  if (around_.watcher != nullptr) around_.watcher->on_process_started(around_.pool, attempt.launch);
  plan(attempt, attempt.behaviour.run_time,
       [this](Attempt& done) { finish(done, done.behaviour.outcome); });
  plan_limits(attempt);
  plan_progress(attempt);
  if (sink_ != nullptr) sink_->on_started(attempt.launch.token, attempt.started_at);
}

void SimExecutor::plan_limits(Attempt& attempt) {
  const Duration run = attempt.launch.run_timeout;
  if (run > Duration{0} && run < attempt.behaviour.run_time) {
    plan(attempt, run, [this, run](Attempt& late) {
      die_within(late, late.launch.grace, over_limit(ReasonCode::run_timeout, run));
    });
  }
  const Duration idle = attempt.launch.idle_timeout;
  if (idle > Duration{0} && idle < attempt.behaviour.silence) {
    plan(attempt, idle, [this, idle](Attempt& late) {
      die_within(late, late.launch.grace, over_limit(ReasonCode::idle_timeout, idle));
    });
  }
}

void SimExecutor::plan_progress(Attempt& attempt) {
  const std::uint32_t reports = attempt.behaviour.progress_reports;
  for (std::uint32_t i = 1; i <= reports; ++i) {
    plan(attempt, attempt.behaviour.run_time * i / (reports + 1), [this, i, reports](Attempt& it) {
      const auto percent = static_cast<std::int16_t>(100 * i / (reports + 1));
      if (sink_ != nullptr) sink_->on_progress({it.launch.token, percent, "step"});
    });
  }
}

/// SIGTERM now, SIGKILL after the grace. `outcome` is how that end counts. Being told again can
/// only bring the end forward.
void SimExecutor::die_within(Attempt& attempt, Duration grace, const Outcome& outcome) {
  const bool obeys = attempt.behaviour.dying_time < grace;
  const Duration delay = obeys ? attempt.behaviour.dying_time : std::max(grace, Duration{0});
  const Time when = around_.agenda.now() + delay;
  if (attempt.dies_at <= when) return;
  attempt.dies_at = when;
  attempt.plan = next_plan_++;
  Outcome how = outcome;
  if (!obeys && how.kind == OutcomeClass::signalled) how = killed_by(kSigkill);
  if (obeys && how.kind == OutcomeClass::signalled && attempt.behaviour.exits_on_signal)
    how = {OutcomeClass::exited, 0, {ReasonCode::completed, 0, 0}};
  plan(attempt, delay, [this, how](Attempt& dead) { finish(dead, how); });
}

void SimExecutor::stop(Token token, engine::StopMode mode, Duration grace) {
  const auto found = attempts_.find(token);
  if (found == attempts_.end()) return;
  Attempt& attempt = found->second;
  const Outcome how = killed_by(mode == engine::StopMode::kill ? kSigkill : kSigterm);
  switch (attempt.phase) {
    case Phase::waiting:
    case Phase::launching: finish(attempt, how, "stopped before it ran"); return;
    case Phase::running:
      if (mode == engine::StopMode::kill)
        finish(attempt, how);
      else
        die_within(attempt, grace, how);
      return;
    case Phase::ended: return;
  }
}

void SimExecutor::finish(Attempt& attempt, const Outcome& outcome, std::string message) {
  leave_queue(attempt);
  const bool ran = attempt.phase == Phase::running;
  attempt.phase = Phase::ended;
  attempt.plan = next_plan_++;
  attempt.end = {
      .token = attempt.launch.token,
      .outcome = outcome,
      .usage = {.user_cpu = Duration{ran ? 1000 : 0}},
      .started_at = attempt.started_at,
      .ended_at = around_.wall.read(),
      .outputs = outcome.is_success() ? attempt.behaviour.outputs : std::vector<OutputValue>{},
      .message = std::move(message)};
  if (around_.watcher != nullptr) {
    if (ran) around_.watcher->on_process_ended(around_.pool, attempt.launch, outcome);
    around_.watcher->on_end_kept(around_.pool, attempt.end);
  }
  tell_end(attempt);
  if (flaw_ == ExecutorFlaw::drops_ends) {
    spent_.insert(attempt.launch.token);
    attempts_.erase(attempt.launch.token);
  }
  admit();
}

void SimExecutor::tell_end(const Attempt& attempt) {
  if (sink_ == nullptr) return;
  sink_->on_ended(attempt.end);
}

void SimExecutor::probe(Token token) {
  const auto found = attempts_.find(token);
  if (found == attempts_.end()) {
    // From now on the answer is a promise: the start may still be under way, behind this probe.
    spent_.insert(token);
    if (around_.watcher != nullptr) around_.watcher->on_token_unknown(around_.pool, token);
    if (sink_ != nullptr) sink_->on_liveness(token, Liveness::unknown);
    return;
  }
  if (found->second.phase == Phase::ended) {
    if (flaw_ == ExecutorFlaw::two_ends)
      found->second.end.outcome = {OutcomeClass::exited, 99, {ReasonCode::exit_status, 0, 99}};
    tell_end(found->second);
  } else if (sink_ != nullptr) {
    const bool runs = found->second.phase == Phase::running;
    sink_->on_liveness(token, runs ? Liveness::running : Liveness::waiting);
  }
}

void SimExecutor::forget(Token token) {
  const auto found = attempts_.find(token);
  if (found == attempts_.end() || found->second.phase != Phase::ended) return;
  spent_.insert(token);
  attempts_.erase(found);
}

void SimExecutor::crash() {
  for (const auto& [token, attempt] : attempts_) {
    if (around_.watcher == nullptr) break;
    if (attempt.phase == Phase::running) {
      around_.watcher->on_process_ended(around_.pool, attempt.launch,
                                        {OutcomeClass::lost, 0, {ReasonCode::executor_lost, 0, 0}});
    }
    around_.watcher->on_token_unknown(around_.pool, token);
  }
  attempts_.clear();
  queue_.clear();
  lines_.clear();
  spent_.clear();
  used_ = {};
  up_ = false;
  ++life_;
}

void SimExecutor::lose_processes(Generator& random, std::uint32_t per_mille) {
  std::vector<Token> gone;
  for (const auto& [token, attempt] : attempts_) {
    if (attempt.phase == Phase::running && random.chance(per_mille)) gone.push_back(token);
  }
  for (const Token token : gone) {
    finish(attempts_.at(token), {OutcomeClass::lost, 0, {ReasonCode::executor_lost, 0, 0}},
           "its node is gone");
  }
}

std::size_t SimExecutor::kept_ends() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      attempts_, [](const auto& entry) { return entry.second.phase == Phase::ended; }));
}

}  // namespace reeve::sim
