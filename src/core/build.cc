// A run from its workflow: groups, tasks, expansions.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/ensure.h"
#include "core/step.h"

namespace reeve::core {

std::string items_text(const std::vector<spec::Json>& items) {
  return boost::json::serialize(boost::json::array(items.begin(), items.end()));
}

Status build_run(Run& run) {
  const spec::Workflow& workflow = run.workflow();
  std::uint64_t total = 0;
  for (const spec::TaskGroup& group : workflow.groups) total += group.static_count().value_or(0);
  if (total > spec::kTasksPerRunMax) {
    return fail(ErrorCode::invalid_argument,
                "the workflow has " + std::to_string(total) + " tasks; at most " +
                    std::to_string(spec::kTasksPerRunMax) + " are allowed in one run");
  }
  run.groups.resize(workflow.groups.size());
  run.tasks.resize(total);
  std::uint32_t next = 0;
  for (std::uint32_t g = 0; g < workflow.groups.size(); ++g) {
    Group& group = run.groups[g];
    group.unmet = static_cast<std::uint32_t>(workflow.groups[g].needs.size());
    ++run.open_groups[static_cast<std::size_t>(workflow.groups[g].phase)];
    const auto count = workflow.groups[g].static_count();
    if (!count) continue;
    group.expanded = true;
    group.first = next;
    group.count = *count;
    group.open = *count;
    for (std::uint32_t i = 0; i < *count; ++i) run.tasks[next + i].group = GroupIndex{g};
    next += *count;
  }
  return {};
}

void expand_group(Run& run, GroupIndex index, std::vector<spec::Json> items) {
  Group& group = run.groups[index.value];
  ENSURE(!group.expanded);
  group.expanded = true;
  group.first = static_cast<std::uint32_t>(run.tasks.size());
  group.count = static_cast<std::uint32_t>(items.size());
  group.open = group.count;
  run.tasks.resize(run.tasks.size() + items.size());
  for (std::uint32_t i = 0; i < group.count; ++i) run.tasks[group.first + i].group = index;
  run.set_expansion(index, boost::json::array(items.begin(), items.end()));
}

}  // namespace reeve::core
