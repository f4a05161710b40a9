#include "core/test_dump.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/launch.h"

namespace reeve::core::test {
namespace {

std::int64_t number(Time time) { return time.time_since_epoch().count(); }

std::string text(const Reason& reason) {
  return fmt::format("{}({},{})", name(reason.code), reason.a, reason.b);
}

std::string task_line(const Run& run, std::uint32_t index) {
  const Task& task = run.tasks[index];
  std::string out = fmt::format(
      "  task {} group {} {} {} flags {} percent {} attempt {} charged {} code {} token {} since "
      "{} "
      "wake {} queued {} started {} batch {} {}",
      index, task.group.value, name(task.state), name(task.outcome), task.flags, task.percent,
      task.attempt, task.charged, task.code, task.token.value, number(task.since),
      number(task.wake_at), number(task.queued_at), number(task.started_at), task.batch.value,
      text(task.reason));
  if (const TaskExtra* extra = run.extra(index); extra != nullptr) {
    out += " '" + extra->message + "'";
    for (const std::uint16_t ends : extra->ends_by_class) out += fmt::format(" {}", ends);
    for (const OutputValue& value : extra->outputs) out += " " + value.name + "=" + value.value;
    for (const OutputValue& file : extra->artifacts) out += " " + file.name + ":" + file.value;
    const Companion& companion = extra->hedging.companion;
    out += fmt::format(" companion {} attempt {} won {} hedges {} of {}", companion.token.value,
                       companion.attempt, companion.won, extra->hedging.hedges,
                       extra->hedging.attempts);
  }
  return out + "\n";
}

std::string run_lines(const Run& run) {
  const RunRecord& record = run.record;
  std::string out = fmt::format(
      "run {} {} paused {} cancel {} interrupted {} priority {} round {} times {} {} {} {} phase "
      "{} "
      "admitted {} lock {} inputs {}\n",
      record.id.value, name(record.state), record.paused, record.cancel_requested,
      record.interrupted, record.priority, record.round, number(record.submitted_at),
      number(record.started_at), number(record.ended_at), text(record.reason),
      static_cast<int>(run.phase), run.admitted, run.admission_locks.value, record.inputs.view());
  for (const Group& group : run.groups) {
    out += fmt::format(
        "  group first {} count {} unmet {} open {} failed {} cancelled {} skipped {} class {} "
        "{}{}{} since {}\n",
        group.first, group.count, group.unmet, group.open, group.failed, group.cancelled,
        group.skipped, group.ready_class.value, group.expanded ? "expanded " : "",
        group.released ? "released " : "", group.done ? "done" : "", number(group.released_at));
  }
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) out += task_line(run, i);
  return out;
}

/// A run of which nothing has begun may lose its turn to another by a restart.
bool may_lose_turn(const Run& run) {
  return run.record.state == RunState::queued &&
         std::ranges::all_of(run.tasks, [](const Task& task) {
           const bool untouched = task.state == TaskState::queued;
           return untouched || task.state == TaskState::blocked || is_final(task.state);
         });
}

enum class Turns : std::uint8_t { all, lasting };

std::string held_lines(const State& state, Turns turns) {
  std::string out;
  for (const Pool& pool : state.pools) {
    out += fmt::format("pool {} used {} of {} staged {}\n", pool.name,
                       format_resources(state.planner.nodes.used(pool.node)),
                       format_resources(state.planner.nodes.setup(pool.node).capacity),
                       state.planner.staged(pool.node));
  }
  std::map<std::string, std::int32_t> locks;  // by name: their numbers depend on history
  for (std::uint32_t i = 0; i < state.planner.locks.size(); ++i) {
    const schedule::LockId lock{i};
    if (state.planner.locks.in_use(lock) != 0)
      locks[state.planner.locks.name(lock)] = state.planner.locks.in_use(lock);
  }
  state.each_run([&](const Run& run) {
    if (turns == Turns::all || !run.admitted || !may_lose_turn(run)) return;
    for (const schedule::LockUse& use : state.planner.locks.set(run.admission_locks)) {
      const std::string& lock = state.planner.locks.name(use.lock);
      if (--locks[lock] == 0) locks.erase(lock);
    }
  });
  for (const auto& [name, units] : locks) out += fmt::format("lock {} {}\n", name, units);
  out += fmt::format("hedges {}\n", state.hedges);
  for (const auto& [key, tasks] : state.hedgeable) {
    for (const auto& [started_at, index] : tasks)
      out += fmt::format("hedgeable {}/{} since {}\n", key.first.value, index, number(started_at));
  }
  for (const auto& [token, live] : state.live) {
    out += fmt::format("live {} task {}/{} pool {} batch {} capacity {}\n", token.value,
                       live.task.run.value, live.task.index, live.pool.value, live.batch.value,
                       state.holds_capacity(live));
  }
  return out;
}

std::string estimate_lines(const State& state) {
  std::string out;
  for (const EstimateRecord& record : state.estimates.records()) {
    const schedule::Estimate& estimate = record.estimate;
    out += fmt::format("estimate {} of {}/{} used {} runs {} {} {} ends {} failed {}\n",
                       record.id.value, record.workflow, record.task, record.used,
                       estimate.seconds.count, estimate.seconds.mean, estimate.seconds.variance,
                       estimate.ends, estimate.failure_share());
  }
  return out;
}

}  // namespace

std::string dump(const State& state) {
  std::string out = fmt::format("next run {} token {} probe {}\n", state.next_run, state.next_token,
                                number(state.next_probe));
  state.each_run([&](const Run& run) { out += run_lines(run); });
  out += held_lines(state, Turns::all);
  for (const Pool& pool : state.pools) out += fmt::format("pool {} up {}\n", pool.name, pool.up);
  const schedule::Waiting& waiting = state.planner.waiting;
  for (const schedule::LeafId leaf : waiting.active()) {
    for (const schedule::Waiting::Position& position : waiting.order(leaf)) {
      out += fmt::format("leaf {} class {} arrival {} waiting {} overtaken {}\n", leaf.value,
                         position.id.value, number(position.arrival), waiting.waiting(position.id),
                         waiting.overtaken(position.id));
    }
  }
  for (const auto& [run, follower] : state.followers)
    out += fmt::format("run {} waits for run {}\n", follower.value, run.value);
  for (const RunId run : state.waiting_admission)
    out += fmt::format("waits for admission: run {}\n", run.value);
  if (const auto next = state.timers.next()) out += fmt::format("timer {}\n", number(*next));
  return out + estimate_lines(state);
}

std::string dump_lasting(const State& state) {
  std::string out = estimate_lines(state);
  state.each_run([&](const Run& run) {
    // It may also end at once when it has its turn.
    const bool waits = may_lose_turn(run);
    if (is_final(run.record.state) || (waits && run.workflow().concurrency)) return;
    out += fmt::format("run {} {} paused {} cancel {} round {}\n", run.record.id.value,
                       name(run.record.state), run.record.paused, run.record.cancel_requested,
                       run.record.round);
    for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
      const Group& group = run.groups[g];
      out += fmt::format("  {} unmet {} {}\n", run.group_spec(GroupIndex{g}).id, group.unmet,
                         group.done ? "done" : "");
      const std::uint32_t end = group.expanded ? group.first + group.count : group.first;
      for (std::uint32_t i = group.first; i < end; ++i) {
        const Task& task = run.tasks[i];
        const bool untouched = waits && task.state <= TaskState::queued;
        out +=
            fmt::format("    {} {} attempt {} token {}\n", task_label(run, i),
                        untouched ? "untouched" : name(task.state), task.attempt, task.token.value);
      }
    }
  });
  return out + held_lines(state, Turns::lasting);
}

}  // namespace reeve::core::test
