#include "core/step.h"

#include "base/ensure.h"
#include "core/flight.h"

namespace reeve::core {

void mark(Step& step, Run& run) {
  if (run.dirty) return;
  run.dirty = true;
  step.changes.runs.push_back(run.record.id);
}

void mark_task(Step& step, Run& run, std::uint32_t index) {
  Task& task = run.tasks[index];
  if ((task.flags & kTaskDirty) != 0) return;
  task.flags |= kTaskDirty;
  step.changes.tasks.push_back({run.record.id, index});
}

bool is_held(const Run& run) {
  return run.record.paused || run.record.interrupted || !run.admitted;
}

void change_task(Step& step, Run& run, std::uint32_t index, TaskState to, Reason reason) {
  Task& task = run.tasks[index];
  ENSURE(is_allowed(task.state, to));
  const auto is_executed = [](TaskState state) {
    return is_live(state) || state == TaskState::validating;
  };
  const bool lands = is_executed(task.state) && !is_executed(to);
  if (task.state == TaskState::running) leave_hedgeable(step, run, index);
  step.changes.task_changes.push_back(
      {{run.record.id, index}, 1, task.state, to, task.attempt, reason});
  task.state = to;
  task.since = step.now;
  task.wake_at = kNever;
  task.reason = reason;
  mark_task(step, run, index);
  if (to == TaskState::running) join_hedgeable(step, run, index);
  if (lands) land(step, run, index);
}

void change_run(Step& step, Run& run, RunState to, Reason reason) {
  step.changes.run_changes.push_back({run.record.id, run.record.state, to});
  run.record.state = to;
  run.record.reason = reason;
  if (to == RunState::running && run.record.started_at == kUnset) run.record.started_at = step.now;
  if (is_final(to)) run.record.ended_at = step.now;
  mark(step, run);
}

void finish_task(Step& step, Run& run, std::uint32_t index, TaskState to, Reason reason) {
  change_task(step, run, index, to, reason);
  const Task& task = run.tasks[index];
  Group& group = run.groups[task.group.value];
  ENSURE(group.open > 0);
  --group.open;
  if (to == TaskState::failed || to == TaskState::timed_out) {
    if ((task.flags & kTaskForgiven) == 0) ++group.failed;
  } else if (to == TaskState::cancelled || to == TaskState::aborted) {
    ++group.cancelled;
  } else if (to == TaskState::skipped) {
    ++group.skipped;
  }
  if (group.open == 0) step.done_groups.emplace_back(run.record.id, task.group);
}

const std::string& queue_of(const State& state, const Run& run, std::uint32_t index) {
  const Group& group = run.groups[run.tasks[index].group.value];
  return state.planner.shares.queue_of(state.planner.waiting.key(group.ready_class).leaf);
}

void set_timer(Step& step, const Run& run, std::uint32_t index, Time at) {
  step.state.timers.set({at, TimerKind::task, run.record.id, index});
}

void queue_task(Step& step, Run& run, std::uint32_t index, Reason reason) {
  change_task(step, run, index, TaskState::queued, reason);
  Task& task = run.tasks[index];
  task.queued_at = step.now;
  const Group& group = run.groups[task.group.value];
  const Duration limit = run.workflow().policy_of(run.group_spec(task.group)).timeouts.queue;
  if (limit > Duration{0}) {
    task.wake_at = step.now + limit;
    set_timer(step, run, index, task.wake_at);
  }
  if (!is_held(run))
    step.state.planner.waiting.push(group.ready_class, {{run.record.id, index}, 1}, step.now);
}

}  // namespace reeve::core
