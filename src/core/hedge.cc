// Stragglers: a task that takes longer than nearly all of its kind may be given a second attempt.
// Both are the task's; the first that succeeds is its result, the other is killed, and the task
// ends when that has ended too, so that nothing of it is left at work. One that fails while the
// other lives ends nothing. A storm of them is not possible: they are a small share of what lives,
// never take a place that somebody waits for, and are counted by task.
#include <algorithm>

#include "base/ensure.h"
#include "core/predict.h"
#include "core/step.h"

namespace reeve::core {
namespace {

constexpr std::size_t kHedgePercent = 5;       // of the live attempts
constexpr std::uint32_t kObservationsMin = 5;  // before a quantile is believed
/// Where all of a kind take the same time nothing but noise is beyond a quantile.
constexpr double kOfMedianMin = 1.25;

/// So long after its start a task of the group is due; nothing: that is not known yet.
std::optional<Duration> due_after(const State& state, const Run& run, GroupIndex group) {
  const spec::Hedge& hedge = run.workflow().policy_of(run.group_spec(group)).hedge;
  if (hedge.after > Duration{0}) return hedge.after;
  const schedule::Estimate* const estimate = estimate_of(state, run, group);
  if (estimate == nullptr || estimate->seconds.count < kObservationsMin) return std::nullopt;
  const double median = static_cast<double>(estimate->run_time(0.5)->count()) * kOfMedianMin;
  const Duration least{static_cast<std::int64_t>(std::min(median, 0x1p61))};
  return std::min(std::max(*estimate->run_time(hedge.quantile), least), kDurationMax);
}

struct Due {
  Time at;
  TaskId task;
  friend auto operator<=>(const Due&, const Due&) = default;
};

/// What is due now, longest overdue first; sets when the next will be.
std::vector<Due> find_due(State& state, Time now) {
  std::vector<Due> due;
  state.next_hedge = kNever;
  for (const auto& [key, tasks] : state.hedgeable) {
    const Run& run = *state.find_run(key.first);
    const auto after = is_held(run) ? std::nullopt : due_after(state, run, key.second);
    if (!after) continue;
    for (const auto& [started_at, index] : tasks) {
      if (started_at + *after > now) {
        state.next_hedge = std::min(state.next_hedge, started_at + *after);
        break;
      }
      due.push_back({started_at + *after, {key.first, index}});
    }
  }
  std::ranges::sort(due);
  return due;
}

/// Whether a task that could have a place, but for its size, is in the queue.
bool is_place_wanted(const State& state) {
  const schedule::Waiting& waiting = state.planner.waiting;
  return std::ranges::any_of(waiting.active(), [&](schedule::LeafId leaf) {
    return std::ranges::any_of(waiting.order(leaf), [&](const auto& position) {
      return state.planner.locks.first_busy(waiting.key(position.id).locks) == nullptr;
    });
  });
}

/// The second attempt has the resources that the first was given.
std::uint8_t variant_of(const Run& run, std::uint32_t index) {
  const TaskExtra* const extra = run.extra(index);
  return extra == nullptr ? std::uint8_t{0} : extra->variant;
}

/// By want of room, a lock, a limit, a quota or whatever else would keep one more from starting.
bool is_held_back(const State& state, schedule::ClassId id, std::uint8_t variant, Time now) {
  const schedule::Planner& planner = state.planner;
  const schedule::ClassKey& key = planner.waiting.key(id);
  const schedule::NodeId node = state.pools.front().node;
  const schedule::Shape& shape = planner.nodes.shape(key.demand, variant);
  if (planner.is_tripped(node)) return true;
  if (!planner.fits_now(node, key.demand, variant)) return true;
  if (planner.locks.first_busy(key.locks) != nullptr) return true;
  if (planner.shares.limit_reached(key.leaf, shape, 1) != nullptr) return true;
  const Duration length = planner.waiting.length(id);
  return planner.gates.shut(key, length, now, planner.shares).gate != schedule::Gate::none;
}

/// The highest number of an attempt of the task so far.
std::uint16_t last_number(const Run& run, std::uint32_t index) {
  const TaskExtra* const extra = run.extra(index);
  const std::uint16_t number = run.tasks[index].attempt;
  return extra == nullptr ? number : std::max(number, extra->hedging.attempts);
}

void start_hedge(Step& step, Run& run, std::uint32_t index) {
  State& state = step.state;
  const Task& task = run.tasks[index];
  const schedule::ClassId owner = run.groups[task.group.value].ready_class;
  const Token token{state.next_token++};
  leave_hedgeable(step, run, index);
  const auto number = static_cast<std::uint16_t>(last_number(run, index) + 1);
  Hedging& hedging = run.make_extra(index).hedging;
  hedging.attempts = number;
  ++hedging.hedges;
  hedging.companion = {.token = token, .attempt = number, .handed_at = step.now};
  ++state.hedges;
  state.planner.locks.take(state.planner.waiting.key(owner).locks);
  state.planner.gates.on_start(state.planner.waiting.key(owner), step.now);
  const std::uint8_t variant = variant_of(run, index);
  const schedule::HolderId holder = state.planner.restore({.token = token,
                                                           .node = state.pools.front().node,
                                                           .owner = owner,
                                                           .since = step.now,
                                                           .variant = variant},
                                                          step.now);
  const Duration ran = step.now - task.started_at;
  state.live.emplace_hint(state.live.end(), token,
                          LiveAttempt{.task = {run.record.id, index},
                                      .pool = PoolId{},
                                      .heard_at = step.now,
                                      .holder = holder,
                                      .placed = {ReasonCode::hedged, 0, ran.count()},
                                      .score = {.variant = variant}});
  step.changes.effects.emplace_back(StartAttempt{{run.record.id, index}, number, token, PoolId{}});
  step.changes.progressed.push_back({run.record.id, index});
  mark_task(step, run, index);
}

void drop_companion(Step& step, Run& run, std::uint32_t index) {
  run.make_extra(index).hedging.companion = {};
  --step.state.hedges;
}

/// From now on it is the task's own attempt.
void take_over(Task& task, const Companion& companion) {
  task.token = companion.token;
  task.attempt = companion.attempt;
  task.started_at = companion.started_at;
  task.percent = -1;
}

/// It has succeeded: what it gave is kept, and the other is killed.
void win(Step& step, const Found& at, const AttemptEnd& end) {
  Run& run = *at.run;
  Task& task = run.tasks[at.index];
  TaskExtra& extra = run.make_extra(at.index);
  extra.message = end.message;
  extra.outputs = end.outputs;
  Companion& companion = extra.hedging.companion;
  if (at.companion == nullptr) {
    const Companion other = companion;
    companion = {.token = task.token,
                 .attempt = task.attempt,
                 .handed_at = task.queued_at,
                 .started_at = task.started_at};
    take_over(task, other);
  }
  companion.won = true;
  step.changes.effects.emplace_back(
      StopAttempt{task.token, step.state.live.at(task.token).pool, true, Duration{0}});
}

/// The one that had to go has gone: the task ends as the winner did.
Reason conclude_won(Step& step, Run& run, std::uint32_t index, const LastEnd& gone) {
  const Companion winner = *companion_of(std::as_const(run), index);
  drop_companion(step, run, index);
  take_over(run.tasks[index], winner);
  const Outcome success = with_reason({OutcomeClass::exited, 0, {}});
  return take_last_end(
      step, run, index,
      {winner.token, gone.pool, success, winner.started_at != kUnset, gone.random});
}

}  // namespace

const Companion* companion_of(const Run& run, std::uint32_t index) {
  const TaskExtra* const extra = run.extra(index);
  if (extra == nullptr || extra->hedging.companion.token == Token{}) return nullptr;
  return &extra->hedging.companion;
}

Companion* companion_of(Run& run, std::uint32_t index) {
  if (companion_of(std::as_const(run), index) == nullptr) return nullptr;
  return &run.make_extra(index).hedging.companion;
}

bool may_hedge(const Run& run, std::uint32_t index) {
  const Task& task = run.tasks[index];
  const spec::Hedge& hedge = run.workflow().policy_of(run.group_spec(task.group)).hedge;
  if (hedge.max == 0 || task.state != TaskState::running || task.started_at == kUnset) return false;
  if ((task.flags & kTaskStopAsked) != 0 || is_held_open(task)) return false;
  const TaskExtra* const extra = run.extra(index);
  if (extra == nullptr) return true;
  return extra->hold == Duration{0} && extra->hedging.companion.token == Token{} &&
         extra->hedging.hedges < hedge.max;
}

void leave_hedgeable(Step& step, const Run& run, std::uint32_t index) {
  if (step.state.hedgeable.empty()) return;
  const Task& task = run.tasks[index];
  const auto found = step.state.hedgeable.find({run.record.id, task.group});
  if (found == step.state.hedgeable.end()) return;
  found->second.erase({task.started_at, index});
  if (found->second.empty()) step.state.hedgeable.erase(found);
}

void join_hedgeable(Step& step, const Run& run, std::uint32_t index) {
  if (!may_hedge(run, index)) return;
  const Task& task = run.tasks[index];
  step.state.hedgeable[{run.record.id, task.group}].insert({task.started_at, index});
}

void on_one_of_two_ended(Step& step, const Found& at, const AttemptEnded& event) {
  const AttemptEnd& end = event.end;
  Run& run = *at.run;
  Task& task = *at.task;
  const bool won_before = companion_of(run, at.index)->won;
  Time& started_at = at.companion != nullptr ? at.companion->started_at : task.started_at;
  const bool ran = end.started_at != kUnset || end.outcome.kind == OutcomeClass::exited;
  if (started_at == kUnset && ran)
    started_at = end.started_at != kUnset ? end.started_at : end.ended_at;
  const LastEnd gone{end.token, at.live->pool, with_reason(end.outcome), ran, event.random};
  if (!won_before) note_for_circuits(step, at, gone.outcome, true);
  release_places(step, at);
  AttemptRecord record = attempt_record(at, end, gone.outcome);
  forget(step, end.token, gone.pool);
  step.state.live.erase(end.token);
  mark_task(step, run, at.index);
  if (won_before) {
    record.outcome.reason = {ReasonCode::hedge_lost, 0, 0};
    conclude_won(step, run, at.index, gone);
  } else if (gone.outcome.is_success()) {
    const bool judged = !collects(run, at.index, gone.outcome, ran);
    learn_from_end(step, at, {end, gone.outcome, judged});
    win(step, at, end);
    if (!judged) record.next = {ReasonCode::checking, 0, 0};
  } else {
    record.next = {ReasonCode::hedge_other, 0, 0};
    if (at.companion == nullptr) take_over(task, *companion_of(std::as_const(run), at.index));
    drop_companion(step, run, at.index);
    step.changes.progressed.push_back({run.record.id, at.index});
    join_hedgeable(step, run, at.index);
  }
  step.changes.attempts.push_back(std::move(record));
}

void start_hedges(Step& step) {
  State& state = step.state;
  state.next_hedge = kNever;
  if (state.hedgeable.empty() || !state.pools.front().is_open()) return;
  const std::vector<Due> due = find_due(state, step.now);
  if (due.empty() || is_place_wanted(state)) return;
  const std::size_t budget = std::max<std::size_t>(state.live.size() * kHedgePercent / 100, 1);
  for (const Due& each : due) {
    if (state.hedges >= budget) return;
    Run& run = *state.find_run(each.task.run);
    const Group& group = run.groups[run.tasks[each.task.index].group.value];
    const std::uint8_t variant = variant_of(run, each.task.index);
    if (is_held_back(state, group.ready_class, variant, step.now)) continue;
    start_hedge(step, run, each.task.index);
  }
}

}  // namespace reeve::core
