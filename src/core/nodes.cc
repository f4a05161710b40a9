// What nodes can take: what executors report of their machines and how long starts take there takes
// processors away from new work, as far as the policy heeds it; and people take nodes out.
#include <algorithm>

#include "core/step.h"

namespace reeve::core {
namespace {

constexpr std::int64_t kStartsRemembered = 8;

/// Of a thousand, how far `seen` is on the way from the limit to all.
std::int32_t beyond(std::int32_t seen, std::int32_t limit) {
  if (limit < 0 || limit >= 1000 || seen <= limit) return 0;
  return (seen - limit) * 1000 / (1000 - limit);
}

std::int32_t load_of(const Pool& pool, const LoadSetup& heeded) {
  std::int32_t most = std::max({beyond(pool.machine.others, heeded.others),
                                beyond(pool.machine.memory, heeded.memory),
                                beyond(pool.machine.disks, heeded.disks)});
  if (heeded.start > Duration{0} && pool.start_time > heeded.start) {
    // All of it at twice the limit.
    const Duration over = std::min(pool.start_time - heeded.start, heeded.start);
    most = std::max(most, static_cast<std::int32_t>(1000 * over / heeded.start));
  }
  return most * heeded.most / 1000 / kLoadStep * kLoadStep;
}

}  // namespace

void heed_load(State& state, PoolId id) {
  const Pool& pool = state.pools[id.value];
  const std::int32_t load = load_of(pool, state.planner.policy().load);
  if (load != state.planner.nodes.load(pool.node)) state.planner.set_load(pool.node, load);
}

void on_load_observed(Step& step, const LoadObserved& event) {
  if (event.pool.value >= step.state.pools.size()) return;
  step.state.pools[event.pool.value].machine = event.load;
  heed_load(step.state, event.pool);
}

void note_start_time(Step& step, const LiveAttempt& live, Time started_at) {
  // Those of a batch wait for each other, which says nothing of the node.
  if (live.holder == schedule::kNoHolder || live.batch != Token{}) return;
  const schedule::Holder& holder = step.state.planner.holder(live.holder);
  if (holder.staged || holder.since == kUnset || started_at < holder.since) return;
  Pool& pool = step.state.pools[live.pool.value];
  pool.start_time += (started_at - holder.since - pool.start_time) / kStartsRemembered;
  heed_load(step.state, live.pool);
}

namespace {

/// What runs there is queued again.
void drain_off(Step& step, PoolId pool, Duration grace) {
  std::vector<TaskId> tasks;
  for (const auto& [token, live] : step.state.live) {
    if (live.pool == pool && is_live(step.state.find_task(live.task)->state))
      tasks.push_back(live.task);
  }
  for (const TaskId id : tasks) {
    if ((step.state.find_task(id)->flags & kTaskStopAsked) != 0) continue;
    stop_attempt(
        step, *step.state.find_run(id.run), id.index,
        {.flags = kTaskPreempted, .grace = grace, .reason = {ReasonCode::drained_off, 0, 0}});
  }
}

}  // namespace

Result<Applied> on_drain_node(Step& step, const DrainNode& event) {
  const auto pool = std::ranges::find(step.state.pools, event.node, &Pool::name);
  if (pool == step.state.pools.end())
    return fail(ErrorCode::not_found, "there is no node '" + event.node + "'");
  if (!event.drained && !pool->drain.drained)
    return fail(ErrorCode::conflict, "the node is not drained");
  if (event.drained && pool->drain.drained && !event.stop)
    return fail(ErrorCode::conflict, "the node is drained already, by " + pool->drain.by);
  pool->drain = {event.node, event.drained, step.now, event.by, event.why};
  step.state.planner.set_open(pool->node, pool->is_open());
  step.changes.drains.push_back(pool->drain);
  if (event.stop)
    drain_off(step, PoolId{static_cast<std::uint32_t>(pool - step.state.pools.begin())},
              event.grace);
  return Applied{};
}

}  // namespace reeve::core
