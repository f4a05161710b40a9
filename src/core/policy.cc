// Queues, shares and limits: a new policy puts what waits in order anew; what is beyond a limit is
// refused when it is handed in.
#include <algorithm>

#include "core/step.h"

namespace reeve::core {
namespace {

/// Whether nothing of what is asked for could start in the queue, since it is more than its cap.
bool is_beyond(const Resources& cap, const spec::Policy& policy) {
  const auto is_more = [&](std::int64_t asked, std::int64_t most) {
    return most > 0 && asked > most / policy.nodes;
  };
  const auto beyond = [&](const Resources& asked) {
    return is_more(asked.cpu_millicores, cap.cpu_millicores) ||
           is_more(asked.memory_bytes, cap.memory_bytes) ||
           is_more(asked.disk_bytes, cap.disk_bytes) || is_more(asked.gpu_milli, cap.gpu_milli) ||
           std::ranges::any_of(asked.countables, [&](const Countable& wanted) {
             const auto most = std::ranges::find(cap.countables, wanted.name, &Countable::name);
             return most != cap.countables.end() && is_more(wanted.amount, most->amount);
           });
  };
  return beyond(policy.resources) && std::ranges::all_of(policy.alternatives, beyond);
}

/// What waits for more than its queue may ever have at once would wait for ever.
Status check_caps(const SchedulingPolicy& scheduling, const spec::Workflow& workflow) {
  for (const spec::TaskGroup& group : workflow.groups) {
    if (std::holds_alternative<spec::Approval>(group.action)) continue;
    const spec::Policy& policy = workflow.policy_of(group);
    for (const QueueSetup& queue : scheduling.queues) {
      const bool is_in = policy.queue == queue.name || policy.queue.starts_with(queue.name + "/");
      if (!is_in || !is_beyond(queue.cap, policy)) continue;
      return fail(ErrorCode::unplaceable,
                  group.id + " asks for " + format_resources(policy.resources) +
                      (policy.nodes > 1 ? ", on " + std::to_string(policy.nodes) + " nodes" : "") +
                      ", and queue " + queue.name + " may have " + format_resources(queue.cap) +
                      " at once: ask for less, choose another queue, or raise its cap in the "
                      "cluster file");
    }
  }
  return {};
}

std::string limit_text(const std::string& whose, std::int64_t limit) {
  return whose + " may have " + std::to_string(limit) +
         " tasks waiting, and has: hand it in when some have started";
}

}  // namespace

void on_policy_set(Step& step, const PolicySet& event) {
  schedule::Planner& planner = step.state.planner;
  for (Pool& pool : step.state.pools) {
    const auto setup = std::ranges::find(event.nodes, pool.name, &NodeSetup::name);
    if (setup != event.nodes.end()) planner.describe_node(pool.node, *setup);
    pool.cordoned = setup != event.nodes.end() && setup->cordoned;
    planner.set_open(pool.node, pool.is_open());
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
  TRY(check_caps(planner.policy(), run.workflow()));
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
