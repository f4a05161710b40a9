#include "core/placement_demand.h"

#include <algorithm>

namespace reeve::core {

schedule::Demand placement_demand(const spec::Workflow& workflow, const spec::TaskGroup& group,
                                  const spec::Policy& policy) {
  schedule::Demand out{.variants = {policy.resources},
                       .nodes = policy.nodes,
                       .rules = policy.placement,
                       .tags = {},
                       .assets = {}};
  out.variants.insert(out.variants.end(), policy.alternatives.begin(), policy.alternatives.end());
  std::map<std::string, std::string> labels = workflow.labels;
  if (group.detail) {
    for (const auto& [key, value] : group.detail->labels) labels.insert_or_assign(key, value);
  }
  for (const auto& [key, value] : labels) out.tags.push_back(key + "=" + value);
  std::ranges::sort(out.tags);
  if (!policy.sandbox.image.empty()) out.assets.push_back("image:" + policy.sandbox.image);
  return out;
}

}  // namespace reeve::core
