// Recovery: runs from their rows, and what follows from them. Every commit is a whole step, so rows
// are always consistent; what they leave out (untouched tasks, queue order, holders of capacity)
// follows from them here, the same way each time.
#include "core/recover.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/ensure.h"
#include "core/flight.h"
#include "core/follow.h"
#include "core/launch.h"
#include "core/step.h"

namespace reeve::core {
namespace {

Status apply_expansions(Run& run, const std::vector<Expansion>& expansions) {
  for (const Expansion& expansion : expansions) {
    if (expansion.group.value >= run.groups.size())
      return fail(ErrorCode::corrupt, "an expansion names a task that its workflow lacks");
    Group& group = run.groups[expansion.group.value];
    group.expanded = expansion.first != kNotExpanded;
    if (!group.expanded) {
      group.first = 0;
      group.count = 0;
      continue;
    }
    boost::system::error_code error;
    const spec::Json items = boost::json::parse(expansion.items, error);
    if (error || !items.is_array() || items.get_array().size() != expansion.count)
      return fail(ErrorCode::corrupt, "the items of an expansion are not a JSON array");
    const std::uint64_t end = std::uint64_t{expansion.first} + expansion.count;
    if (end > spec::kTasksPerRunMax) return fail(ErrorCode::corrupt, "an expansion is too large");
    group.first = expansion.first;
    group.count = expansion.count;
    if (run.tasks.size() < end) run.tasks.resize(end);
    for (std::uint32_t i = group.first; i < end; ++i) run.tasks[i].group = expansion.group;
    run.set_expansion(expansion.group, items);
  }
  return {};
}

struct LiveTask {
  Token token;
  TaskId task;
};

/// Whether another of its batch has been put back, with the place that it shares.
bool rejoin_batch(State& state, Token token, LiveAttempt& live) {
  const auto batch = state.batches.find(live.batch);
  if (batch == state.batches.end()) return false;
  live.holder = batch->second.holder;
  batch->second.open.push_back(token);
  return true;
}

/// Puts back what live attempts hold, in the order in which they were started.
void restore_live(Step& step, std::vector<LiveTask> found) {
  std::ranges::sort(found, {}, &LiveTask::token);
  for (const LiveTask& each : found) {
    Run& run = *step.state.find_run(each.task.run);
    Task& task = run.tasks[each.task.index];
    schedule::Planner& planner = step.state.planner;
    const schedule::NodeId node = step.state.pools.front().node;
    LiveAttempt live{.task = each.task,
                     .pool = PoolId{},
                     .heard_at = step.now,
                     .placed = {ReasonCode::placed, 0, 0}};
    if (task.state == TaskState::validating) {
      step.changes.effects.emplace_back(CollectArtifacts{each.task, each.token});
    } else {
      const schedule::ClassId owner = run.groups[task.group.value].ready_class;
      const schedule::ClassKey& key = planner.waiting.key(owner);
      if (each.token == task.token) live.batch = task.batch;
      if (rejoin_batch(step.state, each.token, live)) {
        if (planner.holder(live.holder).staged) task.flags |= kTaskStaged;
        step.state.live.emplace(each.token, live);
        continue;
      }
      planner.locks.take(key.locks);
      const TaskExtra* const extra = run.extra(each.task.index);
      if (extra != nullptr) live.score.variant = extra->variant;
      const std::uint8_t variant = live.score.variant;
      const bool has_place = task.state == TaskState::running ||
                             (planner.staged(node) == 0 &&
                              planner.nodes.fits(node, planner.nodes.shape(key.demand, variant)));
      live.holder = planner.restore({.token = each.token,
                                     .node = node,
                                     .owner = owner,
                                     .since = task.since,
                                     .variant = variant,
                                     .staged = !has_place},
                                    step.now);
      if (!has_place) task.flags |= kTaskStaged;
      if (live.batch != Token{}) step.state.batches[live.batch] = {live.holder, {each.token}};
    }
    const bool is_own = each.token == task.token;
    if (is_own && companion_of(std::as_const(run), each.task.index) != nullptr) ++step.state.hedges;
    join_hedgeable(step, run, each.task.index);
    if (is_own) take_off(step.state, run, each.task.index);
    step.state.live.emplace(each.token, live);
  }
}

void restore_timers(Step& step, const Run& run) {
  const Time deadline = deadline_at(run, run.workflow().deadline, step.now);
  step.state.timers.set({deadline, TimerKind::run, run.record.id, 0});
  for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
    const spec::TaskGroup& spec = run.group_spec(GroupIndex{g});
    if (!spec.detail || !run.groups[g].released || run.groups[g].done) continue;
    const Time group_deadline = deadline_at(run, spec.detail->deadline, step.now);
    step.state.timers.set({group_deadline, TimerKind::group, run.record.id, g});
  }
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
    const Task& task = run.tasks[i];
    if (!is_final(task.state) && task.wake_at != kNever) set_timer(step, run, i, task.wake_at);
  }
}

/// Classes of the groups that have begun, and the tasks that an executor may know of. Returns
/// whether any has begun.
bool restore_groups(Step& step, Run& run, std::vector<LiveTask>& live) {
  bool any_begun = false;
  for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
    const Group& group = run.groups[g];
    if (!group.expanded || group.open == 0) continue;
    bool begun = false;
    for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
      const TaskState state = run.tasks[i].state;
      begun |= state != TaskState::blocked && !is_final(state);
      if (is_live(state) || state == TaskState::validating)
        live.push_back({run.tasks[i].token, {run.record.id, i}});
      const Companion* const companion = companion_of(run, i);
      if (companion != nullptr && !companion->won)
        live.push_back({companion->token, {run.record.id, i}});
    }
    // An error leaves the group without its concurrency name; it was evaluated before, from the
    // same data, so there is none.
    if (begun) (void)classify_group(step.state, run, GroupIndex{g});
    any_begun |= begun;
  }
  return any_begun;
}

}  // namespace

void recount(Run& run) {
  std::ranges::fill(run.open_groups, 0U);
  for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
    Group& group = run.groups[g];
    group.open = group.failed = group.cancelled = group.skipped = 0;
    std::uint32_t blocked = 0;
    const std::uint32_t end = group.expanded ? group.first + group.count : group.first;
    for (std::uint32_t i = group.first; i < end; ++i) {
      const Task& task = run.tasks[i];
      if (task.state == TaskState::blocked) ++blocked;
      if (!is_final(task.state)) ++group.open;
      if (task.state == TaskState::failed || task.state == TaskState::timed_out)
        group.failed += (task.flags & kTaskForgiven) == 0 ? 1U : 0U;
      if (task.state == TaskState::cancelled || task.state == TaskState::aborted) ++group.cancelled;
      if (task.state == TaskState::skipped) ++group.skipped;
    }
    group.done = group.expanded && group.open == 0;
    group.released = group.expanded && blocked == 0;
    if (!group.done) ++run.open_groups[static_cast<std::size_t>(run.group_spec({g}).phase)];
  }
  for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
    run.groups[g].unmet = 0;
    for (const spec::Need& need : run.group_spec({g}).needs)
      run.groups[g].unmet += run.groups[need.group.value].done ? 0U : 1U;
  }
  run.phase = run.open_groups[0] > 0   ? spec::Phase::main
              : run.open_groups[1] > 0 ? spec::Phase::on_failure
                                       : spec::Phase::finally;
}

Status load_run(State& state, StoredRun stored) {
  auto run = std::make_unique<Run>();
  run->record = std::move(stored.record);
  if (!run->record.workflow) return fail(ErrorCode::corrupt, "a stored run has no workflow");
  run->record.origin = run->record.origin ? state.intern_origin(run->record.origin->directory,
                                                                run->record.origin->submitter)
                                          : state.intern_origin("", "");
  state.workflows[run->record.workflow->digest] = run->record.workflow;
  TRY(build_run(*run));
  TRY(apply_expansions(*run, stored.expansions));
  for (StoredTask& task : stored.tasks) {
    if (task.id.index >= spec::kTasksPerRunMax || task.task.group.value >= run->groups.size())
      return fail(ErrorCode::corrupt, "a stored task is outside of its run");
    // Beyond the end: left over from an expansion that a retry has undone.
    if (task.id.index >= run->tasks.size()) run->tasks.resize(task.id.index + 1);
    Task& restored = run->tasks[task.id.index];
    restored = task.task;
    restored.flags = static_cast<std::uint8_t>((task.task.flags & kTaskFlagsStored) | kTaskStored);
    restored.percent = -1;
    if (task.extra) run->make_extra(task.id.index) = std::move(*task.extra);
  }
  recount(*run);
  state.add_run(std::move(run));
  return {};
}

StoredRun copy_of(const StoredRun& run) {
  StoredRun copy{.record = copy_of(run.record), .expansions = run.expansions, .tasks = {}};
  for (const StoredTask& task : run.tasks)
    copy.tasks.push_back(
        {task.id, task.task, task.extra ? std::make_unique<TaskExtra>(*task.extra) : nullptr});
  return copy;
}

Snapshot snapshot_of(const State& state) {
  Snapshot snapshot;
  snapshot.last_token = Token{state.next_token - 1};
  snapshot.last_run = RunId{state.next_run - 1};
  snapshot.estimates = state.estimates.records();
  for (const Pool& pool : state.pools) {
    if (pool.drain.drained) snapshot.drains.push_back(pool.drain);
  }
  snapshot.usage = state.planner.shares.records();
  state.each_run([&](const Run& run) {
    if (!is_final(run.record.state)) snapshot.runs.push_back(stored_run(run));
  });
  return snapshot;
}

StoredRun stored_run(const Run& run) {
  StoredRun stored{.record = copy_of(run.record), .expansions = {}, .tasks = {}};
  for (std::uint32_t g = 0; run.extras && g < run.groups.size(); ++g) {
    const spec::Json* const items = run.expansion(GroupIndex{g});
    const Group& group = run.groups[g];
    if (items == nullptr || !group.expanded) continue;
    stored.expansions.push_back(
        {run.record.id, GroupIndex{g}, group.first, group.count, boost::json::serialize(*items)});
  }
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
    if ((run.tasks[i].flags & (kTaskStored | kTaskDirty)) == 0) continue;
    const TaskExtra* extra = run.extra(i);
    stored.tasks.push_back({{run.record.id, i},
                            run.tasks[i],
                            extra == nullptr ? nullptr : std::make_unique<TaskExtra>(*extra)});
  }
  return stored;
}

void on_engine_started(Step& step, const EngineStarted& event) {
  step.state.sandbox_rules = event.sandbox;
  std::vector<LiveTask> live;
  for (auto& run : step.state.runs) {
    if (!run || is_final(run->record.state)) continue;
    run->record.interrupted =
        !event.all && std::ranges::find(event.resumed, run->record.id) == event.resumed.end();
    restore_followers(step.state, *run);
    if (const Status known = know_admission(step.state, *run); !known) continue;
    const bool begun = restore_groups(step, *run, live);
    restore_timers(step, *run);
    run->admitted = begun || run->record.state == RunState::running;
    if (run->admitted)
      step.state.planner.locks.take(run->admission_locks);
    else
      run->phase =
          spec::Phase::main;  // when it is admitted each phase is asked whether it is wanted
  }
  restore_live(step, std::move(live));
  for (auto& run : step.state.runs) {
    if (!run || is_final(run->record.state)) continue;
    if (run->admitted) {
      requeue_tasks(step, *run);
      release_ready_groups(step, *run);
    } else {
      ask_admission(step, *run);
    }
  }
}

void on_capacity_set(Step& step, const CapacitySet& event) {
  if (event.pool.value >= step.state.pools.size()) return;
  step.state.planner.set_capacity(step.state.pools[event.pool.value].node, event.capacity);
  step.changes.effects.emplace_back(SetCapacity{event.pool});
}

}  // namespace reeve::core
