// State::check_invariants: proves what core/state.h promises, from scratch, with other code than
// that which keeps it. Called by simulation and tests after every step.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/ensure.h"
#include "core/state.h"
#include "core/step.h"

namespace reeve::core {
namespace {

void check_group(const Run& run, std::uint32_t index) {
  const Group& group = run.groups[index];
  const spec::TaskGroup& spec = run.group_spec(GroupIndex{index});
  if (!group.expanded) {
    ENSURE(!group.released && !group.done);
    return;
  }
  ENSURE(group.first + group.count <= run.tasks.size());
  std::uint32_t open = 0;
  std::uint32_t failed = 0;
  std::uint32_t cancelled = 0;
  std::uint32_t skipped = 0;
  for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
    const Task& task = run.tasks[i];
    ENSURE(task.group.value == index);
    const bool bad = task.state == TaskState::failed || task.state == TaskState::timed_out;
    open += is_final(task.state) ? 0 : 1;
    failed += bad && (task.flags & kTaskForgiven) == 0 ? 1 : 0;
    cancelled += task.state == TaskState::cancelled || task.state == TaskState::aborted ? 1 : 0;
    skipped += task.state == TaskState::skipped ? 1 : 0;
    if (!group.released) ENSURE(task.state == TaskState::blocked || is_final(task.state));
    if (group.released) ENSURE(task.state != TaskState::blocked);
  }
  ENSURE(open == group.open && failed == group.failed);
  ENSURE(cancelled == group.cancelled && skipped == group.skipped);
  ENSURE(group.done == (open == 0));
  std::uint32_t unmet = 0;
  for (const spec::Need& need : spec.needs) unmet += run.groups[need.group.value].done ? 0 : 1;
  ENSURE(unmet == group.unmet);
}

void check_run(const Run& run) {
  std::uint32_t open_groups[3] = {0, 0, 0};
  bool all_done = true;
  for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
    check_group(run, g);
    if (run.groups[g].done) continue;
    all_done = false;
    ++open_groups[static_cast<std::size_t>(run.group_spec(GroupIndex{g}).phase)];
  }
  for (std::size_t phase = 0; phase < 3; ++phase)
    ENSURE(open_groups[phase] == run.open_groups[phase]);
  ENSURE(is_final(run.record.state) == all_done);
}

/// Who waits for whom, and for its concurrency group.
void check_waiting(const State& state) {
  std::set<std::pair<RunId, RunId>> followers;
  state.each_run([&](const Run& run) {
    bool waits = false;
    for (std::size_t i = 0; run.record.after && i < run.record.after->size(); ++i) {
      const RunAfter& after = (*run.record.after)[i];
      if (!after.is_open) continue;
      waits = true;
      const Run* const other = state.find_run(after.run);
      ENSURE(after.run < run.record.id && other != nullptr && !is_final(other->record.state));
      followers.emplace(after.run, run.record.id);
    }
    const bool in_line = state.waiting_admission.contains(run.record.id);
    if (waits) ENSURE(!is_final(run.record.state) && !run.admitted && !in_line);
    if (in_line) ENSURE(!is_final(run.record.state) && !run.admitted);
  });
  ENSURE(followers == state.followers);
}

struct Held {
  std::map<Token, std::vector<Token>> batches;
  Resources used;
  std::vector<std::int32_t> units;
  std::size_t holders = 0;
};

void hold_set(const State& state, Held& held, schedule::LockSetId set) {
  for (const schedule::LockUse& use : state.planner.locks.set(set))
    held.units[use.lock.value] += use.units;
}

struct Hedges {
  std::size_t companions = 0;   // tasks that have one
  std::size_t second_live = 0;  // … that lives
  std::size_t hedgeable = 0;
};

void check_hedging(const State& state, const Run& run, std::uint32_t index, Hedges& counted) {
  const Task& task = run.tasks[index];
  if (may_hedge(run, index)) {
    ++counted.hedgeable;
    const auto found = state.hedgeable.find({run.record.id, task.group});
    ENSURE(found != state.hedgeable.end() && found->second.contains({task.started_at, index}));
  }
  const Companion* const companion = companion_of(run, index);
  if (companion == nullptr) return;
  const TaskExtra& extra = *run.extra(index);
  const spec::Policy& policy = run.workflow().policy_of(run.group_spec(task.group));
  ENSURE(task.state == TaskState::running && companion->token != task.token);
  ENSURE(policy.idempotent && extra.hedging.hedges <= policy.hedge.max);
  ENSURE(extra.hedging.attempts >= companion->attempt && companion->attempt != task.attempt);
  ++counted.companions;
  const auto found = state.live.find(companion->token);
  ENSURE((found == state.live.end()) == companion->won);
  if (companion->won) return;
  ++counted.second_live;
  const bool same = found->second.task == TaskId{run.record.id, index};
  ENSURE(same && state.holds_capacity(found->second));
}

/// Whether it stands for the place that it has: of a batch the first that has not ended does.
bool is_first_of_place(const State& state, const LiveAttempt& live, Token token, Held& held) {
  if (live.batch == Token{}) return true;
  const Batch& batch = state.batches.at(live.batch);
  ENSURE(live.holder == batch.holder);
  held.batches[live.batch].push_back(token);
  return batch.open.front() == token;
}

void check_flights(const State& state) {
  ENSURE(state.flights.size() == state.flying.size());
  for (const auto& [id, digest] : state.flying) {
    const bool is_leader = state.flights.at(digest).leader == id;
    ENSURE(is_leader);
    const Task* const task = state.find_task(id);
    ENSURE(task != nullptr && (is_live(task->state) || task->state == TaskState::validating));
  }
}

void check_batches(const State& state, Held& held) {
  ENSURE(held.batches.size() == state.batches.size());
  for (auto& [first, tokens] : held.batches) {
    std::ranges::sort(tokens);
    ENSURE(tokens == state.batches.at(first).open);
  }
}

void check_live(const State& state, Held& held) {
  std::size_t live_tasks = 0;
  Hedges counted;
  state.each_run([&](const Run& run) {
    if (run.admitted) hold_set(state, held, run.admission_locks);
    for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
      const Task& task = run.tasks[i];
      if (!is_live(task.state) && task.state != TaskState::validating) continue;
      ++live_tasks;
      check_hedging(state, run, i, counted);
      const auto found = state.live.find(task.token);
      ENSURE(found != state.live.end());
      const bool same = found->second.task == TaskId{run.record.id, i};
      ENSURE(same);
      if (task.state == TaskState::validating) continue;
      const schedule::ClassId owner = run.groups[task.group.value].ready_class;
      const schedule::ClassKey& key = state.planner.waiting.key(owner);
      const bool is_first = is_first_of_place(state, found->second, task.token, held);
      if (is_first) hold_set(state, held, key.locks);
      ENSURE(state.holds_capacity(found->second) == ((task.flags & kTaskStaged) == 0));
      const schedule::Holder& holder = state.planner.holder(found->second.holder);
      // A new policy may have given the group another class meanwhile, with the same locks.
      const bool own = (holder.token == task.token || !is_first) &&
                       state.planner.waiting.key(holder.owner).locks == key.locks;
      ENSURE(own);
      if (!is_first) continue;
      ++held.holders;
      if (!holder.staged)
        held.used.add(state.planner.nodes.demand(key.demand).variants[holder.variant]);
      const Companion* const companion = companion_of(run, i);
      if (companion == nullptr || companion->won) continue;
      hold_set(state, held, key.locks);
      const LiveAttempt& second = state.live.at(companion->token);
      ++held.holders;
      held.used.add(state.planner.nodes.demand(key.demand)
                        .variants[state.planner.holder(second.holder).variant]);
    }
  });
  check_batches(state, held);
  check_flights(state);
  ENSURE(live_tasks + counted.second_live == state.live.size());
  ENSURE(counted.companions == state.hedges);
  std::size_t hedgeable = 0;
  for (const auto& [key, tasks] : state.hedgeable) hedgeable += tasks.size();
  ENSURE(counted.hedgeable == hedgeable);
}

}  // namespace

void State::check_invariants() const {
  std::size_t count = 0;
  each_run([&](const Run& run) {
    ++count;
    ENSURE(run.record.id.value < next_run);
    for (const Group& group : run.groups)
      ENSURE(group.ready_class == schedule::ClassId{} || planner.waiting.knows(group.ready_class));
    check_run(run);
  });
  ENSURE(count == run_count_in_memory);
  check_waiting(*this);
  Held held;
  held.units.resize(planner.locks.size());
  check_live(*this, held);
  ENSURE(pools.empty() || held.used == planner.nodes.used(pools.front().node));
  ENSURE(held.holders == planner.held());
  for (std::uint32_t lock = 0; lock < planner.locks.size(); ++lock)
    ENSURE(held.units[lock] == planner.locks.in_use(schedule::LockId{lock}));
  estimates.check_invariants();
}

}  // namespace reeve::core
