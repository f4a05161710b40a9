// `reeve resume` and `reeve retry`.
#include <algorithm>

#include <fmt/format.h>

#include "cli/archive.h"
#include "cli/engine_access.h"
#include "cli/following.h"
#include "cli/run_cells.h"
#include "cli/service_link.h"
#include "core/launch.h"

namespace reeve::cli {
namespace {

/// Unfinished runs, oldest first.
Result<std::vector<engine::RunView>> unfinished_runs(Archive& archive) {
  engine::RunFilter filter;
  filter.states = {core::RunState::queued, core::RunState::running};
  std::vector<engine::RunView> all;
  while (true) {
    TRY_ASSIGN(auto page, archive.history->list_runs(filter));
    const bool is_last = page.size() < filter.limit;
    if (!page.empty()) filter.before = page.back().record.id;
    std::ranges::move(page, std::back_inserter(all));
    if (is_last) break;
  }
  std::ranges::reverse(all);
  return all;
}

struct Resumption {
  core::Pause event;  ///< releases what is paused or held
  Uuid uuid;
  std::shared_ptr<const spec::Workflow> workflow;  // shared: as in RunRecord
  std::string text;                                ///< as it was named
  std::string label;                               ///< of the task, or ""
  bool is_held_open = false;                       ///< a task that `retry --debug` keeps
  bool is_paused = false;  ///< the run, or it is a task: the event is needed without an engine too
};

/// Of the whole run: some task of it is.
bool is_held_open(const core::Run& run, std::uint32_t task) {
  const auto is_held = [](const core::Task& each) {
    return each.state == core::TaskState::running && each.reason.code == ReasonCode::held_open;
  };
  return task == core::kWholeRun ? std::ranges::any_of(run.tasks, is_held)
                                 : is_held(run.tasks[task]);
}

Result<std::vector<Resumption>> find_resumptions(const Session& session, Archive& archive) {
  std::vector<Resumption> found;
  const std::string by = user_name();
  for (const std::string& word : session.arguments.words) {
    TRY_ASSIGN(const Target target, find_target(archive, word));
    TRY_ASSIGN(const LoadedRun loaded, archive.load(target.run));
    const core::RunRecord& record = loaded.run().record;
    if (core::is_final(record.state))
      return fail(ErrorCode::conflict,
                  fmt::format("run {} has ended: it is {}; `reeve retry {} --failed` tries what "
                              "failed again",
                              target.run.value, name(record.state), target.run.value));
    core::Pause event{.run = target.run, .paused = false, .by = by};
    std::string label;
    if (!target.task.empty()) {
      TRY_ASSIGN(event.task, find_one_task(loaded.run(), target.task));
      label = core::task_label(loaded.run(), event.task);
    }
    found.push_back({.event = event,
                     .uuid = record.uuid,
                     .workflow = record.workflow,
                     .text = word,
                     .label = std::move(label),
                     .is_held_open = is_held_open(loaded.run(), event.task),
                     .is_paused = record.paused || !target.task.empty()});
  }
  if (!found.empty()) return found;
  TRY_ASSIGN(const auto unfinished, unfinished_runs(archive));
  for (const engine::RunView& view : unfinished) {
    if (view.record.paused) {
      session.say(fmt::format("run {} is paused and stays so; `reeve resume {}` releases it",
                              view.record.id.value, view.record.id.value));
    } else {
      found.push_back({{.run = view.record.id, .paused = false, .by = by},
                       view.record.uuid,
                       view.record.workflow});
    }
  }
  return found;
}

/// " in process 4711"; at a service, nobody cares which.
std::string where_of(const Archive& archive, const JsonObject& answer) {
  return archive.service != nullptr ? "" : " in process " + text_of(answer, "pid");
}

/// False: no engine is there, or it ended meanwhile, so that all of them are for us.
Result<bool> resume_elsewhere(const Session& session, const Archive& archive,
                              const std::vector<Resumption>& all) {
  for (const Resumption& each : all) {
    JsonObject params{{"run", each.event.run.value}, {"by", each.event.by}};
    if (each.event.task != core::kWholeRun) {
      params["task"] = each.event.task;
      params["label"] = each.label;
    }
    TRY_ASSIGN(const auto answer, archive.ask("resume", params));
    if (!answer) return false;
    if (each.is_held_open) {
      session.say(fmt::format("{}: its sandbox is let go", each.text));
      continue;
    }
    session.say(fmt::format("run {} goes on{}; `reeve watch {}` follows it", each.event.run.value,
                            where_of(archive, *answer), each.event.run.value));
  }
  return true;
}

/// Runs that an engine works on now are not interrupted.
bool is_held(const engine::RunView& view) { return view.record.interrupted || view.record.paused; }

/// Those of all unfinished runs that no engine works on.
Result<std::vector<Resumption>> held_now(Archive& archive, const std::vector<Resumption>& all) {
  if (archive.service == nullptr) {
    TRY_ASSIGN(const auto engine, reach_engine(archive.layout));
    if (!engine) return all;
  }
  std::vector<Resumption> held;
  for (const Resumption& each : all) {
    TRY_ASSIGN(const engine::RunView view, archive.history->get_run(each.event.run));
    if (is_held(view)) held.push_back(each);
  }
  return held;
}

}  // namespace

Ended command_resume(const Session& session) {
  TRY_ASSIGN(const FollowingOptions options, FollowingOptions::from(session));
  TRY_ASSIGN(Archive archive, Archive::open(session));
  TRY_ASSIGN(auto all, find_resumptions(session, archive));
  std::vector<Resumption> held = all;
  if (session.arguments.words.empty()) {
    TRY_ASSIGN(held, held_now(archive, all));
  }
  if (held.empty()) {
    session.say("nothing to resume: no run was interrupted");
    return kExitDone;
  }
  TRY_ASSIGN(const bool is_elsewhere, resume_elsewhere(session, archive, held));
  if (is_elsewhere) return kExitDone;
  Work work;
  for (const Resumption& each : all) {
    TRY(work.permit(*each.workflow, options.sandbox));
    if (std::ranges::find(work.runs, each.uuid) == work.runs.end()) {
      work.runs.push_back(each.uuid);
      work.resume.push_back(each.event.run);
    }
    if (each.is_paused) work.events.emplace_back(each.event);
  }
  const StateLayout layout = archive.layout;
  archive.history.reset();
  return follow_runs(session, layout, options, std::move(work));
}

Ended command_retry(const Session& session) {
  const std::string* const from = session.arguments.find("from");
  TRY_ASSIGN(const auto hold, session.arguments.duration("debug"));
  if (session.arguments.has("failed") && from != nullptr)
    return usage("retry: say either --failed or --from TASK", "see `reeve retry --help`");
  if (hold && (*hold <= Duration{0} || *hold > core::kHoldMax))
    return usage(fmt::format("retry: --debug wants a duration of up to {}",
                             format_duration(core::kHoldMax)));
  const bool failed = from == nullptr;
  if (failed && !session.arguments.has("failed") && !hold)
    return usage("retry: say either --failed or --from TASK", "see `reeve retry --help`");
  TRY_ASSIGN(const FollowingOptions options, FollowingOptions::from(session));
  TRY_ASSIGN(Archive archive, Archive::open(session));
  TRY_ASSIGN(const Target target, find_target(archive, session.arguments.words.front()));
  if (!target.task.empty())
    return usage(fmt::format("retry: name a run and say --from {}", target.task));
  core::Retry retry{.run = target.run, .failed_only = failed, .by = user_name()};
  Work work;
  std::shared_ptr<const spec::Workflow> workflow;  // shared: as in RunRecord
  {
    TRY_ASSIGN(const LoadedRun loaded, archive.load(target.run));
    work.runs.push_back(loaded.run().record.uuid);
    workflow = loaded.run().record.workflow;
    if (from != nullptr) {
      TRY_ASSIGN(const TaskChoice choice, find_task(loaded.run(), *from));
      retry.from = choice.group;
    }
  }
  JsonObject params{{"run", retry.run.value}, {"failed_only", failed}, {"by", retry.by}};
  if (!failed) params["from"] = retry.from.value;
  if (hold) params["hold_microseconds"] = hold->count();
  if (from != nullptr) params["label"] = *from;
  TRY_ASSIGN(const auto answer, archive.ask("retry", params));
  if (answer) {
    session.say(fmt::format("run {} is tried again{}; `reeve watch {}` follows it", retry.run.value,
                            where_of(archive, *answer), retry.run.value));
    return kExitDone;
  }
  TRY(work.permit(*workflow, options.sandbox));
  if (hold)
    work.events.emplace_back(core::RetryHeld{retry, *hold});
  else
    work.events.emplace_back(retry);
  const StateLayout layout = archive.layout;
  archive.history.reset();
  return follow_runs(session, layout, options, std::move(work));
}

}  // namespace reeve::cli
