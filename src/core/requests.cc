// What people and programs ask for: submit, cancel, pause, approve, retry. A request that cannot be
// obeyed is answered with an error and changes nothing.
#include <algorithm>

#include "base/ensure.h"
#include "core/follow.h"
#include "core/launch.h"
#include "core/step.h"
#include "spec/permission.h"

namespace reeve::core {

Result<Run*> live_run(Step& step, RunId id) {
  Run* run = step.state.find_run(id);
  if (run == nullptr)
    return fail(ErrorCode::not_found, "run " + std::to_string(id.value) + " is not active");
  if (is_final(run->record.state))
    return fail(ErrorCode::conflict,
                "the run has ended already: " + std::string(name(run->record.state)));
  return run;
}

bool has_task(const Run& run, std::uint32_t index) {
  if (index >= run.tasks.size()) return false;
  const Group& group = run.groups[run.tasks[index].group.value];
  return group.expanded && index >= group.first && index - group.first < group.count;
}

namespace {

/// The workflow of a submission: known from before, or as given.
Result<std::shared_ptr<const spec::Workflow>> workflow_of(const State& state,
                                                          const SubmitRun& event) {
  const auto known = state.workflows.find(event.workflow_digest);
  if (known != state.workflows.end()) {
    if (std::shared_ptr<const spec::Workflow> workflow = known->second.lock()) return workflow;
  }
  if (!event.workflow)
    return fail(ErrorCode::invalid_argument, "the submission names a workflow that is not known");
  return event.workflow;
}

/// A workflow that is new here goes to the store with its first run.
void keep_workflow(Step& step, const Digest& digest,
                   const std::shared_ptr<const spec::Workflow>& workflow) {
  std::weak_ptr<const spec::Workflow>& known = step.state.workflows[digest];
  if (!known.expired()) return;
  known = workflow;
  step.changes.workflows.push_back(workflow);
}

/// Before anything starts: what is not enclosed needs permission.
Status check_permitted(const State& state, const spec::Workflow& workflow) {
  const auto refusals = spec::check_permission(workflow, state.sandbox_rules);
  if (refusals.empty()) return {};
  return fail(ErrorCode::conflict, refusals.front().text());
}

}  // namespace

Status know_admission(State& state, Run& run) {
  const spec::Workflow& workflow = run.workflow();
  if (!workflow.concurrency) return {};
  const ExpressionData data = run_expression_data(state, run);
  TRY_ASSIGN(const std::string group, workflow.concurrency->group.render(data.context()));
  run.admission_locks = state.planner.locks.intern_set(
      {{state.planner.locks.intern("group:" + group, workflow.concurrency->limit), 1}});
  return {};
}

void end_tasks(Step& step, Run& run, TaskState to, const StopOrder& order) {
  // A run that does not have its turn does not tidy up after itself either.
  const bool all = order.kill || !run.admitted;
  for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
    const spec::TaskGroup& spec = run.group_spec(GroupIndex{g});
    if (spec.phase == spec::Phase::finally && !all && run.phase != spec::Phase::finally) continue;
    Group& group = run.groups[g];
    if (!group.released) {
      // Conditions such as always() and cancelled() decide for themselves once their needs are
      // done; not those of a run that never had its turn.
      const bool own_say = run.admitted && spec.condition && spec.condition->uses_status_function();
      if (!own_say || all) end_unreleased_group(step, run, GroupIndex{g}, to, order.reason);
      continue;
    }
    for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
      if (!is_final(run.tasks[i].state)) end_task(step, run, i, to, order);
    }
  }
}

Result<Applied> on_submit(Step& step, const SubmitRun& event, const std::vector<RunAfter>& after) {
  auto run = std::make_unique<Run>();
  TRY_ASSIGN(run->record.workflow, workflow_of(step.state, event));
  RunRecord& record = run->record;
  TRY(check_permitted(step.state, *record.workflow));
  record.id = RunId{step.state.next_run};
  record.uuid = event.uuid;
  record.priority = record.workflow->priority + event.priority;
  record.submitted_at = step.now;
  record.inputs = event.inputs;
  record.origin =
      event.origin ? event.origin : step.state.intern_origin(event.directory, event.submitter);
  if (!(event.texts == RunTexts{})) record.texts = std::make_unique<RunTexts>(event.texts);
  TRY(know_predecessors(step.state, *run, after));
  TRY(build_run(*run));
  TRY(know_admission(step.state, *run));
  TRY(check_quota(step.state, *run, step.now));

  keep_workflow(step, event.workflow_digest, record.workflow);
  Run& added = step.state.add_run(std::move(run));
  step.changes.run_changes.push_back({record.id, RunState::queued, RunState::queued});
  mark(step, added);
  if (added.workflow().deadline)
    step.state.timers.set({step.now + *added.workflow().deadline, TimerKind::run, record.id, 0});
  begin_following(step, added);
  return Applied{added.record.id};
}

Result<Applied> on_cancel(Step& step, const Cancel& event) {
  TRY_ASSIGN(Run * run, live_run(step, event.run));
  const StopOrder order{
      .kill = event.kill, .grace = event.grace, .reason = {ReasonCode::cancelled_by_person, 0, 0}};
  if (event.task != kWholeRun) {
    if (!has_task(*run, event.task)) return fail(ErrorCode::not_found, "the run has no such task");
    if (is_final(run->tasks[event.task].state))
      return fail(ErrorCode::conflict, "the task has ended already");
    const GroupIndex group = run->tasks[event.task].group;
    if (!run->groups[group.value].released && run->groups[group.value].count == 1)
      end_unreleased_group(step, *run, group, TaskState::cancelled, order.reason);
    else
      end_task(step, *run, event.task, TaskState::cancelled, order);
    return Applied{event.run};
  }
  run->record.cancel_requested = true;
  run->record.paused = false;
  run->record.interrupted = false;  // what it does at its end is to be done
  if (!event.why.empty()) {
    if (!run->record.texts) run->record.texts = std::make_unique<RunTexts>();
    run->record.texts->cancel_reason = event.why;
  }
  mark(step, *run);
  end_tasks(step, *run, TaskState::cancelled, order);
  return Applied{event.run};
}

namespace {

Result<Applied> pause_task(Step& step, Run& run, const Pause& event) {
  if (!has_task(run, event.task)) return fail(ErrorCode::not_found, "the run has no such task");
  const TaskState state = run.tasks[event.task].state;
  if (event.paused) {
    if (state != TaskState::queued && state != TaskState::retry_wait)
      return fail(ErrorCode::conflict, "only a task that waits for its turn can be paused; it is " +
                                           std::string(name(state)));
    change_task(step, run, event.task, TaskState::paused, {ReasonCode::task_paused, 0, 0});
    return Applied{event.run};
  }
  if (is_held_open(run.tasks[event.task])) {
    release_hold(step, run, event.task);
    return Applied{event.run};
  }
  if (state != TaskState::paused)
    return fail(ErrorCode::conflict, "the task is not paused; it is " + std::string(name(state)));
  queue_task(step, run, event.task, {});
  return Applied{event.run};
}

}  // namespace

Result<Applied> on_pause(Step& step, const Pause& event) {
  TRY_ASSIGN(Run * run, live_run(step, event.run));
  if (event.task != kWholeRun) return pause_task(step, *run, event);
  if (event.paused) {
    if (run->record.paused) return fail(ErrorCode::conflict, "the run is paused already");
    run->record.paused = true;
  } else {
    const bool released = release_holds(step, *run);
    if (released && !run->record.paused && !run->record.interrupted) return Applied{event.run};
    if (!run->record.paused && !run->record.interrupted)
      return fail(ErrorCode::conflict, "the run is not paused");
    TRY(check_permitted(step.state, run->workflow()));
    run->record.paused = false;
    run->record.interrupted = false;
    if (run->admitted)
      requeue_tasks(step, *run);
    else
      try_admit(step, *run);
  }
  mark(step, *run);
  return Applied{event.run};
}

Result<Applied> on_approve(Step& step, const Approve& event) {
  TRY_ASSIGN(Run * run, live_run(step, event.task.run));
  if (!has_task(*run, event.task.index))
    return fail(ErrorCode::not_found, "the run has no such task");
  Task& task = run->tasks[event.task.index];
  if (task.state != TaskState::awaiting_approval)
    return fail(ErrorCode::conflict,
                "the task does not wait for approval; it is " + std::string(name(task.state)));
  const auto& approval = std::get<spec::Approval>(run->group_spec(task.group).action);
  if (!approval.by.empty() && std::ranges::find(approval.by, event.by) == approval.by.end())
    return fail(ErrorCode::permission_denied, event.by + " may not approve this task");
  run->make_extra(event.task.index).message =
      (event.approved ? "approved by " : "denied by ") + event.by;
  if (event.approved)
    finish_task(step, *run, event.task.index, TaskState::succeeded, {ReasonCode::completed, 0, 0});
  else
    finish_task(step, *run, event.task.index, TaskState::failed,
                {ReasonCode::approval_denied, 0, 0});
  return Applied{event.task.run};
}

namespace {

bool should_retry(const Run& run, const Group& group, const Task& task) {
  if (run.group_spec(task.group).phase != spec::Phase::main) return true;
  if ((task.flags & kTaskForgiven) != 0) return false;
  return group.failed > 0 || group.cancelled > 0
             ? task.state != TaskState::succeeded
             : task.state == TaskState::skipped && task.reason.code != ReasonCode::condition_false;
}

/// Groups that a retry resets: marked by position.
Result<std::vector<bool>> groups_to_reset(const Run& run, const Retry& event) {
  const std::uint32_t count = static_cast<std::uint32_t>(run.groups.size());
  std::vector<bool> reset(count, false);
  std::vector<std::uint32_t> open;
  const auto add = [&](std::uint32_t g) {
    if (!reset[g]) open.push_back(g);
    reset[g] = true;
  };
  if (event.failed_only) {
    for (std::uint32_t g = 0; g < count; ++g) {
      const Group& group = run.groups[g];
      for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
        if (is_final(run.tasks[i].state) && should_retry(run, group, run.tasks[i])) add(g);
      }
    }
    return reset;
  }
  if (event.from.value >= count) return fail(ErrorCode::not_found, "the run has no such task");
  add(event.from.value);
  while (!open.empty()) {
    const std::uint32_t g = open.back();
    open.pop_back();
    for (const GroupIndex dependent : run.workflow().groups[g].dependents) add(dependent.value);
  }
  for (std::uint32_t g = run.workflow().main_count; g < count; ++g) add(g);
  return reset;
}

void reset_task(Step& step, Run& run, std::uint32_t index) {
  change_task(step, run, index, TaskState::blocked, {ReasonCode::retried_by_person, 0, 0});
  Task& task = run.tasks[index];
  task.flags &= static_cast<std::uint8_t>(~kTaskFlagsStored);
  task.outcome = OutcomeClass::none;
  task.code = 0;
  task.charged = 0;
  task.queued_at = kUnset;
  task.started_at = kUnset;
  if (const TaskExtra* extra = run.extra(index); extra != nullptr)
    task.attempt = std::max(task.attempt, extra->hedging.attempts);
  if (run.extras) run.extras->tasks.erase(index);
}

/// Whether a group fans out anew: its needs run again and may say something else, or it has only
/// the task that stands for those never known.
bool expands_again(const Run& run, GroupIndex index, const std::vector<bool>& reset) {
  const spec::TaskGroup& spec = run.group_spec(index);
  if (spec.static_count() || !run.groups[index.value].expanded) return false;
  const auto& items = run.expansion(index)->get_array();
  if (items.size() == 1 && items.front().is_null()) return true;
  return std::ranges::any_of(spec.needs,
                             [&](const spec::Need& need) { return reset[need.group.value]; });
}

struct Reset {
  const Retry& event;
  const std::vector<bool>& groups;
};

void reset_group(Step& step, Run& run, GroupIndex index, const Reset& order) {
  Group& group = run.groups[index.value];
  if (expands_again(run, index, order.groups)) {
    // Its tasks stay as they ended: they are no longer of this run.
    group.expanded = false;
    group.first = 0;
    group.count = 0;
    step.changes.expansions.push_back({run.record.id, index, kNotExpanded, 0, "[]"});
    return;
  }
  for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
    const bool wanted = !order.event.failed_only || should_retry(run, group, run.tasks[i]);
    if (is_final(run.tasks[i].state) && wanted) reset_task(step, run, i);
  }
}

/// Without a sandbox there is nothing to keep open.
Status check_enclosed(const Step& step, const Retry& event) {
  const Run* const run = step.state.find_run(event.run);
  if (run == nullptr) return {};  // on_retry() says so
  TRY_ASSIGN(const std::vector<bool> reset, groups_to_reset(*run, event));
  for (std::uint32_t g = 0; g < reset.size(); ++g) {
    const spec::TaskGroup& group = run->group_spec(GroupIndex{g});
    const SandboxRequest& asked = run->workflow().policy_of(group).sandbox;
    if (!reset[g]) continue;
    const SandboxTier tier = enforced(asked, step.state.sandbox_rules).tier;
    if (tier == SandboxTier::none)
      return fail(ErrorCode::conflict,
                  group.id + " runs without a sandbox: there is none to keep open");
    if (tier != SandboxTier::native)
      return fail(ErrorCode::conflict, group.id + " runs in the tier " + std::string(name(tier)) +
                                           ": only the tier native can be kept open");
  }
  return {};
}

}  // namespace

Result<Applied> on_retry(Step& step, const Retry& event) {
  Run* run = step.state.find_run(event.run);
  if (run == nullptr) return fail(ErrorCode::not_found, "no such run in memory");
  if (!is_final(run->record.state))
    return fail(ErrorCode::conflict, "the run has not ended: cancel it first, or wait");
  TRY(check_permitted(step.state, run->workflow()));
  TRY_ASSIGN(const std::vector<bool> reset, groups_to_reset(*run, event));
  bool anything = false;  // a fan-out over nothing has no task to try
  for (std::uint32_t g = 0; g < reset.size(); ++g) anything |= reset[g] && run->groups[g].count > 0;
  if (!anything) return fail(ErrorCode::conflict, "nothing to retry: every task succeeded");
  TRY(know_admission(step.state, *run));
  for (std::uint32_t g = 0; g < reset.size(); ++g) {
    if (reset[g]) reset_group(step, *run, GroupIndex{g}, {event, reset});
  }
  run->record.cancel_requested = false;
  run->record.paused = false;
  run->record.interrupted = false;
  run->record.ended_at = kUnset;
  ++run->record.round;
  run->admitted = false;
  change_run(step, *run, RunState::queued, {ReasonCode::retried_by_person, 0, 0});
  recount(*run);
  run->phase = spec::Phase::main;  // the later phases decide anew whether they are wanted
  follow_again(step.state, *run);
  ask_admission(step, *run);
  return Applied{event.run};
}

Result<Applied> on_retry_held(Step& step, const RetryHeld& event) {
  if (event.hold <= Duration{0} || event.hold > kHoldMax)
    return fail(ErrorCode::invalid_argument,
                "a sandbox is kept open for " + format_duration(kHoldMax) + " at most");
  TRY(check_enclosed(step, event.retry));
  TRY_ASSIGN(const Applied applied, on_retry(step, event.retry));
  Run& run = *step.state.find_run(event.retry.run);
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
    if (has_task(run, i) && !is_final(run.tasks[i].state)) run.make_extra(i).hold = event.hold;
  }
  return applied;
}

}  // namespace reeve::core
