#include "engine/test_rig.h"

#include <gtest/gtest.h>

#include "spec/parse.h"

namespace reeve::engine::test {

std::shared_ptr<const spec::Workflow> workflow_of(std::string_view yaml) {  // shared: as in core
  spec::Parsed parsed = spec::parse_workflow(yaml, "test.yaml");
  for (const spec::Diagnostic& diagnostic : parsed.diagnostics)
    ADD_FAILURE() << diagnostic.text() << "\n" << yaml;
  return parsed.workflow;
}

core::SubmitRun submission(std::string_view yaml, std::string key) {
  core::SubmitRun event;
  event.workflow = workflow_of(yaml);
  event.workflow_digest = event.workflow->digest;
  event.directory = "/work";
  event.submitter = "ada";
  event.texts.idempotency_key = std::move(key);
  return event;
}

// Executor ----------------------------------------------------------------------------------------

Status FakeExecutor::attach(ExecutorSink& sink) {
  if (attach_fails) return tl::unexpected(*attach_fails);
  sink_ = &sink;
  if (up_at_once) sink.on_up();
  for (const auto& [token, end] : ended) sink.on_ended(end);
  return {};
}

void FakeExecutor::set_capacity(const Resources& capacity) {
  log_.push_back("capacity " + format_resources(capacity));
}

void FakeExecutor::start(Launch launch) {
  log_.push_back("start " + std::to_string(launch.token.value));
  if (started.insert(launch.token).second) running.emplace(launch.token, std::move(launch));
}

void FakeExecutor::stop(Token token, StopMode mode, Duration) {
  log_.push_back((mode == StopMode::kill ? "kill " : "stop ") + std::to_string(token.value));
}

void FakeExecutor::probe(Token token) {
  log_.push_back("probe " + std::to_string(token.value));
  if (running.contains(token))
    sink_->on_liveness(token, Liveness::running);
  else if (const auto found = ended.find(token); found != ended.end())
    sink_->on_ended(found->second);
  else
    sink_->on_liveness(token, Liveness::unknown);
}

void FakeExecutor::enter(const EnterOrder& order) {
  log_.push_back("enter " + std::to_string(order.token.value) + ": " + order.command.front());
}

void FakeExecutor::forget(Token token) {
  log_.push_back("forget " + std::to_string(token.value));
  ended.erase(token);
}

void FakeExecutor::flush() { log_.emplace_back("flush"); }

void FakeExecutor::detach() { sink_ = nullptr; }

bool FakeExecutor::end_one(Time now, std::int32_t code) {
  if (running.empty()) return false;
  end(running.begin()->first, now, code);
  return true;
}

void FakeExecutor::end(Token token, Time now, std::int32_t code) {
  running.erase(token);
  AttemptEnd end;
  end.token = token;
  end.outcome = {OutcomeClass::exited, code, {}};
  end.started_at = now;
  end.ended_at = now;
  ended[token] = end;
  if (sink_ != nullptr) sink_->on_ended(std::move(end));
}

// Store and observer ------------------------------------------------------------------------------

Status LoggingStore::commit(const Commit& commit) {
  log_.emplace_back("commit");
  return store_->commit(commit);
}

void LoggingObserver::on_committed(const Committed& committed) {
  log_.emplace_back("tell");
  tasks.insert(tasks.end(), committed.tasks.begin(), committed.tasks.end());
  runs.insert(runs.end(), committed.runs.begin(), committed.runs.end());
  progressed.insert(progressed.end(), committed.progressed.begin(), committed.progressed.end());
  attempts.insert(attempts.end(), committed.attempts.begin(), committed.attempts.end());
}

// Rig ---------------------------------------------------------------------------------------------

Rig::Rig(Store& store, std::int64_t cpus) : store_(store, log) {
  options.pools = {{"local", {.cpu_millicores = cpus * 1000, .countables = {}}}};
  options.engine_name = "test";
}

Status Rig::open() {
  engine_.reset();
  Result<std::unique_ptr<Engine>> opened =
      Engine::open({clock, random, store_, {&executor}, artifacts, secrets}, options);
  if (!opened) return tl::unexpected(std::move(opened).error());
  engine_ = *std::move(opened);
  engine_->add_observer(observer);
  return {};
}

Status Rig::settle() {
  for (int round = 0; engine_->has_work(); ++round) {
    TRY(step());
    if (round > 10'000) return fail(ErrorCode::exhausted, "it never settles");
  }
  return {};
}

Status Rig::run_all() {
  for (;;) {
    TRY(settle());
    if (executor.end_one(clock.time)) continue;
    const auto wake = engine_->next_wake();
    if (!wake) return {};
    clock.time = std::max(clock.time, *wake);
  }
}

Result<Receipt> Rig::ask(core::Event event) {
  std::optional<Result<Receipt>> answer;
  const bool posted = engine_->post(std::move(event),
                                    [&](Result<Receipt> receipt) { answer = std::move(receipt); });
  if (!posted) return fail(ErrorCode::exhausted, "the inbox is full");
  TRY(settle());
  if (!answer) return fail(ErrorCode::unavailable, "no answer");
  return *answer;
}

RunId Rig::submit(std::string_view yaml, std::string key) {
  const Result<Receipt> receipt = ask(submission(yaml, std::move(key)));
  if (receipt) return receipt->run;
  ADD_FAILURE() << receipt.error().text();
  return {};
}

core::RunState Rig::ended(RunId run) const {
  core::RunState state = core::RunState::queued;
  for (const core::RunChange& change : observer.runs) {
    if (change.run == run && core::is_final(change.to)) state = change.to;
  }
  return state;
}

Completion Rig::logged(std::string what) {
  return [this, what = std::move(what)](const Result<Receipt>& receipt) {
    log.push_back("answer " + what + (receipt ? "" : ": " + receipt.error().text()));
  };
}

}  // namespace reeve::engine::test
