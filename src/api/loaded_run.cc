#include "api/loaded_run.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "base/text.h"
#include "core/launch.h"

namespace reeve::api {
namespace {

tl::unexpected<Error> no_such_task(const core::Run& run, const std::string& name) {
  std::vector<std::string> known;
  for (const spec::TaskGroup& group : run.workflow().groups) known.push_back(group.id);
  const std::string match = closest_match(name.substr(0, name.find('[')), known);
  return fail(ErrorCode::not_found,
              fmt::format("run {} has no task '{}'{}", run.record.id.value, name,
                          match.empty() ? "" : fmt::format("; did you mean {}?", match)));
}

/// "test[3]" → "test" and 3.
std::optional<std::pair<std::string, std::uint32_t>> split_element(const std::string& name) {
  const std::size_t open = name.rfind('[');
  if (open == std::string::npos || !name.ends_with(']')) return std::nullopt;
  std::uint32_t element = 0;
  const char* const begin = name.data() + open + 1;
  const char* const end = name.data() + name.size() - 1;
  const auto [stop, error] = std::from_chars(begin, end, element);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return std::pair{name.substr(0, open), element};
}

}  // namespace

Result<LoadedRun> load_run(engine::History& history, RunId id, bool is_held, Time now) {
  core::StoredRun stored;
  TRY_ASSIGN(engine::RunView view, history.get_run(id));
  stored.record = std::move(view.record);
  TRY_ASSIGN(stored.expansions, history.list_expansions(id));
  engine::TaskFilter all;
  all.limit = std::numeric_limits<std::uint32_t>::max();
  TRY_ASSIGN(stored.tasks, history.list_tasks(id, all));
  auto core = std::make_unique<core::Core>(std::vector<core::PoolSetup>{{.name = "local"}});
  is_held = is_held || stored.record.interrupted;
  const bool is_over = core::is_final(stored.record.state);
  TRY(core->reload(std::move(stored)));
  // As an engine would find it: held unless one is at work on it.
  if (!is_over) {
    const core::EngineStarted started{.all = !is_held};
    TRY(core->apply(started, now));
  }
  return LoadedRun(std::move(core), id);
}

Result<TaskChoice> find_task(const core::Run& run, const std::string& name) {
  if (const auto group = run.workflow().find(name); group) {
    const core::Group& found = run.groups[group->value];
    const bool is_one =
        std::holds_alternative<std::monostate>(run.group_spec(*group).fan_out) && found.count == 1;
    if (is_one) return TaskChoice{*group, found.first};
    return TaskChoice{*group, std::nullopt};
  }
  if (const auto split = split_element(name); split) {
    const auto group = run.workflow().find(split->first);
    if (group) {
      const core::Group& found = run.groups[group->value];
      if (found.expanded && split->second < found.count)
        return TaskChoice{*group, found.first + split->second};
      return fail(ErrorCode::not_found,
                  fmt::format("run {} has no task '{}': {} has {} tasks", run.record.id.value, name,
                              split->first, found.expanded ? found.count : 0));
    }
  }
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
    if (core::task_label(run, i) == name) return TaskChoice{run.tasks[i].group, i};
  }
  return no_such_task(run, name);
}

Result<std::uint32_t> find_one_task(const core::Run& run, const std::string& name) {
  TRY_ASSIGN(const TaskChoice choice, find_task(run, name));
  if (choice.index) return *choice.index;
  const core::Group& group = run.groups[choice.group.value];
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} has {} tasks: name one of them, such as '{}[0]'", name,
                          group.expanded ? group.count : 0, name));
}

}  // namespace reeve::api
