#include "core/state.h"

#include <algorithm>

#include "base/ensure.h"
#include "core/recover.h"

namespace reeve::core {

const TaskExtra* Run::extra(std::uint32_t index) const {
  if (!extras) return nullptr;
  const auto found = extras->tasks.find(index);
  return found == extras->tasks.end() ? nullptr : &found->second;
}

TaskExtra& Run::make_extra(std::uint32_t index) {
  if (!extras) extras = std::make_unique<RunExtra>();
  return extras->tasks[index];
}

const spec::Json* Run::expansion(GroupIndex group) const {
  if (!extras) return nullptr;
  const auto found = extras->expansions.find(group.value);
  return found == extras->expansions.end() ? nullptr : &found->second;
}

void Run::set_expansion(GroupIndex group, spec::Json items) {
  if (!extras) extras = std::make_unique<RunExtra>();
  extras->expansions.insert_or_assign(group.value, std::move(items));
}

RunRecord copy_of(const RunRecord& record) {
  RunRecord copy;
  copy.id = record.id;
  copy.state = record.state;
  copy.paused = record.paused;
  copy.cancel_requested = record.cancel_requested;
  copy.interrupted = record.interrupted;
  copy.priority = record.priority;
  copy.round = record.round;
  copy.uuid = record.uuid;
  copy.submitted_at = record.submitted_at;
  copy.started_at = record.started_at;
  copy.ended_at = record.ended_at;
  copy.reason = record.reason;
  copy.workflow = record.workflow;
  copy.origin = record.origin;
  copy.inputs = record.inputs;
  if (record.texts) copy.texts = std::make_unique<RunTexts>(*record.texts);
  copy.after = copy_of(record.after);
  return copy;
}

State::State(const std::vector<PoolSetup>& setups) {
  for (const PoolSetup& setup : setups) {
    const schedule::NodeId node = planner.add_node(
        {.name = setup.name, .pool = setup.name, .capacity = setup.capacity, .labels = {}});
    planner.set_open(node, false);  // until its executor says that it is there
    pools.push_back({setup.name, node, false});
  }
}

const Resources& State::capacity_of(PoolId pool) const {
  return planner.nodes.setup(pools[pool.value].node).capacity;
}

PoolId State::pool_on(schedule::NodeId node) const {
  const auto found = std::ranges::find(pools, node, &Pool::node);
  ENSURE(found != pools.end());
  return PoolId{static_cast<std::uint32_t>(found - pools.begin())};
}

bool State::holds_capacity(const LiveAttempt& attempt) const {
  return attempt.holder != schedule::kNoHolder && !planner.holder(attempt.holder).staged;
}

const Run* State::find_run(RunId id) const {
  if (id.value < first_run || id.value - first_run >= runs.size()) return nullptr;
  return runs[id.value - first_run].get();
}

Run* State::find_run(RunId id) {
  if (id.value < first_run || id.value - first_run >= runs.size()) return nullptr;
  return runs[id.value - first_run].get();
}

const Task* State::find_task(TaskId id) const {
  const Run* run = find_run(id.run);
  return run != nullptr && id.index < run->tasks.size() ? &run->tasks[id.index] : nullptr;
}

Task* State::find_task(TaskId id) {
  Run* run = find_run(id.run);
  return run != nullptr && id.index < run->tasks.size() ? &run->tasks[id.index] : nullptr;
}

std::uint32_t State::element_of(const Run& run, std::uint32_t index) {
  return index - run.groups[run.tasks[index].group.value].first;
}

std::shared_ptr<const RunOrigin> State::intern_origin(std::string directory,
                                                      std::string submitter) {
  RunOrigin origin{std::move(directory), std::move(submitter)};
  std::weak_ptr<const RunOrigin>& known = origins[origin];
  std::shared_ptr<const RunOrigin> shared = known.lock();  // shared: by all runs from there
  if (!shared) {
    shared = std::make_shared<const RunOrigin>(std::move(origin));
    known = shared;
  }
  return shared;
}

Run& State::add_run(std::unique_ptr<Run> run) {
  const std::uint32_t id = run->record.id.value;
  if (runs.empty()) first_run = id;
  // A run that comes back for a retry may be older than all that are in memory.
  if (id < first_run) {
    std::vector<std::unique_ptr<Run>> grown(first_run - id + runs.size());
    std::ranges::move(runs, grown.begin() + (first_run - id));
    runs = std::move(grown);
    first_run = id;
  }
  if (id - first_run >= runs.size()) runs.resize(id - first_run + 1);
  ENSURE(!runs[id - first_run]);
  if (id >= next_run) next_run = id + 1;
  ++run_count_in_memory;
  leading_empty = std::min<std::size_t>(leading_empty, id - first_run);
  runs[id - first_run] = std::move(run);
  return *runs[id - first_run];
}

void State::drop_run(RunId id) {
  ENSURE(find_run(id) != nullptr);
  runs[id.value - first_run].reset();
  --run_count_in_memory;
  if (run_count_in_memory == 0) {
    runs.clear();
    leading_empty = 0;
    return;
  }
  while (!runs[leading_empty]) ++leading_empty;
  // Only when much is empty: erasing from the front moves all that remains.
  if (leading_empty > 1024 && leading_empty > runs.size() / 2) {
    runs.erase(runs.begin(), runs.begin() + static_cast<std::ptrdiff_t>(leading_empty));
    first_run += static_cast<std::uint32_t>(leading_empty);
    leading_empty = 0;
  }
}

}  // namespace reeve::core
