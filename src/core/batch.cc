#include "core/batch.h"

#include <algorithm>
#include <set>

#include "base/ensure.h"
#include "core/flight.h"

namespace reeve::core {
namespace {

const spec::Policy& policy_of(const Run& run, std::uint32_t index) {
  return run.workflow().policy_of(run.group_spec(run.tasks[index].group));
}

/// What is to be looked at when it fails would hold up those behind it.
bool may_share_batch(const Run& run, std::uint32_t index) {
  const TaskExtra* const extra = run.extra(index);
  const spec::Policy& policy = policy_of(run, index);
  if (policy.single_flight) return false;
  return policy.batch.max > 1 && (extra == nullptr || extra->hold == Duration{0});
}

/// Of a new attempt, before there is one.
struct NewAttempt {
  TaskId id;
  Token token;
  Token batch;
  schedule::HolderId holder;
  PoolId pool;
  Reason placed;  ///< once it runs
  Reason reason;  ///< until then
  bool is_staged = false;
  schedule::PlacementScore score;
};

void start_attempt(Step& step, const NewAttempt& attempt) {
  State& state = step.state;
  Run& run = *state.find_run(attempt.id.run);
  Task& task = run.tasks[attempt.id.index];
  ++task.attempt;
  task.token = attempt.token;
  task.batch = attempt.batch;
  task.flags &= static_cast<std::uint8_t>(
      ~(kTaskStopAsked | kTaskStopByPerson | kTaskStopDeadline | kTaskStaged | kTaskPreempted));
  change_task(step, run, attempt.id.index, TaskState::starting, attempt.reason);
  if (attempt.is_staged) task.flags |= kTaskStaged;
  state.live.emplace_hint(state.live.end(), attempt.token,
                          LiveAttempt{.task = attempt.id,
                                      .pool = attempt.pool,
                                      .heard_at = step.now,
                                      .holder = attempt.holder,
                                      .batch = attempt.batch,
                                      .placed = attempt.placed,
                                      .score = attempt.score});
  const TaskExtra* extra = run.extra(attempt.id.index);
  if (attempt.score.variant != (extra == nullptr ? 0 : extra->variant)) {
    run.make_extra(attempt.id.index).variant = attempt.score.variant;
    extra = run.extra(attempt.id.index);
  }
  if (extra != nullptr && extra->ends_by_class[0] >= state.planner.policy().preemptions_max)
    state.planner.spare(attempt.holder);
  step.changes.effects.emplace_back(
      StartAttempt{attempt.id, task.attempt, attempt.token, attempt.pool, attempt.batch});
  take_off(state, run, attempt.id.index);
  if (run.record.state == RunState::queued)
    change_run(step, run, RunState::running, {ReasonCode::placed, 0, 0});
}

/// What comes along with the first, in the order of the queue.
std::vector<TaskId> gather(Step& step, const PlacedTask& placed, std::uint32_t size,
                           schedule::HolderId holder) {
  std::vector<TaskId> members{placed.task};
  std::set<TaskId> taken{placed.task};  // they are queued still: a second entry is stale
  while (members.size() < size) {
    const auto count = static_cast<std::uint32_t>(members.size());
    const std::optional<TaskId> next = placed.pass.next_along(count);
    if (!next) break;
    const Run* const run = waiting_run(step, *next);
    if (run == nullptr || taken.contains(*next)) {
      placed.pass.drop();
      continue;
    }
    if (!may_share_batch(*run, next->index)) break;
    placed.pass.bring_along(holder, count);
    members.push_back(*next);
    taken.insert(*next);
  }
  return members;
}

}  // namespace

std::uint32_t start_placed(Step& step, const PlacedTask& placed) {
  State& state = step.state;
  const Run& run = *state.find_run(placed.task.run);
  const Task& task = run.tasks[placed.task.index];
  const spec::Policy& policy = policy_of(run, placed.task.index);
  const bool is_staged = placed.placement.staged;
  const Duration waited = step.now - task.queued_at;
  const auto staged =
      static_cast<std::int64_t>(state.planner.staged(placed.placement.nodes[0].node));
  const std::uint32_t size = may_share_batch(run, placed.task.index)
                                 ? placed.pass.batch_size(std::min(placed.most, policy.batch.max))
                                 : 1;
  const Token first{state.next_token};
  const schedule::PlacementScore score = placed.pass.score();
  const schedule::HolderId holder = placed.pass.accept(first);
  const std::vector<TaskId> members = gather(step, placed, size, holder);
  const auto count = static_cast<std::int64_t>(members.size());
  if (policy.timeouts.run > Duration{0}) {
    const Duration each = std::min(policy.timeouts.run, kDurationMax / count);
    state.planner.set_limit(holder, step.now + each * count);
  }
  const Token batch = count > 1 ? first : Token{};
  const PoolId pool = state.pool_on(placed.placement.nodes[0].node);
  std::int32_t place = 0;
  for (const TaskId id : members) {
    const Token token{state.next_token++};
    Reason on_place{ReasonCode::placed, 0, waited.count()};
    if (count > 1)
      on_place = {ReasonCode::batched, place + 1, static_cast<std::int64_t>(first.value)};
    Reason until_then = place > 0 ? Reason{ReasonCode::in_batch, 0, place} : on_place;
    if (place == 0 && is_staged) until_then = {ReasonCode::staged, 0, staged};
    start_attempt(step, {id, token, batch, holder, pool, on_place, until_then, is_staged, score});
    ++place;
    if (count > 1) state.batches[first].open.push_back(token);
  }
  if (count > 1) state.batches[first].holder = holder;
  return static_cast<std::uint32_t>(count);
}

Run* waiting_run(Step& step, TaskId task) {
  Run* run = step.state.find_run(task.run);
  const bool waits = run != nullptr && task.index < run->tasks.size() &&
                     run->tasks[task.index].state == TaskState::queued && !is_held(*run);
  return waits ? run : nullptr;
}

Time filling_until(const State& state, const Run& run, std::uint32_t index) {
  const spec::Batch& batch = policy_of(run, index).batch;
  if (batch.max < 2 || batch.max_wait == Duration{0}) return kUnset;
  const Task& task = run.tasks[index];
  const schedule::ClassId id = run.groups[task.group.value].ready_class;
  if (state.planner.waiting.key(id).locks != schedule::LockSetId{}) return kUnset;
  return state.planner.waiting.waiting(id) < batch.max ? task.queued_at + batch.max_wait : kUnset;
}

bool is_filling(Step& step, const Run& run, std::uint32_t index) {
  const Time until = filling_until(step.state, run, index);
  if (until == kUnset || until <= step.now) return false;
  step.state.next_batch = std::min(step.state.next_batch, until);
  return true;
}

std::vector<Token> attempts_of(const State& state, const LiveAttempt& live) {
  if (live.batch == Token{}) return {state.find_task(live.task)->token};
  return state.batches.at(live.batch).open;
}

bool leave_batch(State& state, Token token, const LiveAttempt& live) {
  if (live.batch == Token{}) return true;
  const auto found = state.batches.find(live.batch);
  ENSURE(found != state.batches.end());
  Batch& batch = found->second;
  ENSURE(std::erase(batch.open, token) == 1);
  if (batch.open.empty()) {
    state.batches.erase(found);
    return true;
  }
  state.planner.rename(batch.holder, batch.open.front());
  return false;
}

std::size_t before_in_batch(const State& state, Token token, const LiveAttempt& live) {
  if (live.batch == Token{}) return 0;
  const std::vector<Token>& open = state.batches.at(live.batch).open;
  return static_cast<std::size_t>(std::ranges::lower_bound(open, token) - open.begin());
}

bool is_undone(const Task& task, const Outcome& outcome, bool ran) {
  return outcome.kind == OutcomeClass::lost && !ran && task.batch != Token{} &&
         task.batch != task.token;
}

}  // namespace reeve::core
