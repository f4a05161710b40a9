#include "cli/run_times.h"

namespace reeve::cli {
namespace {

constexpr std::uint32_t kRunsMax = 20;
constexpr std::uint32_t kTasksOfRunMax = 10'000;
constexpr std::size_t kSamplesMax = 200;  // of a group: more say no more

void add_tasks(const std::vector<core::StoredTask>& tasks, const spec::Workflow& past,
               const spec::Workflow& workflow, RunTimes& times) {
  bool is_known = false;
  for (const core::StoredTask& stored : tasks) {
    const core::Task& task = stored.task;
    if (task.started_at == kUnset || task.group.value >= past.groups.size()) continue;
    const auto group = workflow.find(past.groups[task.group.value].id);
    if (!group || times.by_group[group->value].size() >= kSamplesMax) continue;
    times.by_group[group->value].push_back(std::max(task.since - task.started_at, Duration{0}));
    is_known = true;
  }
  if (is_known) ++times.runs;
}

}  // namespace

Result<RunTimes> past_run_times(engine::History& history, const spec::Workflow& workflow) {
  RunTimes times;
  times.by_group.resize(workflow.groups.size());
  TRY_ASSIGN(const auto runs, history.list_runs({.name = workflow.name, .limit = kRunsMax}));
  for (const engine::RunView& run : runs) {
    if (run.record.workflow == nullptr || run.record.workflow->name != workflow.name) continue;
    TRY_ASSIGN(const auto tasks,
               history.list_tasks(run.record.id, {.states = {core::TaskState::succeeded},
                                                  .limit = kTasksOfRunMax}));
    add_tasks(tasks, *run.record.workflow, workflow, times);
  }
  return times;
}

}  // namespace reeve::cli
