// What follows when a group is done: its dependents, the next phase, the end of the run.
#include <algorithm>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/ensure.h"
#include "core/flight.h"
#include "core/follow.h"
#include "core/launch.h"
#include "core/step.h"

namespace reeve::core {
namespace {

struct PhaseRange {
  std::uint32_t begin;
  std::uint32_t end;
};
PhaseRange range_of(const spec::Workflow& workflow, spec::Phase phase) {
  const std::uint32_t second = workflow.main_count;
  const std::uint32_t third = second + workflow.on_failure_count;
  switch (phase) {
    case spec::Phase::main: return {0, second};
    case spec::Phase::on_failure: return {second, third};
    case spec::Phase::finally: return {third, static_cast<std::uint32_t>(workflow.groups.size())};
  }
  ENSURE(false);
}

bool any_failed(const Run& run, PhaseRange range) {
  for (std::uint32_t g = range.begin; g < range.end; ++g) {
    if (run.groups[g].failed > 0) return true;
  }
  return false;
}

bool any_cancelled(const Run& run) {
  for (const Group& group : run.groups) {
    if (group.cancelled > 0) return true;
  }
  return false;
}

/// Evaluates the workflow's `outputs`; false with a message in the run's texts when one fails.
bool collect_outputs(Step& step, Run& run) {
  if (run.workflow().outputs.empty()) return true;
  const ExpressionData data = run_expression_data(step.state, run);
  boost::json::object outputs;
  for (const auto& [name, value] : run.workflow().outputs) {
    Result<spec::Json> rendered = value.render_value(data.context());
    if (!rendered) return false;
    outputs[name] = *std::move(rendered);
  }
  if (!run.record.texts) run.record.texts = std::make_unique<RunTexts>();
  run.record.texts->outputs = boost::json::serialize(outputs);
  return true;
}

void finish_run(Step& step, Run& run) {
  const PhaseRange all{0, static_cast<std::uint32_t>(run.groups.size())};
  RunState to = RunState::succeeded;
  Reason reason{ReasonCode::completed, 0, 0};
  if (run.record.cancel_requested && any_cancelled(run)) {
    to = RunState::cancelled;
    reason = {ReasonCode::cancelled_by_person, 0, 0};
  } else if (any_failed(run, all)) {
    to = RunState::failed;
    reason = {ReasonCode::task_failed, 0, 0};
    for (std::uint32_t g = 0; g < all.end; ++g) {
      if (run.groups[g].failed > 0) {
        reason.a = g;
        break;
      }
    }
  } else if (any_cancelled(run)) {
    to = RunState::cancelled;
    const ReasonCode why = run.record.reason.code;
    const bool by_engine = why == ReasonCode::replaced_by_newer || why == ReasonCode::after_unmet;
    reason = by_engine ? run.record.reason : Reason{ReasonCode::cancelled_by_person, 0, 0};
  } else if (!collect_outputs(step, run)) {
    to = RunState::failed;
    reason = {ReasonCode::expression_failed, 0, 0};
  }
  if (run.admitted && run.admission_locks != schedule::LockSetId{})
    step.state.planner.locks.release(run.admission_locks);
  run.admitted = false;
  step.state.waiting_admission.erase(run.record.id);
  stop_following(step.state, run);
  change_run(step, run, to, reason);
  if (!step.state.followers.empty()) step.ended_runs.push_back(run.record.id);
}

void skip_phase(Step& step, Run& run, PhaseRange range, TaskState to, Reason reason) {
  for (std::uint32_t g = range.begin; g < range.end; ++g) {
    if (!run.groups[g].released) end_unreleased_group(step, run, GroupIndex{g}, to, reason);
  }
}

/// Enters phases until one has something to do, or ends the run.
void advance(Step& step, Run& run) {
  while (run.open_groups[static_cast<std::size_t>(run.phase)] == 0) {
    if (run.phase == spec::Phase::finally) {
      finish_run(step, run);
      return;
    }
    run.phase = run.phase == spec::Phase::main ? spec::Phase::on_failure : spec::Phase::finally;
    const PhaseRange range = range_of(run.workflow(), run.phase);
    const bool wanted = run.phase == spec::Phase::finally ||
                        (any_failed(run, range_of(run.workflow(), spec::Phase::main)) &&
                         !run.record.cancel_requested);
    // A run that never got its turn does not tidy up after itself either. Groups that are skipped
    // are counted down when the list of done groups is worked off.
    if (run.admitted && wanted)
      release_ready_groups(step, run);
    else
      skip_phase(step, run, range, TaskState::skipped, {ReasonCode::no_failure, 0, 0});
  }
}

void on_group_done(Step& step, Run& run, GroupIndex index) {
  Group& group = run.groups[index.value];
  if (group.done || group.open != 0) return;
  group.done = true;
  const spec::TaskGroup& spec = run.group_spec(index);
  for (const GroupIndex dependent : spec.dependents) {
    Group& next = run.groups[dependent.value];
    ENSURE(next.unmet > 0);
    --next.unmet;
    if (next.unmet == 0 && run.admitted && run.group_spec(dependent).phase == run.phase)
      release_group(step, run, dependent);
  }
  std::uint32_t& open = run.open_groups[static_cast<std::size_t>(spec.phase)];
  ENSURE(open > 0);
  --open;
  const bool all_done = std::ranges::all_of(run.open_groups, [](auto left) { return left == 0; });
  if ((open == 0 && spec.phase == run.phase) || all_done) advance(step, run);
}

}  // namespace

void release_ready_groups(Step& step, Run& run) {
  if (!run.admitted) return;
  const PhaseRange range = range_of(run.workflow(), run.phase);
  for (std::uint32_t g = range.begin; g < range.end; ++g) {
    const Group& group = run.groups[g];
    if (!group.released && !group.done && group.unmet == 0) release_group(step, run, GroupIndex{g});
  }
}

void settle(Step& step) {
  std::size_t next = 0;
  while (next < step.done_groups.size() || !step.landed.empty() || !step.ended_runs.empty()) {
    for (const Flight& landed : std::exchange(step.landed, {})) settle_flight(step, landed);
    for (const RunId ended : std::exchange(step.ended_runs, {})) tell_followers(step, ended);
    if (next == step.done_groups.size()) continue;
    const auto [id, group] = step.done_groups[next++];
    Run* run = step.state.find_run(id);
    ENSURE(run != nullptr);
    on_group_done(step, *run, group);
  }
  step.done_groups.clear();
}

namespace {

/// Neighbours of one class that were queued together.
struct QueuedTasks {
  Time at;
  schedule::ClassId of;
  schedule::Range range;
};

void add_queued_tasks(Step& step, Run& run, std::vector<QueuedTasks>& out) {
  if (is_held(run)) return;
  for (const Group& group : run.groups) {
    if (!group.expanded || group.open == 0) continue;
    bool joins = false;
    for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
      const Task& task = run.tasks[i];
      const bool is_queued = task.state == TaskState::queued && !rejoin_flight(step, run, i);
      if (is_queued && joins && out.back().at == task.queued_at)
        ++out.back().range.count;
      else if (is_queued)
        out.push_back({task.queued_at, group.ready_class, {{run.record.id, i}, 1}});
      joins = is_queued;
    }
  }
}

}  // namespace

void requeue_tasks(Step& step, Run& run) {
  std::vector<QueuedTasks> queued;
  add_queued_tasks(step, run, queued);
  for (const QueuedTasks& each : queued)
    step.state.planner.waiting.push(each.of, each.range, step.now);
}

void requeue_all(Step& step) {
  std::vector<QueuedTasks> queued;
  for (auto& run : step.state.runs) {
    if (run && !is_final(run->record.state)) add_queued_tasks(step, *run, queued);
  }
  // In the order in which they came: in a class nobody is older than who stands before him.
  std::ranges::stable_sort(queued, {}, &QueuedTasks::at);
  for (const QueuedTasks& each : queued)
    step.state.planner.waiting.push(each.of, each.range, each.at);
}

bool try_admit(Step& step, Run& run) {
  if (run.admitted || run.record.paused || run.record.interrupted || waits_for_runs(run))
    return false;
  if (run.workflow().not_before && *run.workflow().not_before > step.now) {
    step.state.timers.set({*run.workflow().not_before, TimerKind::run, run.record.id, 0});
    return false;
  }
  if (step.state.planner.locks.first_busy(run.admission_locks) != nullptr) return false;
  step.state.planner.locks.take(run.admission_locks);
  run.admitted = true;
  step.state.waiting_admission.erase(run.record.id);
  requeue_tasks(step, run);  // before more are opened: those are queued as they are opened
  if (run.open_groups[static_cast<std::size_t>(run.phase)] == 0)
    advance(step, run);  // a retry of what runs at the end only
  else
    release_ready_groups(step, run);
  return true;
}

}  // namespace reeve::core
