// Queues, shares and limits: a new policy puts what waits in order anew; what is beyond a limit is
// refused when it is handed in.
#include <algorithm>

#include "core/step.h"

namespace reeve::core {
namespace {

std::string limit_text(const std::string& whose, std::int64_t limit) {
  return whose + " may have " + std::to_string(limit) +
         " tasks waiting, and has: hand it in when some have started";
}

}  // namespace

void on_policy_set(Step& step, const PolicySet& event) {
  schedule::Planner& planner = step.state.planner;
  for (const Pool& pool : step.state.pools) {
    const auto setup = std::ranges::find(event.nodes, pool.name, &NodeSetup::name);
    if (setup != event.nodes.end()) planner.describe_node(pool.node, *setup);
  }
  planner.configure(event.policy);
  for (std::uint32_t pool = 0; pool < step.state.pools.size(); ++pool)
    heed_load(step.state, PoolId{pool});
  step.state.last_class = {};
  for (auto& run : step.state.runs) {
    if (!run || is_final(run->record.state)) continue;
    for (std::uint32_t g = 0; g < run->groups.size(); ++g) {
      // Evaluated once already, from the same data: an error would have shown then.
      if (run->groups[g].released && !run->groups[g].done)
        (void)classify_group(step.state, *run, GroupIndex{g});
    }
  }
  requeue_all(step);
}

Status check_quota(const State& state, const Run& run, Time now) {
  const schedule::Planner& planner = state.planner;
  const std::string& user = run.record.origin->submitter;
  const std::string& queue = run.workflow().policies.front().queue;
  const std::int64_t most = planner.gates.queued_max(queue, user);
  if (most >= 0 && static_cast<std::int64_t>(planner.waiting_of(queue, user)) >= most)
    return fail(ErrorCode::exhausted, limit_text("user " + user, most));
  for (const QueueSetup& setup : planner.policy().queues) {
    const bool is_above = queue == setup.name || queue.starts_with(setup.name + "/");
    if (!is_above || setup.queued_max < 0) continue;
    if (static_cast<std::int64_t>(planner.waiting_of(setup.name, "")) >= setup.queued_max)
      return fail(ErrorCode::exhausted, limit_text("queue " + setup.name, setup.queued_max));
  }
  for (const spec::Policy& policy : run.workflow().policies) {
    if (policy.rate_limit.empty() || planner.gates.rate(policy.rate_limit) != schedule::RateId{})
      continue;
    return fail(ErrorCode::invalid_argument,
                "the workflow names the rate limit " + policy.rate_limit +
                    ", which the cluster file of this engine does not have: add it to "
                    "scheduling.rate_limits, or take it out of the workflow");
  }
  if (planner.gates.is_refused(queue, user, now))
    return fail(ErrorCode::exhausted,
                "user " + user +
                    " has used the processor time that the quota of a day gives: "
                    "hand it in later");
  return {};
}

}  // namespace reeve::core
