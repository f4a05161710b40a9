#include "core/explain.h"

#include <algorithm>

#include "core/batch.h"
#include "core/follow.h"
#include "core/launch.h"
#include "core/step.h"
#include "schedule/what_if.h"

namespace reeve::core {
namespace {

constexpr std::size_t kFactsMax = 20;

Explanation answer(Reason reason) { return {reason, describe(reason), {}}; }

/// Why nothing of a run may start; none when it may.
Reason hold_of(const State& state, const Run& run, Time now) {
  if (run.record.interrupted) return {ReasonCode::interrupted, 0, 0};
  if (run.record.paused) return {ReasonCode::run_paused, 0, 0};
  if (run.admitted) return {};
  if (waits_for_runs(run)) return following_reason(run);
  if (run.workflow().not_before && *run.workflow().not_before > now)
    return {ReasonCode::not_before, 0, run.workflow().not_before->time_since_epoch().count()};
  const std::vector<schedule::LockUse>& locks = state.planner.locks.set(run.admission_locks);
  return {ReasonCode::concurrency_busy, 0,
          locks.empty() ? 1 : state.planner.locks.limit(locks[0].lock)};
}

Explanation explain_hold(const State& state, const Run& run, Reason hold) {
  Explanation out = answer(hold);
  if (waits_for_runs(run)) out.facts = following_facts(run.record, &state);
  return out;
}

Explanation explain_blocked(const State& state, const Run& run, GroupIndex index, Time now) {
  const Group& group = run.groups[index.value];
  const spec::TaskGroup& spec = run.group_spec(index);
  const Reason hold = hold_of(state, run, now);
  if (hold.code != ReasonCode::none && group.unmet == 0) return explain_hold(state, run, hold);
  const Time delayed = delayed_until(run, index);
  if (group.unmet == 0 && delayed != kUnset && delayed > now)
    return answer({ReasonCode::not_before, 0, delayed.time_since_epoch().count()});
  if (group.unmet == 0) {
    Explanation out = answer({ReasonCode::needs_pending, 0, 0});
    out.sentence = "waits for the tasks before this phase to be done";
    return out;
  }
  Explanation out = answer(
      {ReasonCode::needs_pending, static_cast<std::int32_t>(spec.needs.size()), group.unmet});
  for (const spec::Need& need : spec.needs) {
    const Group& other = run.groups[need.group.value];
    if (other.done || out.facts.size() >= kFactsMax) continue;
    out.facts.push_back("needs " + run.group_spec(need.group).id + ": " +
                        std::to_string(other.count - other.open) + " of " +
                        std::to_string(other.count) + " done");
  }
  return out;
}

/// The first dimension of which the node has too little free, and what is asked for of it; cpu
/// where what is staged is first.
schedule::Amount shortage_on(const schedule::Nodes& nodes, schedule::NodeId node,
                             const schedule::Shape& shape) {
  for (const schedule::Amount& wanted : shape)
    if (nodes.free(node, wanted.dimension) < wanted.units) return wanted;
  return shape.empty() ? schedule::Amount{} : shape.front();
}

Reason capacity_reason(const schedule::Nodes& nodes, const schedule::Amount& lacking,
                       Explanation& out) {
  const auto countable = static_cast<std::uint32_t>(Shortage::countable);
  const std::uint32_t shortage = std::min(lacking.dimension + 1, countable);
  if (shortage == countable)
    out.sentence = "waits for " + nodes.dimensions().name(lacking.dimension) + ": it asks for " +
                   std::to_string(lacking.units) + ", and less is free";
  return {ReasonCode::capacity, static_cast<std::int32_t>(shortage), lacking.units};
}

/// Tasks of the same user and queue in the classes before its own; stale entries count too.
std::uint64_t tasks_before(const State& state, schedule::ClassId id) {
  const schedule::Waiting& waiting = state.planner.waiting;
  std::uint64_t ahead = 0;
  for (const schedule::Waiting::Position& position : waiting.order(waiting.key(id).leaf)) {
    if (position.id == id) break;
    ahead += waiting.waiting(position.id);
  }
  return ahead;
}

std::string percent(double share) {
  const auto tenths = static_cast<std::int64_t>(share * 1000 + 0.5);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %";
}

/// What keeps it though there might be room: limits, gates, locks. Nothing: none of them does.
Reason shut_reason(const State& state, schedule::ClassId id, Time now, Explanation& out) {
  const schedule::Planner& planner = state.planner;
  const schedule::ClassKey& key = planner.waiting.key(id);
  if (const std::string* queue = planner.limit_reached(key); queue != nullptr) {
    out.facts.push_back("queue " + *queue + " is at its limit");
    return {ReasonCode::queue_limit, 0, 0};
  }
  const schedule::Shut shut =
      planner.gates.shut(key, planner.waiting.length(id), now, planner.shares);
  const std::string what = planner.gates.describe(shut, key, planner.shares);
  const std::int64_t until = shut.until == kNever ? 0 : shut.until.time_since_epoch().count();
  switch (shut.gate) {
    case schedule::Gate::none: break;
    case schedule::Gate::rate:
      out.facts.push_back("rate limit " + what);
      return {ReasonCode::rate_limited, 0, until};
    case schedule::Gate::window:
      out.facts.push_back("queue " + what);
      return {ReasonCode::window_closed, 0, until};
    case schedule::Gate::running_quota:
      out.facts.push_back("user " + what + " has as much at work as the quota gives");
      return {ReasonCode::quota_reached, 0, 0};
    case schedule::Gate::cpu_quota:
      out.facts.push_back("user " + what +
                          " has used the processor time of the day; some comes "
                          "back at " +
                          format_time(shut.until));
      return {ReasonCode::quota_reached, 0, until};
    case schedule::Gate::circuit:
      out.facts.push_back(
          "circuit " + what + " is open" +
          (until == 0 ? ": one of it is being tried" : " until " + format_time(shut.until)));
      return {ReasonCode::circuit_open, 0, until};
  }
  const schedule::LockUse* busy = planner.locks.first_busy(key.locks);
  if (busy == nullptr) return {};
  const std::string& lock = planner.locks.name(busy->lock);
  const std::int32_t in_use = planner.locks.in_use(busy->lock);
  const std::int32_t limit = planner.locks.limit(busy->lock);
  out.facts.push_back(lock + ": " + std::to_string(in_use) + " of " + std::to_string(limit) +
                      " in use");
  ReasonCode code = ReasonCode::lock_busy;
  if (lock.starts_with("group:")) code = ReasonCode::concurrency_busy;
  if (lock.starts_with("parallel:")) code = ReasonCode::max_parallel;
  return {code, in_use, code == ReasonCode::lock_busy ? busy->units : limit};
}

std::string load_text(const Pool& pool, std::int32_t load) {
  const auto seen = [](std::int32_t permille) { return percent(permille / 1000.0); };
  return "its machine is saturated: others use " + seen(pool.machine.others) +
         " of the processors, all stands still " + seen(pool.machine.memory) +
         " of the time for memory and " + seen(pool.machine.disks) + " for disks; new work has " +
         seen(load) + " of the processors less";
}

/// What keeps all of the class from the pool's node: that it is closed, or closes before it would
/// end. Nothing: it is open to it.
Reason closed_reason(const State& state, const Pool& pool, schedule::ClassId id, Time now,
                     Explanation& out) {
  const schedule::Planner& planner = state.planner;
  const Time at = planner.takes_at(pool.node, id, now);
  if (at <= now) return {};
  const std::int64_t until = at == kNever ? 0 : at.time_since_epoch().count();
  if (!planner.is_tripped(pool.node)) {
    out.facts.push_back("pool " + pool.name);
    return {ReasonCode::window_closed, 0, until};
  }
  out.facts.push_back(
      "node " + pool.name + ", where too many attempts were lost" +
      (until == 0 ? ": one is being tried there" : ", takes one again at " + format_time(at)));
  return {ReasonCode::circuit_open, 0, until};
}

/// To whom the room of a node is promised.
void add_promises(const schedule::Planner& planner, schedule::NodeId node, Explanation& out) {
  Time first = kNever;
  std::size_t count = 0;
  for (const schedule::Reservation& one : planner.reservations()) {
    if (one.node != node || one.at == kNever) continue;
    first = std::min(first, one.at);
    ++count;
  }
  if (count == 1)
    out.facts.push_back("the room is promised to a task before it at " + format_time(first));
  if (count > 1)
    out.facts.push_back("the room is promised to " + std::to_string(count) +
                        " tasks before it, to the first at " + format_time(first));
}

/// Why there is no room, and what would give it some.
Reason no_room_reason(const State& state, schedule::ClassId id, TaskId task, Explanation& out) {
  const schedule::Planner& planner = state.planner;
  const schedule::DemandId demand = planner.waiting.key(id).demand;
  const schedule::Shape& shape = planner.nodes.shape(demand, 0);
  const Resources& request = planner.nodes.demand(demand).variants.front();
  const Pool& pool = state.pools.front();
  const schedule::Reservation* promise = planner.reservation_of(id, task);
  const bool has_room = planner.nodes.fits(pool.node, shape) && planner.staged(pool.node) == 0;
  if (has_room && !planner.nodes.is_kept(pool.node)) return {};
  if (has_room && promise == nullptr) {
    add_promises(planner, pool.node, out);
    return {ReasonCode::held_for_large, 0, 0};
  }
  const schedule::Amount lacking = shortage_on(planner.nodes, pool.node, shape);
  out.facts.push_back("pool " + pool.name + ": " + format_resources(planner.nodes.used(pool.node)) +
                      " of " + format_resources(planner.nodes.setup(pool.node).capacity) +
                      " in use; it asks for " + format_resources(request));
  if (const std::int32_t load = planner.nodes.load(pool.node); load > 0)
    out.facts.push_back(load_text(pool, load));
  if (promise != nullptr && promise->at != kNever)
    return {ReasonCode::promised, 0, promise->at.time_since_epoch().count()};
  return capacity_reason(planner.nodes, lacking, out);
}

void add_order_facts(const State& state, schedule::ClassId id, std::uint64_t before, Time now,
                     Explanation& out) {
  const schedule::Planner& planner = state.planner;
  const schedule::ClassKey& key = planner.waiting.key(id);
  const std::uint64_t alike = planner.waiting.waiting(id);
  out.facts.push_back(std::to_string(alike) + " like it are queued; " + std::to_string(before) +
                      " others are before them in order");
  const schedule::HeadStart start = head_start(planner.waiting.weights(), key, now);
  std::string terms;
  const auto add = [&](const char* term, Duration worth) {
    if (worth == Duration{0}) return;
    terms += (terms.empty() ? "" : ", ") + std::string(term) + " " +
             (worth < Duration{0} ? "-" : "") +
             format_duration(worth < Duration{0} ? -worth : worth);
  };
  add("priority", start.priority);
  add("deadline", start.deadline);
  add("length", start.length);
  if (!terms.empty()) out.facts.push_back("head start in its queue: " + terms);
  if (planner.shares.leaves() > 1)
    out.facts.push_back("its user has " + percent(planner.shares.share_now(key.leaf)) +
                        " of what there is, in queue " + planner.shares.queue_of(key.leaf));
}

std::string sentence_of(const State& state, schedule::ClassId id,
                        const schedule::WouldStart& what) {
  const schedule::Planner& planner = state.planner;
  const schedule::ClassKey& key = planner.waiting.key(id);
  switch (what.change) {
    case schedule::Change::later: return "at " + format_time(what.at) + ", if nothing else changes";
    case schedule::Change::room: {
      Resources more;
      const Resources& asked = planner.nodes.demand(key.demand).variants.front();
      for (std::int64_t i = 0; i < what.amount; ++i) more.add(asked);
      return "if pool " + state.pools.front().name + " had " + format_resources(more) + " more";
    }
    case schedule::Change::queue_limit:
      return "if queue " + planner.shares.queue_of(key.leaf) + " had no limit";
    case schedule::Change::lock: {
      const schedule::LockUse* const busy = planner.locks.first_busy(key.locks);
      return "if " + planner.locks.name(busy->lock) + " allowed " + std::to_string(what.amount);
    }
    case schedule::Change::priority:
      return "if it were handed in now with priority " + std::to_string(key.priority + what.amount);
  }
  return {};
}

Explanation explain_unplaceable(const State& state, const Pool& pool, schedule::DemandId demand) {
  const schedule::Nodes& nodes = state.planner.nodes;
  Explanation out = answer({ReasonCode::unplaceable, 0, 0});
  if (nodes.could_ever_fit(demand))
    out.facts.push_back("it asks for more than the cap of its queue");
  out.facts.push_back("it asks for " + format_resources(nodes.demand(demand).variants.front()) +
                      "; pool " + pool.name + " has " +
                      format_resources(nodes.setup(pool.node).capacity));
  return out;
}

Explanation explain_queued(const State& state, const Run& run, std::uint32_t index, Time now) {
  const Task& task = run.tasks[index];
  const Group& group = run.groups[task.group.value];
  if (const Reason hold = hold_of(state, run, now); hold.code != ReasonCode::none)
    return explain_hold(state, run, hold);
  if (task.reason.code == ReasonCode::shared_waits) {
    Explanation out = answer(task.reason);
    const TaskId leader{RunId{static_cast<std::uint32_t>(task.reason.a)},
                        static_cast<std::uint32_t>(task.reason.b)};
    const Run* const other = state.find_run(leader.run);
    if (other != nullptr && leader.index < other->tasks.size())
      out.facts.push_back("that is " + std::to_string(leader.run.value) + "/" +
                          task_label(*other, leader.index) + ", which is " +
                          std::string(name(other->tasks[leader.index].state)) +
                          "; if it fails, this one is executed itself");
    return out;
  }
  const Pool& pool = state.pools.front();
  const schedule::ClassId id = group.ready_class;
  const schedule::ClassKey& key = state.planner.waiting.key(id);
  if (!state.planner.could_ever_run(key)) return explain_unplaceable(state, pool, key.demand);
  if (pool.cordoned) {
    Explanation out = answer({ReasonCode::node_drained, 0, 0});
    out.facts.push_back("the cluster file says that pool " + pool.name +
                        " is `cordoned`: take that out, and its engine starts work again");
    return out;
  }
  if (pool.drain.drained) {
    Explanation out = answer({ReasonCode::node_drained, 0, 0});
    out.facts.push_back("node " + pool.name + " was drained by " + pool.drain.by + " at " +
                        format_time(pool.drain.since) +
                        (pool.drain.why.empty() ? "" : ": " + pool.drain.why));
    out.facts.push_back("`reeve node resume " + pool.name + "` lets it work again");
    return out;
  }
  if (!pool.up) return answer({ReasonCode::executor_down, 0, 0});
  if (const Time until = filling_until(state, run, index); until > now) {
    Explanation out = answer({ReasonCode::batch_filling, 0, until.time_since_epoch().count()});
    out.facts.push_back(
        std::to_string(state.planner.waiting.waiting(id)) + " of its kind are queued; with " +
        std::to_string(run.workflow().policy_of(run.group_spec(task.group)).batch.max) +
        " they would start now, as far as there is room");
    return out;
  }
  Explanation facts;
  const std::uint64_t before = tasks_before(state, id);
  Reason reason = shut_reason(state, id, now, facts);
  if (reason.code == ReasonCode::none) reason = closed_reason(state, pool, id, now, facts);
  if (reason.code == ReasonCode::none)
    reason = no_room_reason(state, id, {run.record.id, index}, facts);
  if (reason.code == ReasonCode::none) {
    const bool alone = before > 0 || state.planner.shares.leaves() < 2;
    reason = {alone ? ReasonCode::behind : ReasonCode::others_turn, 0,
              static_cast<std::int64_t>(before)};
  }
  Explanation out = answer(reason);
  if (!facts.sentence.empty()) out.sentence = std::move(facts.sentence);
  out.facts = std::move(facts.facts);
  add_order_facts(state, id, before, now, out);
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

/// Of a task that was handed over and does not run yet.
Reason reason_to_start(const State& state, const Task& task) {
  const auto live = state.live.find(task.token);
  const std::size_t before =
      live == state.live.end() ? 0 : before_in_batch(state, task.token, live->second);
  if (before > 0) return {ReasonCode::in_batch, 0, static_cast<std::int64_t>(before)};
  const bool is_staged = (task.flags & kTaskStaged) != 0 && task.reason.code == ReasonCode::staged;
  return is_staged ? task.reason : Reason{ReasonCode::launching, 0, 0};
}

void add_budget_facts(const State& state, const Run& run, std::uint32_t index, Time now,
                      Explanation& out) {
  const std::string& queue = queue_of(state, run, index);
  const std::int64_t left = state.planner.retries.left(queue, now);
  out.facts.push_back("queue " + queue + " has " +
                      (left < 0 ? "given out " + std::to_string(-left) + " retries that are to come"
                                : std::to_string(left) + " retries saved up") +
                      "; more come in with what succeeds, and some by themselves (retry_budget)");
}

/// With which others it is in a batch.
void add_batch_facts(const State& state, const LiveAttempt& live, Explanation& out) {
  constexpr std::size_t kNamesMax = 5;
  if (live.batch == Token{}) return;
  const std::vector<Token>& open = state.batches.at(live.batch).open;
  std::string names;
  for (std::size_t i = 0; i < std::min(open.size(), kNamesMax); ++i) {
    const TaskId id = state.live.at(open[i]).task;
    names += (i == 0 ? "" : ", ") + std::to_string(id.run.value) + "/" +
             task_label(*state.find_run(id.run), id.index);
  }
  if (open.size() > kNamesMax) names += " and " + std::to_string(open.size() - kNamesMax) + " more";
  out.facts.push_back("of its batch have not ended: " + names);
}

}  // namespace

Explanation explain_task(const State& state, TaskId id, Time now) {
  const Run* run = state.find_run(id.run);
  if (run == nullptr || id.index >= run->tasks.size()) return {{}, "it is not in memory", {}};
  const Task& task = run->tasks[id.index];
  Explanation out;
  switch (task.state) {
    case TaskState::blocked: return explain_blocked(state, *run, task.group, now);
    case TaskState::queued: return explain_queued(state, *run, id.index, now);
    case TaskState::starting: out = answer(reason_to_start(state, task)); break;
    case TaskState::running:
      out = answer(is_held_open(task) ? task.reason : Reason{ReasonCode::is_running, 0, 0});
      break;
    case TaskState::validating: out = answer({ReasonCode::checking, 0, 0}); break;
    default: out = answer(task.reason); break;
  }
  if (task.state == TaskState::retry_wait && task.wake_at > now)
    out.facts.push_back("next try in " + format_duration(task.wake_at - now));
  if (task.state == TaskState::retry_wait && task.reason.code == ReasonCode::retry_budget)
    add_budget_facts(state, *run, id.index, now, out);
  if (task.reason.code == ReasonCode::held_open && is_held_open(task)) {
    const std::string name = std::to_string(id.run.value) + "/" + task_label(*run, id.index);
    out.facts.push_back("`reeve exec " + name + "` enters its sandbox; `reeve resume " + name +
                        "` lets it go");
  }
  if (is_live(task.state)) {
    const auto live = state.live.find(task.token);
    if (live != state.live.end()) {
      out.facts.push_back(describe(live->second.placed));
      if (const std::string terms = describe(live->second.score); !terms.empty())
        out.facts.push_back("what decided: " + terms);
      add_batch_facts(state, live->second, out);
    }
  }
  if (task.state == TaskState::running) add_hedge_facts(*run, id.index, now, out);
  add_result_facts(*run, id.index, out);
  return out;
}

std::vector<std::string> what_would_start(const State& state, TaskId id, Time now) {
  const auto waits = [&](TaskId task) {
    const Run* const run = state.find_run(task.run);
    return run != nullptr && task.index < run->tasks.size() &&
           run->tasks[task.index].state == TaskState::queued &&
           hold_of(state, *run, now).code == ReasonCode::none;
  };
  if (!waits(id) || !state.pools.front().up) return {};
  const Run& run = *state.find_run(id.run);
  const schedule::ClassId ready = run.groups[run.tasks[id.index].group.value].ready_class;
  std::vector<std::string> out;
  for (const schedule::WouldStart& what : schedule::would_start(
           state.planner, ready, id, now, [&](TaskId other) { return !waits(other); }))
    out.push_back("it would start " + sentence_of(state, ready, what));
  return out;
}

Explanation explain_run(const State& state, RunId id, Time now) {
  const Run* run = state.find_run(id);
  if (run == nullptr) return {{}, "it is not in memory", {}};
  if (is_final(run->record.state)) return answer(run->record.reason);
  if (const Reason hold = hold_of(state, *run, now); hold.code != ReasonCode::none)
    return explain_hold(state, *run, hold);
  Explanation out = answer({ReasonCode::is_running, 0, 0});
  // Nothing of it has begun: it waits for what the first of its tasks waits for.
  bool waits = run->record.state == RunState::queued;
  for (const Group& group : run->groups) {
    if (group.done || group.open == 0 || out.facts.size() >= kFactsMax) continue;
    std::uint32_t index = group.first;
    while (is_final(run->tasks[index].state)) ++index;
    const Explanation first = explain_task(state, {id, index}, now);
    if (waits) {
      out.reason = first.reason;
      out.sentence = first.sentence;
      waits = false;
    }
    out.facts.push_back(task_label(*run, index) + " " + std::string(name(run->tasks[index].state)) +
                        ": " + first.sentence);
  }
  return out;
}

}  // namespace reeve::core
