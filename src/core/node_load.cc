// How saturated nodes are, and how fast: what executors report of their machines, and how long
// starts take there. It takes processors away from new work, as far as the policy heeds it.
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

}  // namespace reeve::core
