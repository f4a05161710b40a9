// One round: drain, apply, plan, commit, tell, answer, dispatch. The order is the contract.
#include <algorithm>

#include "base/ensure.h"
#include "engine/dispatch.h"
#include "engine/parts.h"
#include "engine/replay.h"

namespace reeve::engine {
namespace {

void journal(Engine::Parts& parts, const core::Event& event) {
  Writer writer(parts.journal);
  encode(writer, event);
  ++parts.journal_events;
}

void fill_random(Engine::Parts& parts, core::Event& event) {
  std::uint64_t* random = nullptr;
  if (auto* ended = std::get_if<core::AttemptEnded>(&event)) random = &ended->random;
  if (auto* seen = std::get_if<core::AttemptSeen>(&event)) random = &seen->random;
  if (auto* collected = std::get_if<core::ArtifactsCollected>(&event)) random = &collected->random;
  if (random != nullptr) *random = parts.ports.random.bits();
}

/// Asks the store for all keys of the round at once.
void look_up_keys(Engine::Parts& parts) {
  parts.round_keys.clear();
  parts.keys_failure.reset();
  std::vector<std::string_view> keys;
  for (const Envelope& envelope : parts.envelopes) {
    const core::SubmitRun* const submission = core::submission_of(envelope.event);
    if (submission != nullptr && !envelope.is_look && !submission->texts.idempotency_key.empty())
      keys.push_back(submission->texts.idempotency_key);
  }
  if (keys.empty()) return;
  Result<std::vector<RunId>> runs = parts.ports.store.find_idempotency_keys(keys);
  if (!runs) {
    parts.keys_failure = std::move(runs).error();
    return;
  }
  for (std::size_t i = 0; i < keys.size(); ++i)
    if ((*runs)[i] != RunId{}) parts.round_keys.emplace(keys[i], (*runs)[i]);
}

/// How those runs ended that are no longer in memory. Nothing can end between this and the step
/// that needs it: whoever is not in memory has ended in an earlier step, which is durable. So the
/// answer belongs to the event, as random bits do, and a replay need not look.
Status look_up_ends(Engine::Parts& parts, core::Event& event) {
  auto* const follower = std::get_if<core::SubmitAfter>(&event);
  if (follower == nullptr) return {};
  for (core::RunAfter& after : follower->after) {
    after.is_open = false;
    after.ended = core::RunState::queued;
    if (parts.core.state().find_run(after.run) != nullptr) continue;
    TRY_ASSIGN(const RunEnd end, parts.ports.store.find_end(after.run));
    after.uuid = end.uuid;
    after.ended = end.state;
  }
  return {};
}

/// A key that cannot be looked up refuses the submission: it might be a second run of the same.
Result<Receipt> submit(Engine::Parts& parts, core::Event& event, const std::string& key, Time now) {
  if (!key.empty()) {
    if (parts.keys_failure) return tl::unexpected(*parts.keys_failure);
    const auto known = parts.round_keys.find(key);
    if (known != parts.round_keys.end()) return Receipt{known->second, true};
  }
  TRY(look_up_ends(parts, event));
  TRY_ASSIGN(const core::Applied applied, parts.core.apply(event, now));
  journal(parts, event);
  if (!key.empty()) parts.round_keys.emplace(key, applied.run);
  return Receipt{applied.run, false};
}

/// A retry needs the run in memory: brings it back if it ended before, and lets it go again if the
/// retry is refused.
Result<core::Applied> retry(Engine::Parts& parts, const core::Event& event, RunId run, Time now) {
  const bool away = parts.core.state().find_run(run) == nullptr;
  if (away) {
    TRY_ASSIGN(core::StoredRun stored, parts.ports.store.load_run(run));
    TRY(parts.core.reload(std::move(stored)));
  }
  Result<core::Applied> applied = parts.core.apply(event, now);
  if (away && applied) journal(parts, core::RunReloaded{run});
  if (away && !applied) parts.core.unload(run);
  return applied;
}

std::optional<RunId> retried_run(const core::Event& event) {
  if (const auto* again = std::get_if<core::Retry>(&event)) return again->run;
  if (const auto* held = std::get_if<core::RetryHeld>(&event)) return held->retry.run;
  return std::nullopt;
}

Result<Receipt> obey(Engine::Parts& parts, core::Event& event, Time now) {
  if (const core::SubmitRun* submission = core::submission_of(event))
    return submit(parts, event, submission->texts.idempotency_key, now);
  fill_random(parts, event);
  const auto retried = retried_run(event);
  TRY_ASSIGN(const core::Applied applied,
             retried ? retry(parts, event, *retried, now) : parts.core.apply(event, now));
  journal(parts, event);
  return Receipt{applied.run, false};
}

/// A failure of the check is the answer.
Result<Receipt> obey_checked(Engine::Parts& parts, Envelope& envelope, Time now) {
  if (envelope.check) TRY(envelope.check(parts.core.state()));
  return obey(parts, envelope.event, now);
}

void take_in(Engine::Parts& parts, Envelope& envelope, Time now) {
  Completion done = std::move(envelope.done);
  if (envelope.is_look) {
    parts.answers.push_back({std::move(done), Receipt{}});
    return;
  }
  ++parts.counters.events;
  Result<Receipt> receipt = obey_checked(parts, envelope, now);
  if (!receipt) ++parts.counters.refused;
  if (done) parts.answers.push_back({std::move(done), std::move(receipt)});
}

void collect_rows(Engine::Parts& parts) {
  const core::Changes& changes = parts.core.changes();
  const core::State& state = parts.core.state();
  parts.run_rows.clear();
  parts.task_rows.clear();
  parts.estimate_rows.clear();
  for (const core::EstimateId id : changes.estimates)
    parts.estimate_rows.push_back(&state.estimates.at(id));
  parts.usage_rows = state.planner.shares.touched();
  for (const RunId id : changes.runs) parts.run_rows.push_back(&state.find_run(id)->record);
  for (const TaskId id : changes.tasks) {
    const core::Run* run = state.find_run(id.run);
    parts.task_rows.push_back({id, &run->tasks[id.index], run->extra(id.index)});
  }
}

Status commit(Engine::Parts& parts, Time now) {
  const core::Changes& changes = parts.core.changes();
  collect_rows(parts);
  JournalRecord record;
  record.step = parts.last_step + 1;
  record.now = now;
  // The form of encode(std::vector<Event>): the count, then each.
  Writer writer(record.events);
  writer.varint(parts.journal_events);
  writer.bytes(parts.journal);
  record.effects = effects_digest(changes.effects);
  record.chain = chain_digest(parts.last_chain, record);
  Commit commit{.journal = &record,
                .workflows = changes.workflows,
                .runs = parts.run_rows,
                .tasks = parts.task_rows,
                .attempts = changes.attempts,
                .expansions = changes.expansions,
                .estimates = parts.estimate_rows,
                .usage = parts.usage_rows,
                .drains = changes.drains,
                .last_token = Token{parts.core.state().next_token - 1}};
  TRY(parts.ports.store.commit(commit));
  parts.last_step = record.step;
  parts.last_chain = record.chain;
  parts.last_now = now;
  return {};
}

void answer_all(Engine::Parts& parts, const Error* failure) {
  std::vector<Answer> answers = std::move(parts.answers);
  parts.answers.clear();
  for (Answer& answer : answers) {
    if (failure != nullptr)
      answer.done(tl::unexpected(*failure));
    else
      answer.done(std::move(answer.receipt));
  }
}

void tell_observers(Engine::Parts& parts, Time now) {
  const core::Changes& changes = parts.core.changes();
  const Committed committed{.now = now,
                            .state = parts.core.state(),
                            .runs = changes.run_changes,
                            .tasks = changes.task_changes,
                            .attempts = changes.attempts,
                            .progressed = changes.progressed,
                            .step = parts.last_step,
                            .run_rows = changes.runs,
                            .task_rows = changes.tasks};
  for (Observer* observer : parts.observers) observer->on_committed(committed);
}

}  // namespace

Time engine_now(const Engine::Parts& parts) {
  return std::max(parts.ports.clock.now() + parts.clock_bias, parts.last_now);
}

Status run_round(Engine::Parts& parts) {
  if (parts.failed)
    return fail(ErrorCode::unavailable, "the engine has stopped: its store failed before");
  ++parts.counters.rounds;
  parts.journal.clear();
  parts.journal_events = 0;
  const Time now = engine_now(parts);
  std::vector<core::Event> own = std::move(parts.own_events);
  parts.own_events.clear();
  for (core::Event& event : own) {
    Envelope envelope{std::move(event), nullptr};
    take_in(parts, envelope, now);
  }
  parts.inbox.drain(parts.envelopes, parts.options.events_per_round_max);
  look_up_keys(parts);
  for (Envelope& envelope : parts.envelopes) take_in(parts, envelope, now);
  parts.core.plan(now);
  parts.counters.stale_reports += parts.core.changes().stale_reports;

  if (parts.journal_events > 0 || !parts.core.changes().empty()) {
    if (Status committed = commit(parts, now); !committed) {
      parts.failed = true;
      Error error = std::move(committed).error();
      answer_all(parts, &error);
      parts.inbox.close();
      return tl::unexpected(std::move(error));
    }
    tell_observers(parts, now);
  }
  answer_all(parts, nullptr);
  dispatch_effects(parts);
  parts.core.clear_changes();
  return {};
}

}  // namespace reeve::engine
