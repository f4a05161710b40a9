// Readiness: when a group's needs are done it is queued, skipped, expanded or put up for approval;
// when a group is done its dependents are looked at; when a phase is done the next one begins.
#include <algorithm>
#include <cmath>

#include "base/ensure.h"
#include "core/launch.h"
#include "core/placement_demand.h"
#include "core/predict.h"
#include "core/step.h"

namespace reeve::core {

GroupResult result_of(const Group& group) {
  if (group.failed > 0) return GroupResult::failure;
  if (group.cancelled > 0) return GroupResult::cancelled;
  if (group.skipped > 0 && group.skipped == group.count) return GroupResult::skipped;
  return GroupResult::success;
}

std::string_view name(GroupResult result) {
  static constexpr std::string_view kNames[] = {"success", "failure", "cancelled", "skipped"};
  return kNames[static_cast<std::size_t>(result)];
}

namespace {

struct Verdict {
  TaskState state = TaskState::queued;  ///< queued: it may go
  Reason reason;
  std::string message;
};

/// The first need that is not satisfied, as a reason; none when all are.
Reason unsatisfied_need(const Run& run, const spec::TaskGroup& group) {
  for (const spec::Need& need : group.needs) {
    const GroupResult result = result_of(run.groups[need.group.value]);
    if (need.condition == spec::NeedCondition::success && result != GroupResult::success)
      return {ReasonCode::need_not_successful, 0, need.group.value};
    if (need.condition == spec::NeedCondition::failure && result != GroupResult::failure)
      return {ReasonCode::need_not_failed, 0, need.group.value};
  }
  return {};
}

Verdict judge(const State& state, const Run& run, GroupIndex index) {
  const spec::TaskGroup& group = run.group_spec(index);
  const bool own_say = group.condition && group.condition->uses_status_function();
  if (!own_say) {
    if (run.record.cancel_requested && group.phase != spec::Phase::finally)
      return {TaskState::cancelled, {ReasonCode::run_cancelled, 0, 0}, {}};
    if (const Reason reason = unsatisfied_need(run, group); reason.code != ReasonCode::none)
      return {TaskState::skipped, reason, {}};
  }
  if (!group.condition) return {};
  const ExpressionData data = expression_data(state, run, index, std::nullopt);
  const Result<spec::Json> value = group.condition->evaluate(data.context());
  if (!value)
    return {
        TaskState::failed, {ReasonCode::expression_failed, 0, 0}, "if: " + value.error().text()};
  if (!spec::is_truthy(*value))
    return {TaskState::skipped, {ReasonCode::condition_false, 0, 0}, {}};
  return {};
}

Status check_room(const Run& run, std::size_t more) {
  if (run.tasks.size() + more <= spec::kTasksPerRunMax) return {};
  return fail(ErrorCode::invalid_argument, "the run would have too many tasks");
}

Result<std::vector<spec::Json>> evaluate_items(const State& state, const Run& run,
                                               GroupIndex index) {
  const spec::TaskGroup& group = run.group_spec(index);
  const ExpressionData data = expression_data(state, run, index, std::nullopt);
  if (const auto* dynamic = std::get_if<spec::DynamicMatrix>(&group.fan_out)) {
    TRY_ASSIGN(const spec::Json value, dynamic->value.render_value(data.context()));
    return spec::expand_matrix(value);
  }
  const auto& for_each = std::get<spec::ForEach>(group.fan_out);
  TRY_ASSIGN(spec::Json value, for_each.items.render_value(data.context()));
  std::vector<spec::Json> items;
  if (value.is_number()) {
    const double number = value.to_number<double>();
    if (number < 0 || number > spec::kTasksPerRunMax || number != std::floor(number))
      return fail(ErrorCode::invalid_argument, "for_each: expected a whole number of items");
    TRY(check_room(run, static_cast<std::size_t>(number)));
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(number); ++i) items.emplace_back(i);
    return items;
  }
  if (!value.is_array())
    return fail(ErrorCode::invalid_argument,
                "for_each: expected an array or a number; is the value text? Use fromJSON()");
  for (spec::Json& item : value.as_array()) items.push_back(std::move(item));
  return items;
}

void note_expansion(Step& step, const Run& run, GroupIndex index,
                    const std::vector<spec::Json>& items) {
  const Group& group = run.groups[index.value];
  step.changes.expansions.push_back(
      {run.record.id, index, group.first, group.count, items_text(items)});
}

/// Ends a group that will not run: every task of it, or one that stands for those never known.
void end_blocked_group(Step& step, Run& run, GroupIndex index, const Verdict& verdict) {
  if (!run.groups[index.value].expanded) {
    const std::vector<spec::Json> items(1);
    expand_group(run, index, items);
    note_expansion(step, run, index, items);
  }
  Group& group = run.groups[index.value];
  group.released = true;
  for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
    if (run.tasks[i].state != TaskState::blocked) continue;
    if (!verdict.message.empty()) run.make_extra(i).message = verdict.message;
    finish_task(step, run, i, verdict.state, verdict.reason);
  }
}

schedule::LockSetId group_locks(State& state, const Run& run, GroupIndex index,
                                const std::optional<std::string>& concurrency) {
  const spec::TaskGroup& group = run.group_spec(index);
  const spec::Policy& policy = run.workflow().policy_of(group);
  std::vector<schedule::LockUse> uses;
  for (const spec::LockRequest& lock : policy.locks) {
    const auto limit = run.workflow().lock_limits.find(lock.name);
    uses.push_back(
        {state.planner.locks.intern("lock:" + lock.name,
                                    limit == run.workflow().lock_limits.end() ? 1 : limit->second),
         lock.units});
  }
  if (concurrency) {
    const std::int32_t limit = group.detail->concurrency->limit;
    uses.push_back({state.planner.locks.intern("group:" + *concurrency, limit), 1});
  }
  if (group.detail && group.detail->max_parallel > 0) {
    const std::string name = "parallel:" + std::to_string(run.record.id.value) + "/" + group.id;
    uses.push_back(
        {state.planner.locks.intern(name, static_cast<std::int32_t>(group.detail->max_parallel)),
         1});
  }
  return state.planner.locks.intern_set(std::move(uses));
}

Time deadline_of(const Run& run, const spec::TaskGroup& group) {
  Time deadline = kNever;
  if (run.workflow().deadline) deadline = run.record.submitted_at + *run.workflow().deadline;
  if (group.detail && group.detail->deadline)
    deadline = std::min(deadline, run.record.submitted_at + *group.detail->deadline);
  return deadline;
}

}  // namespace

Time deadline_at(const Run& run, const std::optional<Duration>& limit, Time now) {
  if (!limit) return kNever;
  const Time at = run.record.submitted_at + *limit;
  return run.record.round > 1 && at <= now ? kNever : at;
}

namespace {

/// The user whose share it is: who submitted it.
schedule::LeafId leaf_of(State& state, const Run& run, const spec::Policy& policy) {
  return state.planner.shares.leaf(policy.queue, run.record.origin->submitter);
}

/// What fails together: the tasks of a group in all runs of a workflow, and what has the same
/// label `target`. Only where the policy has breakers, so that others share their classes.
schedule::CircuitId circuit_of(State& state, const Run& run, const spec::TaskGroup& group) {
  if (state.planner.policy().breaker.failures_permille == 0) return {};
  return state.planner.gates.circuits.intern("task:" + run.workflow().name + "/" + group.id);
}

schedule::CircuitId target_of(State& state, const Run& run, const spec::TaskGroup& group) {
  if (state.planner.policy().breaker.failures_permille == 0) return {};
  const auto find = [](const std::map<std::string, std::string>& labels) {
    const auto found = labels.find("target");
    return found == labels.end() ? std::string() : found->second;
  };
  std::string target = group.detail ? find(group.detail->labels) : "";
  if (target.empty()) target = find(run.workflow().labels);
  return target.empty() ? schedule::CircuitId{}
                        : state.planner.gates.circuits.intern("target:" + target);
}

schedule::DemandId demand_of(State& state, const Run& run, const spec::TaskGroup& group) {
  const spec::Policy& policy = run.workflow().policy_of(group);
  return state.planner.nodes.intern(placement_demand(run.workflow(), group, policy));
}

/// Tasks of the same group of one workflow may share a batch, also those of different runs.
std::uint32_t batch_of(State& state, const Run& run, GroupIndex index) {
  if (run.workflow().policy_of(run.group_spec(index)).batch.max < 2) return 0;
  const auto [kind, is_new] =
      state.batch_kinds.try_emplace({run.workflow().digest, index}, state.next_batch_kind);
  if (is_new) ++state.next_batch_kind;
  return kind->second;
}

/// Whether any run of the workflow, by the same person and as important, has the same class.
bool is_class_shared(const Run& run, const spec::TaskGroup& group) {
  if (run.workflow().deadline) return false;
  return !group.detail ||
         (!group.detail->concurrency && !group.detail->deadline && group.detail->max_parallel == 0);
}

template <class T>
bool is_same(const std::weak_ptr<T>& known, const std::shared_ptr<T>& now) {  // shared: by runs
  return !known.owner_before(now) && !now.owner_before(known);
}

bool is_as_before(const State::LastClass& last, const Run& run, GroupIndex index, Duration length) {
  return last.group == index.value && last.length == length &&
         last.priority == run.record.priority && is_same(last.workflow, run.record.workflow) &&
         is_same(last.origin, run.record.origin);
}

}  // namespace

Status classify_group(State& state, Run& run, GroupIndex index) {
  const spec::TaskGroup& group = run.group_spec(index);
  const bool shared = is_class_shared(run, group);
  const auto predicted = predicted_length(state, run, index);
  const Duration length = predicted ? schedule::rounded_length(*predicted) : Duration{-1};
  if (shared && is_as_before(state.last_class, run, index, length)) {
    run.groups[index.value].ready_class = state.last_class.found;
    return {};
  }
  std::optional<std::string> concurrency;
  Status status;
  if (group.detail && group.detail->concurrency) {
    const ExpressionData data = expression_data(state, run, index, std::nullopt);
    Result<std::string> rendered = group.detail->concurrency->group.render(data.context());
    if (rendered)
      concurrency = *std::move(rendered);
    else
      status = tl::unexpected(std::move(rendered).error());
  }
  const spec::Policy& policy = run.workflow().policy_of(group);
  schedule::ClassKey key{.leaf = leaf_of(state, run, policy),
                         .priority = run.record.priority + policy.priority,
                         .deadline = deadline_of(run, group),
                         .demand = demand_of(state, run, group),
                         .locks = group_locks(state, run, index, concurrency),
                         .rate = state.planner.gates.rate(policy.rate_limit),
                         .circuit = circuit_of(state, run, group),
                         .target = target_of(state, run, group),
                         .length = length};
  key.preemptible = policy.preemptible || state.planner.shares.preemptible(key.leaf);
  key.priority += state.planner.shares.priority_of(key.leaf);
  key.batch = batch_of(state, run, index);
  const schedule::ClassId found = state.planner.waiting.intern(key);
  run.groups[index.value].ready_class = found;
  if (shared)
    state.last_class = {
        run.record.workflow, run.record.origin, index.value, run.record.priority, length, found};
  return status;
}

namespace {

/// Moves the untouched tasks of a released group out of blocked, in one sweep.
void open_group(Step& step, Run& run, GroupIndex index) {
  Group& group = run.groups[index.value];
  const spec::TaskGroup& spec = run.group_spec(index);
  const auto* approval = std::get_if<spec::Approval>(&spec.action);
  const TaskState to = approval != nullptr ? TaskState::awaiting_approval : TaskState::queued;
  const Reason reason{approval != nullptr ? ReasonCode::approval_pending : ReasonCode::none, 0, 0};
  std::uint32_t begin = group.first;
  const std::uint32_t end = group.first + group.count;
  while (begin < end) {
    std::uint32_t last = begin;
    while (last < end && run.tasks[last].state == TaskState::blocked) {
      Task& task = run.tasks[last];
      task.state = to;
      task.since = step.now;
      task.queued_at = step.now;
      task.reason = reason;
      // A row once written must follow; an untouched task is rebuilt from the workflow.
      if ((task.flags & kTaskStored) != 0 || approval != nullptr) mark_task(step, run, last);
      if (approval != nullptr && approval->timeout > Duration{0}) {
        task.wake_at = step.now + approval->timeout;
        set_timer(step, run, last, task.wake_at);
      }
      ++last;
    }
    if (last > begin) {
      step.changes.task_changes.push_back({{run.record.id, begin},
                                           last - begin,
                                           TaskState::blocked,
                                           to,
                                           run.tasks[begin].attempt,
                                           reason});
      if (approval == nullptr && !is_held(run))
        step.state.planner.waiting.push(group.ready_class, {{run.record.id, begin}, last - begin},
                                        step.now);
    }
    begin = last + 1;
  }
}

void set_group_timers(Step& step, const Run& run, GroupIndex index) {
  const spec::TaskGroup& spec = run.group_spec(index);
  const Duration queue_limit = run.workflow().policy_of(spec).timeouts.queue;
  if (queue_limit > Duration{0})
    step.state.timers.set({step.now + queue_limit, TimerKind::group, run.record.id, index.value});
  if (!spec.detail) return;
  const Time deadline = deadline_at(run, spec.detail->deadline, step.now);
  step.state.timers.set({deadline, TimerKind::group, run.record.id, index.value});
}

/// Whether a task makes way for a newer one of its concurrency group.
bool makes_way(TaskState state, spec::Concurrency::WhenBusy when_busy) {
  if (is_final(state) || when_busy == spec::Concurrency::WhenBusy::queue) return false;
  if (when_busy == spec::Concurrency::WhenBusy::cancel_in_progress) return true;
  return state == TaskState::queued || state == TaskState::retry_wait || state == TaskState::paused;
}

/// Older work in the group makes way: queued tasks end, and running ones are stopped if that is
/// asked for.
void replace_older(Step& step, const Run& newer, GroupIndex index) {
  const spec::TaskGroup& spec = newer.group_spec(index);
  if (!spec.detail || !spec.detail->concurrency) return;
  const auto when_busy = spec.detail->concurrency->when_busy;
  if (when_busy == spec::Concurrency::WhenBusy::queue) return;
  // Whoever submitted it: the name of the concurrency group is among the locks.
  const auto locks_of = [&](const Group& group) {
    return step.state.planner.waiting.key(group.ready_class).locks;
  };
  const schedule::LockSetId mine = locks_of(newer.groups[index.value]);
  for (auto& other : step.state.runs) {
    if (!other || other->record.id >= newer.record.id) continue;
    for (std::uint32_t g = 0; g < other->groups.size(); ++g) {
      const Group& group = other->groups[g];
      if (!group.released || group.open == 0 || locks_of(group) != mine) continue;
      for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
        if (makes_way(other->tasks[i].state, when_busy))
          end_task(step, *other, i, TaskState::aborted,
                   {.reason = {ReasonCode::replaced_by_newer, 0, newer.record.id.value}});
      }
    }
  }
}

}  // namespace

void end_unreleased_group(Step& step, Run& run, GroupIndex index, TaskState to, Reason reason) {
  end_blocked_group(step, run, index, {to, reason, {}});
}

Time delayed_until(const Run& run, GroupIndex index) {
  const spec::TaskGroup& spec = run.group_spec(index);
  if (!spec.detail || spec.detail->delay == Duration{0}) return kUnset;
  Time ready = run.record.started_at == kUnset ? run.record.submitted_at : run.record.started_at;
  for (const spec::Need& need : spec.needs) {
    const Group& other = run.groups[need.group.value];
    for (std::uint32_t i = other.first; other.expanded && i < other.first + other.count; ++i)
      ready = std::max(ready, run.tasks[i].since);
  }
  return ready + spec.detail->delay;
}

namespace {

/// Its needs are met, but not for as long as it is to wait then: its timer asks again.
bool is_delayed(Step& step, const Run& run, GroupIndex index) {
  const Time until = delayed_until(run, index);
  if (until == kUnset || until <= step.now) return false;
  step.state.timers.set({until, TimerKind::group, run.record.id, index.value});
  return true;
}

}  // namespace

void release_group(Step& step, Run& run, GroupIndex index) {
  // After recovery or a retry some of its tasks may be past this point already: the verdict is
  // about those that are still blocked.
  if (run.groups[index.value].released || run.groups[index.value].done) return;
  if (is_delayed(step, run, index)) return;
  Verdict verdict = judge(step.state, run, index);
  if (verdict.state == TaskState::queued && !run.groups[index.value].expanded) {
    Result<std::vector<spec::Json>> items = evaluate_items(step.state, run, index);
    Status room = items ? check_room(run, items->size()) : Status{};
    if (!room) items = tl::unexpected(std::move(room).error());
    if (items) {
      expand_group(run, index, *items);
      note_expansion(step, run, index, *items);
    } else {
      verdict = {TaskState::failed, {ReasonCode::expression_failed, 0, 0}, items.error().text()};
    }
  }
  if (verdict.state == TaskState::queued) {
    if (const Status classified = classify_group(step.state, run, index); !classified)
      verdict = {TaskState::failed,
                 {ReasonCode::expression_failed, 0, 0},
                 "concurrency: " + classified.error().text()};
  }
  if (verdict.state != TaskState::queued) {
    end_blocked_group(step, run, index, verdict);
    return;
  }
  run.groups[index.value].released = true;
  run.groups[index.value].released_at = step.now;
  replace_older(step, run, index);
  open_group(step, run, index);
  set_group_timers(step, run, index);
  if (run.groups[index.value].open == 0) step.done_groups.emplace_back(run.record.id, index);
}

}  // namespace reeve::core
