// `reeve exec`: asks the engine to let us into the sandbox of a running attempt, and goes there.
#include <fmt/format.h>

#include "cli/archive.h"
#include "cli/engine_access.h"
#include "cli/run_cells.h"
#include "cli/visit.h"
#include "core/launch.h"

namespace reeve::cli {
namespace {

constexpr std::size_t kNamedMax = 10;

/// Tasks of the run, or of one of its groups, that run.
std::vector<std::uint32_t> running_tasks(const core::Run& run, std::optional<GroupIndex> group) {
  std::vector<std::uint32_t> found;
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
    const core::Task& task = run.tasks[i];
    if (group && task.group != *group) continue;
    if (core::is_live(task.state)) found.push_back(i);
  }
  return found;
}

Failure too_many(const core::Run& run, const std::vector<std::uint32_t>& running) {
  std::string names;
  for (std::size_t i = 0; i < running.size() && i < kNamedMax; ++i)
    names += fmt::format("{}{}/{}", i == 0 ? "" : ", ", run.record.id.value,
                         core::task_label(run, running[i]));
  if (running.size() > kNamedMax) names += ", ...";
  return {kExitConflict, fmt::format("{} tasks run: name one of them", running.size()), names};
}

Failure has_ended(const core::Run& run) {
  const std::uint32_t number = run.record.id.value;
  return {kExitConflict, fmt::format("run {} has ended: it is {}", number, name(run.record.state)),
          fmt::format("`reeve retry {} --debug` tries what failed again, and keeps its sandbox "
                      "open if it fails",
                      number)};
}

Checked<std::uint32_t> choose_task(const core::Run& run, const std::string& task) {
  std::optional<GroupIndex> group;
  if (!task.empty()) {
    TRY_ASSIGN(const TaskChoice choice, find_task(run, task));
    if (choice.index && !core::is_final(run.record.state)) return *choice.index;
    group = choice.group;
  }
  if (core::is_final(run.record.state)) return tl::unexpected(has_ended(run));
  const std::vector<std::uint32_t> running = running_tasks(run, group);
  if (running.size() == 1) return running.front();
  if (!running.empty()) return tl::unexpected(too_many(run, running));
  return tl::unexpected(
      Failure(kExitConflict,
              fmt::format("nothing of {} runs",
                          task.empty() ? fmt::format("run {}", run.record.id.value) : task)));
}

}  // namespace

Ended command_exec(const Session& session) {
  TRY_ASSIGN(const auto attempt, session.arguments.number("attempt", 1, 65'535));
  TRY_ASSIGN(Archive archive, Archive::open(session));
  if (archive.service != nullptr) return only_here(session);
  TRY_ASSIGN(const Target target, find_target(archive, session.arguments.words.front()));
  JsonObject params{{"run", target.run.value}, {"by", user_name()}};
  {
    TRY_ASSIGN(const LoadedRun loaded, archive.load(target.run));
    TRY_ASSIGN(const std::uint32_t task, choose_task(loaded.run(), target.task));
    params["task"] = task;
  }
  if (attempt) params["attempt"] = *attempt;
  boost::json::array command;
  for (const std::string& word : session.arguments.trailing) command.emplace_back(word);
  if (command.empty()) command.emplace_back("sh");
  params["command"] = std::move(command);
  TRY_ASSIGN(auto engine, reach_engine(archive.layout));
  if (!engine)
    return tl::unexpected(
        Failure(info(ErrorCode::unavailable).exit_status,
                "no engine is at work here, and it is the engine that lets people in",
                fmt::format("`reeve resume {}` starts one", target.run.value)));
  TRY_ASSIGN(const JsonObject answer, engine->call("exec", std::move(params)));
  TRY_ASSIGN(const Uuid ticket, parse_uuid("visit", text_of(answer, "ticket")));
  return visit(session, archive.layout, ticket);
}

}  // namespace reeve::cli
