// What executors report: starts, progress, ends. A report is believed only if its fencing token is
// that of the task's present attempt; late answers of old attempts are counted and dropped.
#include <algorithm>

#include "base/ensure.h"
#include "core/batch.h"
#include "core/launch.h"
#include "core/retry.h"
#include "core/step.h"

namespace reeve::core {

std::optional<Found> find_attempt(Step& step, Token token) {
  const auto found = step.state.live.find(token);
  if (found == step.state.live.end()) {
    ++step.changes.stale_reports;
    return std::nullopt;
  }
  LiveAttempt& live = found->second;
  live.heard_at = step.now;
  Run* run = step.state.find_run(live.task.run);
  ENSURE(run != nullptr);
  Task& task = run->tasks[live.task.index];
  if (task.token == token) return Found{&live, run, &task, live.task.index};
  Companion* const companion = companion_of(*run, live.task.index);
  ENSURE(companion != nullptr && companion->token == token && !companion->won);
  return Found{&live, run, &task, live.task.index, companion};
}

void release_places(Step& step, const Found& at) {
  schedule::Planner& planner = step.state.planner;
  const Group& group = at.run->groups[at.task->group.value];
  const schedule::HolderId holder = at.live->holder;
  const Token token = at.companion != nullptr ? at.companion->token : at.task->token;
  at.live->holder = schedule::kNoHolder;
  at.task->flags &= static_cast<std::uint8_t>(~kTaskStaged);
  if (!leave_batch(step.state, token, *at.live)) return;
  at.live->batch = {};
  planner.locks.release(planner.waiting.key(group.ready_class).locks);
  for (const schedule::HolderId next : planner.end(holder, step.now)) {
    const LiveAttempt& live = step.state.live.at(planner.holder(next).token);
    for (const Token promoted : attempts_of(step.state, live)) {
      Task* task = step.state.find_task(step.state.live.at(promoted).task);
      task->flags &= static_cast<std::uint8_t>(~kTaskStaged);
    }
  }
}

void note_for_circuits(Step& step, const Found& at, const Outcome& outcome, bool is_one_of_two) {
  schedule::Planner& planner = step.state.planner;
  const schedule::ClassKey& key =
      planner.waiting.key(at.run->groups[at.task->group.value].ready_class);
  const bool of_node =
      outcome.kind == OutcomeClass::lost || outcome.kind == OutcomeClass::start_failed;
  const Time since =
      at.live->holder == schedule::kNoHolder ? step.now : planner.holder(at.live->holder).since;
  planner.note_end(step.state.pools[at.live->pool.value].node, of_node, since, step.now);
  const bool says_nothing = of_node || (at.task->flags & kTaskStopAsked) != 0;
  for (const schedule::CircuitId circuit : {key.circuit, key.target}) {
    if (!says_nothing)
      (void)planner.gates.circuits.on_end(circuit, !outcome.is_success(), since, step.now);
    else if (!is_one_of_two)  // else the other one answers
      planner.gates.circuits.on_no_answer(circuit, since);
  }
}

void forget(Step& step, Token token, PoolId pool) {
  step.changes.effects.emplace_back(ForgetAttempt{token, pool});
}

namespace {

bool is_forgiven(const Step& step, const Run& run, std::uint32_t index) {
  const Task& task = run.tasks[index];
  const spec::TaskGroup& spec = run.group_spec(task.group);
  if (!spec.detail || !spec.detail->continue_on_error) return false;
  const ExpressionData data = expression_data(step.state, run, task.group, index);
  const Result<spec::Json> value = spec.detail->continue_on_error->render_value(data.context());
  if (!value) return false;
  return value->is_string() ? value->get_string() == "true" : spec::is_truthy(*value);
}

/// The other tasks of a fan-out that fails fast.
void abort_siblings(Step& step, Run& run, std::uint32_t failed) {
  const Group& group = run.groups[run.tasks[failed].group.value];
  for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
    if (i != failed && !is_final(run.tasks[i].state))
      end_task(step, run, i, TaskState::aborted, {.reason = {ReasonCode::fail_fast, 0, failed}});
  }
}

void fail_task(Step& step, Run& run, std::uint32_t index, Reason reason) {
  Task& task = run.tasks[index];
  const TaskState to =
      task.outcome == OutcomeClass::timed_out ? TaskState::timed_out : TaskState::failed;
  if (is_forgiven(step, run, index)) task.flags |= kTaskForgiven;
  finish_task(step, run, index, to, reason);
  const bool fail_fast = run.group_spec(task.group).fails_fast();
  if (fail_fast && (task.flags & kTaskForgiven) == 0) abort_siblings(step, run, index);
}

/// The state of a task whose stop was asked for, once its attempt has ended.
TaskState stopped_state(const Task& task) {
  if ((task.flags & kTaskStopByPerson) != 0) return TaskState::cancelled;
  if ((task.flags & kTaskStopDeadline) != 0) return TaskState::timed_out;
  return TaskState::aborted;
}

/// A person asked for this attempt to look at it: what comes next is theirs to say. Not so where
/// there was nothing to look at.
bool is_for_debugging(const TaskExtra& extra, const Outcome& outcome) {
  if (extra.hold <= Duration{0}) return false;
  return outcome.kind != OutcomeClass::lost && outcome.kind != OutcomeClass::start_failed;
}

struct Judged {
  Outcome outcome;
  std::uint64_t random = 0;
  bool is_undone = false;  ///< behind others of its batch: it had not begun
};

/// Success, another try, or the end: after a process ended and its files were collected.
/// Returns why it is tried again or not.
Reason conclude(Step& step, Run& run, std::uint32_t index, const Judged& judged) {
  Task& task = run.tasks[index];
  const bool stopped = (task.flags & kTaskStopAsked) != 0;
  if (judged.outcome.is_success()) {
    step.state.planner.retries.on_success(queue_of(step.state, run, index), step.now);
    finish_task(step, run, index, TaskState::succeeded, {ReasonCode::completed, 0, 0});
    return {};
  }
  if (stopped && (task.flags & kTaskPreempted) != 0) {
    ++run.make_extra(index).ends_by_class[0];
    const bool is_drained = task.reason.code == ReasonCode::drained_off;
    change_task(step, run, index, TaskState::retry_wait,
                {is_drained ? ReasonCode::drained_off : ReasonCode::preempted, 0, 0});
    task.wake_at = step.now;
    set_timer(step, run, index, task.wake_at);
    return task.reason;
  }
  if (stopped) {
    const Reason reason = task.reason;
    finish_task(step, run, index, stopped_state(task), reason);
    return reason;
  }
  const spec::RetryPolicy& policy = run.workflow().policy_of(run.group_spec(task.group)).retry;
  const bool is_over = run.record.cancel_requested && run.phase == spec::Phase::main;
  if (judged.is_undone && policy.rule(OutcomeClass::lost).retried && !is_over) {
    change_task(step, run, index, TaskState::retry_wait, {ReasonCode::batch_undone, 0, 0});
    task.wake_at = step.now;
    set_timer(step, run, index, task.wake_at);
    return task.reason;
  }
  TaskExtra& extra = run.make_extra(index);
  const std::uint32_t ends = ++extra.ends_by_class[static_cast<std::size_t>(judged.outcome.kind)];
  RetryDecision decision = decide_retry(
      policy, {judged.outcome.kind, ends, task.charged, judged.random, judged.outcome.reason.code});
  if (is_over) decision.again = false;
  if (is_for_debugging(extra, judged.outcome)) decision = {};
  if (!decision.again) {
    fail_task(step, run, index, judged.outcome.reason);
    return decision.reason;
  }
  if (decision.charged) ++task.charged;
  task.attempt = std::max(task.attempt, extra.hedging.attempts);  // the next is a new one
  change_task(step, run, index, TaskState::retry_wait,
              {ReasonCode::retry_backoff, task.attempt, decision.delay.count()});
  task.wake_at = step.now + decision.delay;
  set_timer(step, run, index, task.wake_at);
  return decision.reason;
}

bool declares_artifacts_for(const spec::TaskGroup& spec, const Outcome& outcome) {
  if (!spec.detail) return false;
  for (const spec::Artifact& artifact : spec.detail->artifacts) {
    using enum spec::Artifact::When;
    if (artifact.when == always) return true;
    if ((artifact.when == success) == outcome.is_success()) return true;
  }
  return false;
}

/// render_launch() asks for permission first.
ReasonCode why_rejected(const State& state, Token token) {
  const auto live = state.live.find(token);
  const Run* run = live == state.live.end() ? nullptr : state.find_run(live->second.task.run);
  if (run == nullptr) return ReasonCode::expression_failed;
  const spec::TaskGroup& group = run->group_spec(run->tasks[live->second.task.index].group);
  return missing_permission(run->workflow().policy_of(group).sandbox, state.sandbox_rules)
             ? ReasonCode::not_permitted
             : ReasonCode::expression_failed;
}

}  // namespace

AttemptRecord attempt_record(const Found& at, const AttemptEnd& end, const Outcome& outcome) {
  return {.task = {at.run->record.id, at.index},
          .number = at.companion != nullptr ? at.companion->attempt : at.task->attempt,
          .token = end.token,
          .pool = at.live->pool,
          .queued_at = at.companion != nullptr ? at.companion->handed_at : at.task->queued_at,
          .started_at = end.started_at,
          .ended_at = end.ended_at,
          .tier = end.tier,
          .outcome = outcome,
          .usage = end.usage,
          .placed = at.live->placed,
          .next = {},
          .message = end.message,
          .score = at.live->score};
}

bool collects(const Run& run, std::uint32_t index, const Outcome& outcome, bool ran) {
  const Task& task = run.tasks[index];
  return ran && (task.flags & kTaskStopAsked) == 0 &&
         declares_artifacts_for(run.group_spec(task.group), outcome);
}

Outcome with_reason(Outcome outcome) {
  if (outcome.reason.code != ReasonCode::none) return outcome;
  switch (outcome.kind) {
    case OutcomeClass::exited:
      outcome.reason = outcome.code == 0 ? Reason{ReasonCode::completed, 0, 0}
                                         : Reason{ReasonCode::exit_status, 0, outcome.code};
      break;
    case OutcomeClass::signalled:
      outcome.reason = {ReasonCode::killed_by_signal, 0, outcome.code};
      break;
    case OutcomeClass::lost: outcome.reason = {ReasonCode::executor_lost, 0, 0}; break;
    case OutcomeClass::timed_out: outcome.reason = {ReasonCode::run_timeout, 0, 0}; break;
    case OutcomeClass::out_of_memory: outcome.reason = {ReasonCode::memory_limit, 0, 0}; break;
    default: outcome.reason = {ReasonCode::could_not_start, 0, 0}; break;
  }
  return outcome;
}

void mark_running(Step& step, const Found& at, Time started_at) {
  at.task->started_at = started_at;
  note_start_time(step, *at.live, started_at);
  const Reason placed = at.live->placed;
  const bool stopping = (at.task->flags & kTaskStopAsked) != 0;
  // A stop that is under way keeps its own reason: it will be the reason of the end.
  change_task(step, *at.run, at.index, TaskState::running, stopping ? at.task->reason : placed);
}

void on_attempt_started(Step& step, const AttemptStarted& event) {
  const auto at = find_attempt(step, event.token);
  if (!at || !is_live(at->task->state)) return;
  if (at->task->state == TaskState::starting) return mark_running(step, *at, event.at);
  // The task runs already, by another attempt than this one: it has two, or had.
  Time& started_at = at->companion != nullptr ? at->companion->started_at : at->task->started_at;
  if (started_at != kUnset) return;
  leave_hedgeable(step, *at->run, at->index);
  started_at = event.at;
  join_hedgeable(step, *at->run, at->index);
  mark_task(step, *at->run, at->index);
}

void on_attempt_progressed(Step& step, const AttemptProgressed& event) {
  const auto at = find_attempt(step, event.progress.token);
  if (!at || !is_live(at->task->state) || at->companion != nullptr) return;
  at->task->percent = static_cast<std::int8_t>(std::min<std::int16_t>(event.progress.percent, 100));
  if (!event.progress.message.empty())
    at->run->make_extra(at->index).message = event.progress.message;
  step.changes.progressed.push_back({at->run->record.id, at->index});
  mark_task(step, *at->run, at->index);
}

void on_attempt_ended(Step& step, const AttemptEnded& event) {
  const AttemptEnd& end = event.end;
  const auto at = find_attempt(step, end.token);
  if (!at || !is_live(at->task->state)) {
    forget(step, end.token, at ? at->live->pool : PoolId{});
    return;
  }
  if (companion_of(*at->run, at->index) != nullptr) return on_one_of_two_ended(step, *at, event);
  Run& run = *at->run;
  Task& task = *at->task;
  // What ended by itself ran, even if the report does not say since when.
  const bool ran = end.started_at != kUnset || end.outcome.kind == OutcomeClass::exited;
  if (task.state == TaskState::starting && ran)
    mark_running(step, *at, end.started_at != kUnset ? end.started_at : end.ended_at);
  const Outcome outcome = with_reason(end.outcome);
  if (end.started_at != kUnset)
    step.state.planner.observe_run_time(step.state.pools[at->live->pool.value].node,
                                        end.ended_at - end.started_at);
  note_for_circuits(step, *at, outcome, false);
  release_places(step, *at);
  AttemptRecord record = attempt_record(*at, end, outcome);
  if (!end.message.empty() || !end.outputs.empty() || is_held_open(task)) {
    TaskExtra& extra = run.make_extra(at->index);
    extra.message = end.message;
    extra.outputs = end.outputs;
  }
  const bool collect = collects(run, at->index, outcome, end.started_at != kUnset);
  learn_from_end(step, *at, {end, outcome, !collect});
  const LastEnd last{end.token, at->live->pool, outcome, end.started_at != kUnset, event.random};
  forget(step, end.token, last.pool);
  step.state.live.erase(end.token);
  record.next = take_last_end(step, run, at->index, last);
  step.changes.attempts.push_back(std::move(record));
}

Reason take_last_end(Step& step, Run& run, std::uint32_t index, const LastEnd& end) {
  Task& task = run.tasks[index];
  task.outcome = end.outcome.kind;
  task.code = end.outcome.code;
  task.percent = -1;
  if (!collects(run, index, end.outcome, end.ran))
    return conclude(step, run, index,
                    {end.outcome, end.random, is_undone(task, end.outcome, end.ran)});
  // The end is judged when the files are in: until then the token stays known.
  change_task(step, run, index, TaskState::validating, end.outcome.reason);
  const TaskId id{run.record.id, index};
  step.state.live.emplace(
      end.token, LiveAttempt{.task = id, .pool = end.pool, .heard_at = step.now, .placed = {}});
  step.changes.effects.emplace_back(CollectArtifacts{id, end.token});
  return {ReasonCode::checking, 0, 0};
}

void on_attempt_seen(Step& step, const AttemptSeen& event) {
  const auto at = find_attempt(step, event.token);
  if (!at || !is_live(at->task->state)) return;
  if (event.liveness == Liveness::running)
    on_attempt_started(step, {.token = event.token, .at = step.now});
  if (event.liveness != Liveness::unknown) {
    if (at->task->reason.code == ReasonCode::hold_released)
      return release_hold(step, *at->run, at->index);
    const Companion* const companion = companion_of(*at->run, at->index);
    const bool lost = companion != nullptr && companion->won;
    if ((at->task->flags & kTaskStopAsked) != 0 || lost) {  // the order may have been lost
      const spec::Policy& policy =
          at->run->workflow().policy_of(at->run->group_spec(at->task->group));
      step.changes.effects.emplace_back(StopAttempt{event.token, at->live->pool, lost,
                                                    lost ? Duration{0} : policy.timeouts.grace});
    }
    return;
  }
  AttemptEnded gone;
  gone.end.token = event.token;
  gone.end.outcome = {OutcomeClass::lost, 0, {ReasonCode::executor_lost, 0, 0}};
  if (at->companion != nullptr)
    gone.end.started_at = at->companion->started_at;
  else if (at->task->state == TaskState::running)
    gone.end.started_at = at->task->started_at;
  gone.end.ended_at = step.now;
  gone.random = event.random;
  on_attempt_ended(step, gone);
}

void on_artifacts_collected(Step& step, const ArtifactsCollected& event) {
  const auto at = find_attempt(step, event.token);
  if (!at || at->task->state != TaskState::validating) return;
  if (!event.artifacts.empty()) at->run->make_extra(at->index).artifacts = event.artifacts;
  Outcome outcome{at->task->outcome, at->task->code, at->task->reason};
  if (outcome.is_success() && !event.ok) {
    outcome = {OutcomeClass::rejected, 0, {ReasonCode::artifact_missing, 0, 0}};
    at->task->outcome = outcome.kind;
    at->run->make_extra(at->index).message = event.message;
  }
  learn_from_verdict(step, *at, outcome);
  step.state.live.erase(event.token);
  conclude(step, *at->run, at->index, {outcome, event.random});
}

void on_launch_rejected(Step& step, const LaunchRejected& event) {
  AttemptEnded rejected;
  rejected.end.token = event.token;
  rejected.end.outcome = {OutcomeClass::rejected, 0, {why_rejected(step.state, event.token), 0, 0}};
  rejected.end.ended_at = step.now;
  rejected.end.message = event.message;
  on_attempt_ended(step, rejected);
}

void on_executor_changed(Step& step, const ExecutorChanged& event) {
  if (event.pool.value >= step.state.pools.size()) return;
  Pool& pool = step.state.pools[event.pool.value];
  pool.up = event.up;
  step.state.planner.set_open(pool.node, pool.is_open());
  if (!event.up) return;
  step.changes.effects.emplace_back(SetCapacity{event.pool});
  for (const auto& [token, live] : step.state.live) {
    if (live.pool == event.pool && is_live(step.state.find_task(live.task)->state))
      step.changes.effects.emplace_back(ProbeAttempt{token, live.pool});
  }
}

void stop_attempt(Step& step, Run& run, std::uint32_t index, const StopOrder& order) {
  Task& task = run.tasks[index];
  const bool was_to_come_back = (task.flags & kTaskPreempted) != 0;
  if (was_to_come_back) {  // whoever wants it ended for good has the last word
    task.flags = static_cast<std::uint8_t>((task.flags & ~kTaskPreempted) | order.flags);
    task.reason = order.reason;
    mark_task(step, run, index);
  }
  if ((task.flags & kTaskStopAsked) != 0 && !order.kill) return;
  const Duration own = run.workflow().policy_of(run.group_spec(task.group)).timeouts.grace;
  leave_hedgeable(step, run, index);
  task.flags |= kTaskStopAsked | order.flags;
  task.reason = order.reason;
  mark_task(step, run, index);
  const auto stop = [&](Token token) {
    step.changes.effects.emplace_back(StopAttempt{token, step.state.live.at(token).pool, order.kill,
                                                  order.grace < Duration{0} ? own : order.grace});
  };
  stop(task.token);
  const Companion* const companion = companion_of(run, index);
  if (companion != nullptr && !companion->won) stop(companion->token);
}

void end_task(Step& step, Run& run, std::uint32_t index, TaskState to, const StopOrder& order) {
  Task& task = run.tasks[index];
  if (is_held_open(task)) {
    release_hold(step, run, index);
    return;
  }
  if (is_live(task.state)) {
    StopOrder with_flags = order;
    if (to == TaskState::cancelled) with_flags.flags |= kTaskStopByPerson;
    if (to == TaskState::timed_out) with_flags.flags |= kTaskStopDeadline;
    stop_attempt(step, run, index, with_flags);
    return;
  }
  if (task.state == TaskState::validating) step.state.live.erase(task.token);
  if (to == TaskState::timed_out && is_forgiven(step, run, index)) task.flags |= kTaskForgiven;
  finish_task(step, run, index, to, order.reason);
}

}  // namespace reeve::core
