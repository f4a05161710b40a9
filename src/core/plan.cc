// Once a round: due timers fire, waiting runs are admitted, and what fits is started, best first.
#include <boost/container/small_vector.hpp>

#include "base/ensure.h"
#include "core/core.h"
#include "core/step.h"

namespace reeve::core {
namespace {

constexpr Duration kProbeInterval = std::chrono::seconds{10};

void end_open_tasks(Step& step, Run& run, const Group& group, Reason reason) {
  for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
    if (!is_final(run.tasks[i].state))
      end_task(step, run, i, TaskState::timed_out, {.reason = reason});
  }
}

void on_task_timer(Step& step, Run& run, std::uint32_t index) {
  const Task& task = run.tasks[index];
  const spec::TaskGroup& spec = run.group_spec(task.group);
  switch (task.state) {
    case TaskState::retry_wait: queue_task(step, run, index, {}); break;
    case TaskState::queued: {
      const Duration limit = run.workflow().policy_of(spec).timeouts.queue;
      end_task(step, run, index, TaskState::timed_out,
               {.reason = {ReasonCode::queue_timeout, 0, limit.count()}});
      break;
    }
    case TaskState::awaiting_approval: {
      const Duration limit = std::get<spec::Approval>(spec.action).timeout;
      end_task(step, run, index, TaskState::timed_out,
               {.reason = {ReasonCode::queue_timeout, 0, limit.count()}});
      break;
    }
    default: break;
  }
}

void on_group_timer(Step& step, Run& run, GroupIndex index, Time at) {
  const spec::TaskGroup& spec = run.group_spec(index);
  const Group& group = run.groups[index.value];
  if (spec.detail && spec.detail->deadline &&
      run.record.submitted_at + *spec.detail->deadline == at) {
    end_open_tasks(step, run, group, {ReasonCode::deadline_passed, 0, 0});
    return;
  }
  const Duration limit = run.workflow().policy_of(spec).timeouts.queue;
  if (limit == Duration{0}) return;
  for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
    const Task& task = run.tasks[i];
    if (task.state == TaskState::queued && task.queued_at + limit <= step.now)
      end_task(step, run, i, TaskState::timed_out,
               {.reason = {ReasonCode::queue_timeout, 0, limit.count()}});
  }
}

void fire_timers(Step& step) {
  while (const auto timer = step.state.timers.pop_due(step.now)) {
    step.changes.timer_fired = true;
    Run* run = step.state.find_run(timer->run);
    if (run == nullptr || is_final(run->record.state)) continue;
    switch (timer->kind) {
      case TimerKind::task:
        if (timer->index < run->tasks.size() && run->tasks[timer->index].wake_at == timer->at)
          on_task_timer(step, *run, timer->index);
        break;
      case TimerKind::group: on_group_timer(step, *run, GroupIndex{timer->index}, timer->at); break;
      case TimerKind::run:
        end_tasks(step, *run, TaskState::timed_out,
                  {.reason = {ReasonCode::deadline_passed, 0, 0}});
        break;
    }
    settle(step);
  }
}

void admit_runs(Step& step) {
  // Again while it changes something: a run may end as soon as it is admitted and make room.
  for (bool again = true; again;) {
    again = false;
    // A copy: admitting changes the set. Usually empty.
    const std::vector<RunId> waiting(step.state.waiting_admission.begin(),
                                     step.state.waiting_admission.end());
    for (const RunId id : waiting) {
      Run* run = step.state.find_run(id);
      ENSURE(run != nullptr);
      again |= try_admit(step, *run);
    }
    settle(step);
  }
}

/// Asks after attempts that have been silent for long: a report may have been lost.
void probe_silent(Step& step) {
  if (step.state.live.empty()) {
    step.state.next_probe = kNever;
    return;
  }
  if (step.state.next_probe == kNever) {  // something has begun to live in this very step
    step.state.next_probe = step.now + kProbeInterval;
    return;
  }
  if (step.state.next_probe > step.now) return;
  step.changes.timer_fired = true;
  step.state.next_probe = step.now + kProbeInterval;
  for (auto& [token, live] : step.state.live) {
    const TaskState state = step.state.find_task(live.task)->state;
    if (live.heard_at + kProbeInterval > step.now) continue;
    if (is_live(state))
      step.changes.effects.emplace_back(ProbeAttempt{token, live.pool});
    else
      step.changes.effects.emplace_back(CollectArtifacts{live.task, token});
  }
}

struct Placement {
  TaskId task;
  bool staged = false;
};

void start(Step& step, Run& run, const schedule::ClassKey& key, const Placement& placement) {
  State& state = step.state;
  Pool& pool = state.pools.front();
  Task& task = run.tasks[placement.task.index];
  const Token token{state.next_token++};
  const Duration waited = step.now - task.queued_at;
  const Reason placed{
      placement.staged ? ReasonCode::staged : ReasonCode::placed, 0,
      placement.staged ? static_cast<std::int64_t>(pool.ledger.staged()) : waited.count()};
  ++task.attempt;
  task.token = token;
  task.flags &= static_cast<std::uint8_t>(
      ~(kTaskStopAsked | kTaskStopByPerson | kTaskStopDeadline | kTaskStaged));
  change_task(step, run, placement.task.index, TaskState::starting, placed);
  state.locks.take(key.locks);
  if (placement.staged) {
    pool.ledger.stage(token, key.request);
    task.flags |= kTaskStaged;
  } else {
    pool.ledger.take(key.request);
  }
  state.live.emplace_hint(state.live.end(), token,
                          LiveAttempt{.task = placement.task,
                                      .pool = PoolId{},
                                      .heard_at = step.now,
                                      .holds_capacity = !placement.staged,
                                      .placed = {ReasonCode::placed, 0, waited.count()}});
  step.changes.effects.emplace_back(StartAttempt{placement.task, task.attempt, token, PoolId{}});
  if (run.record.state == RunState::queued)
    change_run(step, run, RunState::running, {ReasonCode::placed, 0, 0});
}

/// The run of the class's first entry, or null when the entry is stale: it was dropped then.
Run* head_run(Step& step, schedule::ClassId id) {
  const TaskId task = step.state.ready.head(id);
  Run* run = step.state.find_run(task.run);
  const bool wanted = run != nullptr && task.index < run->tasks.size() &&
                      run->tasks[task.index].state == TaskState::queued && !is_held(*run);
  if (wanted) return run;
  step.state.ready.drop(id);
  return nullptr;
}

using Blocked = boost::container::small_vector<schedule::ClassId, 16>;
enum class Served : std::uint8_t { next_class, stop };

/// Starts tasks of one entry of a class while they fit.
Served serve(Step& step, const schedule::ReadyQueue::Position& position, Blocked& blocked,
             std::uint32_t& budget) {
  State& state = step.state;
  schedule::Ledger& ledger = state.pools.front().ledger;
  const schedule::ClassKey key = state.ready.key(position.id);
  while (budget > 0) {
    const auto now = state.ready.order().find(position);
    if (now == state.ready.order().end()) return Served::next_class;  // the entry is used up
    Run* run = head_run(step, position.id);
    if (run == nullptr) continue;
    if (state.locks.first_busy(key.locks) != nullptr) return Served::next_class;
    bool staged = false;
    if (!ledger.fits(key.request)) {
      if (!ledger.could_ever_fit(key.request)) return Served::next_class;
      // Only the first in order that lacks a place is handed over early, and only without locks.
      staged =
          blocked.empty() && key.locks == schedule::LockSetId{} && ledger.may_stage(key.request);
      if (!staged) {
        if (state.ready.overtaken(position.id) >= schedule::kOvertakesMax) return Served::stop;
        blocked.push_back(position.id);
        return Served::next_class;
      }
    }
    const TaskId task = state.ready.head(position.id);
    state.ready.pop(position.id);
    start(step, *run, key, {task, staged});
    --budget;
    bool enough = false;
    for (const schedule::ClassId passed : blocked) {
      state.ready.count_overtaken(passed);
      enough |= state.ready.overtaken(passed) >= schedule::kOvertakesMax;
    }
    if (enough) return Served::stop;
  }
  return Served::stop;
}

bool start_tasks(Step& step) {
  State& state = step.state;
  if (!state.pools.front().up) return false;
  std::uint32_t budget = kStartsPerPlanMax;
  Blocked blocked;
  auto next = state.ready.order().begin();
  while (next != state.ready.order().end()) {
    const schedule::ReadyQueue::Position position = *next;
    if (serve(step, position, blocked, budget) == Served::stop) break;
    next = state.ready.order().upper_bound(position);
  }
  return budget == 0;
}

}  // namespace

bool plan_step(Step& step) {
  fire_timers(step);
  if (!step.state.waiting_admission.empty()) admit_runs(step);
  const bool more = start_tasks(step);
  start_hedges(step);
  probe_silent(step);
  return more;
}

}  // namespace reeve::core
