#include "core/explain.h"

#include <algorithm>

#include "core/launch.h"
#include "core/step.h"

namespace reeve::core {
namespace {

constexpr std::size_t kFactsMax = 20;

Explanation answer(Reason reason) { return {reason, describe(reason), {}}; }

/// Why nothing of a run may start; none when it may.
Reason hold_of(const State& state, const Run& run) {
  if (run.record.interrupted) return {ReasonCode::interrupted, 0, 0};
  if (run.record.paused) return {ReasonCode::run_paused, 0, 0};
  if (run.admitted) return {};
  const std::vector<schedule::LockUse>& locks = state.locks.set(run.admission_locks);
  return {ReasonCode::concurrency_busy, 0, locks.empty() ? 1 : state.locks.limit(locks[0].lock)};
}

Explanation explain_blocked(const State& state, const Run& run, const Group& group,
                            const spec::TaskGroup& spec) {
  const Reason hold = hold_of(state, run);
  if (hold.code != ReasonCode::none && group.unmet == 0) return answer(hold);
  Explanation out = answer(
      {ReasonCode::needs_pending, static_cast<std::int32_t>(spec.needs.size()), group.unmet});
  for (const spec::Need& need : spec.needs) {
    const Group& other = run.groups[need.group.value];
    if (other.done || out.facts.size() >= kFactsMax) continue;
    out.facts.push_back("needs " + run.group_spec(need.group).id + ": " +
                        std::to_string(other.count - other.open) + " of " +
                        std::to_string(other.count) + " done");
  }
  if (group.unmet == 0) out.facts.push_back("starts when the tasks before this phase are done");
  return out;
}

Shortage shortage_of(const std::string& dimension) {
  if (dimension == "cpu") return Shortage::cpu;
  if (dimension == "memory") return Shortage::memory;
  if (dimension == "disk") return Shortage::disk;
  if (dimension == "gpu") return Shortage::gpu;
  return Shortage::countable;
}

std::int64_t amount_of(const Resources& request, Shortage shortage) {
  switch (shortage) {
    case Shortage::cpu: return request.cpu_millicores;
    case Shortage::memory: return request.memory_bytes;
    case Shortage::disk: return request.disk_bytes;
    case Shortage::gpu: return request.gpu_milli;
    default: return 0;
  }
}

/// Tasks in the classes before its own; stale entries count too.
std::uint64_t tasks_before(const State& state, schedule::ClassId id) {
  std::uint64_t ahead = 0;
  for (const schedule::ReadyQueue::Position& position : state.ready.order()) {
    if (position.id == id) break;
    ahead += state.ready.waiting(position.id);
  }
  return ahead;
}

Explanation explain_queued(const State& state, const Run& run, const Group& group,
                           const Task& task) {
  if (const Reason hold = hold_of(state, run); hold.code != ReasonCode::none) return answer(hold);
  const Pool& pool = state.pools.front();
  const schedule::ClassKey& key = state.ready.key(group.ready_class);
  if (!pool.ledger.could_ever_fit(key.request)) {
    Explanation out = answer({ReasonCode::unplaceable, 0, 0});
    out.facts.push_back("it asks for " + format_resources(key.request) + "; pool " + pool.name +
                        " has " + format_resources(pool.ledger.capacity()));
    return out;
  }
  if (!pool.up) return answer({ReasonCode::executor_down, 0, 0});
  Explanation out;
  const std::uint64_t before = tasks_before(state, group.ready_class);
  const std::uint64_t alike = state.ready.waiting(group.ready_class);
  if (const schedule::LockUse* busy = state.locks.first_busy(key.locks); busy != nullptr) {
    const std::string& lock = state.locks.name(busy->lock);
    ReasonCode code = ReasonCode::lock_busy;
    if (lock.starts_with("group:")) code = ReasonCode::concurrency_busy;
    if (lock.starts_with("parallel:")) code = ReasonCode::max_parallel;
    out = answer({code, state.locks.in_use(busy->lock),
                  code == ReasonCode::lock_busy ? busy->units : state.locks.limit(busy->lock)});
    out.facts.push_back(lock + ": " + std::to_string(state.locks.in_use(busy->lock)) + " of " +
                        std::to_string(state.locks.limit(busy->lock)) + " in use");
  } else if (!pool.ledger.fits(key.request)) {
    const Shortage shortage = shortage_of(pool.ledger.shortage(key.request));
    out = answer({ReasonCode::capacity, static_cast<std::int32_t>(shortage),
                  amount_of(key.request, shortage)});
    out.facts.push_back("pool " + pool.name + ": " + format_resources(pool.ledger.used()) + " of " +
                        format_resources(pool.ledger.capacity()) + " in use; it asks for " +
                        format_resources(key.request));
  } else {
    out = answer({ReasonCode::behind, 0, static_cast<std::int64_t>(before)});
  }
  out.facts.push_back(std::to_string(alike) + " like it are queued; " + std::to_string(before) +
                      " others are before them in order");
  if (task.attempt > 0) out.facts.push_back("this is try " + std::to_string(task.attempt + 1));
  return out;
}

std::uint32_t attempts_of(const Run& run, std::uint32_t index) {
  const TaskExtra* const extra = run.extra(index);
  const std::uint16_t latest = run.tasks[index].attempt;
  return extra == nullptr ? latest : std::max(latest, extra->hedging.attempts);
}

void add_entry_facts(const TaskExtra& extra, Explanation& out) {
  for (const Entry& entry : extra.entries) {
    if (out.facts.size() >= kFactsMax) return;
    out.facts.push_back(format_time(entry.at) + ": " + entry.by + " entered attempt " +
                        std::to_string(entry.attempt) + " with: " + entry.command);
  }
}

void add_hedge_facts(const Run& run, std::uint32_t index, Time now, Explanation& out) {
  const Companion* const companion = companion_of(run, index);
  if (companion == nullptr) return;
  const std::string number = std::to_string(companion->attempt);
  if (companion->won) {
    out.facts.push_back("attempt " + number + " has succeeded; attempt " +
                        std::to_string(run.tasks[index].attempt) + " is being stopped");
    return;
  }
  out.facts.push_back("attempt " + number + " was started beside attempt " +
                      std::to_string(run.tasks[index].attempt) + " " +
                      format_duration(now - companion->handed_at) +
                      " ago: the first that succeeds counts");
}

void add_result_facts(const Run& run, std::uint32_t index, Explanation& out) {
  const Task& task = run.tasks[index];
  if (task.attempt > 0)
    out.facts.push_back("attempts: " + std::to_string(attempts_of(run, index)) +
                        ", retries charged: " + std::to_string(task.charged));
  if (const TaskExtra* extra = run.extra(index); extra != nullptr && !extra->message.empty())
    out.facts.push_back(extra->message);
  if (const TaskExtra* extra = run.extra(index); extra != nullptr) add_entry_facts(*extra, out);
  if ((task.flags & kTaskForgiven) != 0)
    out.facts.push_back(describe({ReasonCode::continued_on_error, 0, 0}));
  const bool by_need = task.reason.code == ReasonCode::need_not_successful ||
                       task.reason.code == ReasonCode::need_not_failed;
  const auto need = static_cast<std::size_t>(std::max<std::int64_t>(task.reason.a, 0));
  if (by_need && need < run.groups.size())
    out.facts.push_back("the need is " + run.workflow().groups[need].id + ": " +
                        std::string(name(result_of(run.groups[need]))));
}

}  // namespace

Explanation explain_task(const State& state, TaskId id, Time now) {
  const Run* run = state.find_run(id.run);
  if (run == nullptr || id.index >= run->tasks.size()) return {{}, "it is not in memory", {}};
  const Task& task = run->tasks[id.index];
  const Group& group = run->groups[task.group.value];
  Explanation out;
  switch (task.state) {
    case TaskState::blocked:
      return explain_blocked(state, *run, group, run->group_spec(task.group));
    case TaskState::queued: return explain_queued(state, *run, group, task);
    case TaskState::starting:
      out = answer((task.flags & kTaskStaged) != 0 ? task.reason
                                                   : Reason{ReasonCode::launching, 0, 0});
      break;
    case TaskState::running:
      out = answer(is_held_open(task) ? task.reason : Reason{ReasonCode::is_running, 0, 0});
      break;
    case TaskState::validating: out = answer({ReasonCode::checking, 0, 0}); break;
    default: out = answer(task.reason); break;
  }
  if (task.state == TaskState::retry_wait && task.wake_at > now)
    out.facts.push_back("next try in " + format_duration(task.wake_at - now));
  if (task.reason.code == ReasonCode::held_open && is_held_open(task)) {
    const std::string name = std::to_string(id.run.value) + "/" + task_label(*run, id.index);
    out.facts.push_back("`reeve exec " + name + "` enters its sandbox; `reeve resume " + name +
                        "` lets it go");
  }
  if (is_live(task.state)) {
    const auto live = state.live.find(task.token);
    if (live != state.live.end()) out.facts.push_back(describe(live->second.placed));
  }
  if (task.state == TaskState::running) add_hedge_facts(*run, id.index, now, out);
  add_result_facts(*run, id.index, out);
  return out;
}

Explanation explain_run(const State& state, RunId id, Time now) {
  const Run* run = state.find_run(id);
  if (run == nullptr) return {{}, "it is not in memory", {}};
  if (is_final(run->record.state)) return answer(run->record.reason);
  if (const Reason hold = hold_of(state, *run); hold.code != ReasonCode::none) return answer(hold);
  Explanation out = answer({ReasonCode::is_running, 0, 0});
  for (const Group& group : run->groups) {
    if (group.done || group.open == 0 || out.facts.size() >= kFactsMax) continue;
    std::uint32_t index = group.first;
    while (is_final(run->tasks[index].state)) ++index;
    const Explanation first = explain_task(state, {id, index}, now);
    out.facts.push_back(task_label(*run, index) + " " + std::string(name(run->tasks[index].state)) +
                        ": " + first.sentence);
  }
  return out;
}

}  // namespace reeve::core
