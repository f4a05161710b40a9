// Once a round: due timers fire, waiting runs are admitted, and what fits is started, best first.
#include "base/ensure.h"
#include "core/batch.h"
#include "core/core.h"
#include "core/flight.h"
#include "core/forget.h"
#include "core/step.h"
#include "schedule/pass.h"

namespace reeve::core {
namespace {

constexpr Duration kProbeInterval = std::chrono::seconds{10};

void end_open_tasks(Step& step, Run& run, const Group& group, Reason reason) {
  for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
    if (!is_final(run.tasks[i].state))
      end_task(step, run, i, TaskState::timed_out, {.reason = reason});
  }
}

/// Whether its queue has been tried again too often of late: it is given a moment of its own. What
/// was lost, or made room, is not the queue's failure.
bool waits_for_budget(Step& step, Run& run, std::uint32_t index) {
  Task& task = run.tasks[index];
  if (task.reason.code != ReasonCode::retry_backoff || task.outcome == OutcomeClass::lost)
    return false;
  const Time at = step.state.planner.retries.take(queue_of(step.state, run, index), step.now);
  if (at <= step.now) return false;
  task.reason = {ReasonCode::retry_budget, 0, at.time_since_epoch().count()};
  task.wake_at = at;
  set_timer(step, run, index, at);
  mark_task(step, run, index);
  step.changes.progressed.push_back({run.record.id, index});
  return true;
}

void on_task_timer(Step& step, Run& run, std::uint32_t index) {
  const Task& task = run.tasks[index];
  const spec::TaskGroup& spec = run.group_spec(task.group);
  switch (task.state) {
    case TaskState::retry_wait:
      if (!waits_for_budget(step, run, index)) queue_task(step, run, index, {});
      break;
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
  if (!group.released && delayed_until(run, index) == at) {
    if (run.admitted && group.unmet == 0) release_group(step, run, index);
    return;
  }
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
        if (run->workflow().not_before == timer->at) break;  // admission is asked for below
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

/// Stops what is to make room for the more important: it is queued again when it has ended.
void make_room(Step& step, const schedule::Pass& pass) {
  for (const schedule::HolderId id : pass.preempted()) {
    const auto live = step.state.live.find(step.state.planner.holder(id).token);
    ENSURE(live != step.state.live.end());
    for (const Token token : attempts_of(step.state, live->second)) {
      const TaskId task = step.state.live.at(token).task;
      stop_attempt(step, *step.state.find_run(task.run), task.index,
                   {.flags = kTaskPreempted,
                    .grace = step.state.planner.policy().preemption_grace,
                    .reason = {ReasonCode::preempted, 0, 0}});
    }
  }
}

bool start_tasks(Step& step) {
  step.state.next_batch = kNever;
  if (step.state.planner.waiting.empty()) {
    step.state.planner.forget_promises();
    return false;
  }
  schedule::Pass pass(step.state.planner, step.now,
                      [&](TaskId task) { return waiting_run(step, task) == nullptr; });
  std::uint32_t budget = kStartsPerPlanMax;
  while (budget > 0) {
    const std::optional<TaskId> task = pass.next();
    if (!task) break;
    Run* run = waiting_run(step, *task);
    if (run == nullptr) {
      // A replay must drop it too: queued again, its old entry would count.
      pass.drop();
      step.changes.timer_fired = true;
    } else if (join_flight(step, *run, task->index)) {
      pass.drop();
    } else if (is_filling(step, *run, task->index)) {
      pass.skip();
    } else if (const schedule::Placement* placement = pass.place(); placement != nullptr) {
      budget -= start_placed(step, {*task, *placement, pass, budget});
    }
  }
  make_room(step, pass);
  return budget == 0;
}

}  // namespace

bool plan_step(Step& step) {
  fire_timers(step);
  if (!step.state.waiting_admission.empty()) admit_runs(step);
  const bool more = start_tasks(step);
  start_hedges(step);
  probe_silent(step);
  forget_unused_names(step.state, step.now);
  return more;
}

}  // namespace reeve::core
