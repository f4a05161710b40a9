#include "cli/archive.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/system_clock.h"
#include "core/launch.h"
#include "store/sqlite/sqlite_history.h"

namespace reeve::cli {
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

Result<Archive> Archive::open(StateLayout layout) {
  auto history = store::sqlite::SqliteHistory::open(layout.database());
  if (!history && history.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, "nothing has been run yet in " + layout.root);
  if (!history) return tl::unexpected(std::move(history).error());
  return Archive{std::move(layout), *std::move(history)};
}

Result<Archive> Archive::open(const Session& session) {
  TRY_ASSIGN(StateLayout layout, session.find_state());
  return open(std::move(layout));
}

Result<LoadedRun> Archive::load(RunId id) {
  core::StoredRun stored;
  TRY_ASSIGN(engine::RunView view, history->get_run(id));
  stored.record = std::move(view.record);
  TRY_ASSIGN(stored.expansions, history->list_expansions(id));
  engine::TaskFilter all;
  all.limit = std::numeric_limits<std::uint32_t>::max();
  TRY_ASSIGN(stored.tasks, history->list_tasks(id, all));
  auto core = std::make_unique<core::Core>(std::vector<core::PoolSetup>{{.name = "local"}});
  const bool is_held = stored.record.interrupted || !engine();
  const bool is_over = core::is_final(stored.record.state);
  TRY(core->reload(std::move(stored)));
  // As an engine would find it: held unless one is at work on it.
  if (!is_over) {
    const core::EngineStarted started{.all = !is_held};
    TRY(core->apply(started, wall_now()));
  }
  return LoadedRun(std::move(core), id);
}

Result<Target> find_target(Archive& archive, const std::string& text) {
  const std::size_t slash = text.find('/');
  TRY_ASSIGN(const RunId run, archive.history->find_run(text.substr(0, slash)));
  return Target{run, slash == std::string::npos ? "" : text.substr(slash + 1)};
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

}  // namespace reeve::cli
