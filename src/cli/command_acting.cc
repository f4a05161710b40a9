// `reeve cancel`, `pause`, `approve`: through the engine that runs, or by one of our own.
#include <fmt/format.h>

#include "cli/archive.h"
#include "cli/following.h"
#include "core/launch.h"

namespace reeve::cli {
namespace {

/// One run or task that is acted on.
struct Aim {
  RunId run;
  Uuid uuid;
  std::uint32_t task = core::kWholeRun;
  std::string text;   ///< what people call it
  std::string label;  ///< of the task
};

/// A group that fans out means those of its tasks that `wanted` accepts.
using WantedState = bool (*)(core::TaskState);

Result<std::vector<Aim>> find_aims(Archive& archive, const std::string& text, WantedState wanted) {
  TRY_ASSIGN(const Target target, find_target(archive, text));
  TRY_ASSIGN(const LoadedRun loaded, archive.load(target.run));
  const core::Run& run = loaded.run();
  const std::string number = fmt::format("{}", target.run.value);
  if (core::is_final(run.record.state))
    return fail(ErrorCode::conflict,
                fmt::format("run {} has ended already: it is {}", number, name(run.record.state)));
  std::vector<Aim> aims;
  if (target.task.empty()) {
    aims.push_back({target.run, run.record.uuid, core::kWholeRun, "run " + number, {}});
    return aims;
  }
  TRY_ASSIGN(const TaskChoice choice, find_task(run, target.task));
  const core::Group& group = run.groups[choice.group.value];
  const std::uint32_t first = choice.index ? *choice.index : group.first;
  const std::uint32_t count = choice.index ? 1 : group.count;
  for (std::uint32_t i = first; i < first + count; ++i) {
    if (!choice.index && !wanted(run.tasks[i].state)) continue;
    const std::string label = core::task_label(run, i);
    aims.push_back({target.run, run.record.uuid, i, fmt::format("{}/{}", number, label), label});
  }
  if (aims.empty())
    return fail(ErrorCode::conflict, fmt::format("no task of {} is in a state for this", text));
  return aims;
}

bool is_open(core::TaskState state) { return !core::is_final(state); }
bool is_pausable(core::TaskState state) {
  return state == core::TaskState::queued || state == core::TaskState::retry_wait;
}
bool awaits_approval(core::TaskState state) { return state == core::TaskState::awaiting_approval; }

JsonObject params_of(const Aim& aim) {
  JsonObject params{{"run", aim.run.value}, {"by", user_name()}};
  if (aim.task == core::kWholeRun) return params;
  params["task"] = aim.task;
  params["label"] = aim.label;
  return params;
}

struct CancelOptions {
  std::string reason;
  std::optional<Duration> grace;
  bool kill = false;
};

Ended cancel_one(const Session& session, const Archive& archive, const Aim& aim,
                 const CancelOptions& options) {
  JsonObject params = params_of(aim);
  params["kill"] = options.kill;
  params["why"] = options.reason;
  if (options.grace) params["grace_microseconds"] = options.grace->count();
  TRY_ASSIGN(const auto answer, archive.ask("cancel", params));
  if (answer) {
    session.say(fmt::format("{}: being cancelled", aim.text));
    return kExitDone;
  }
  // What its dead engine started may still run: this process waits until it is stopped.
  core::Cancel cancel{.run = aim.run,
                      .task = aim.task,
                      .kill = options.kill,
                      .by = user_name(),
                      .why = options.reason};
  if (options.grace) cancel.grace = *options.grace;
  if (aim.task != core::kWholeRun) return apply_events(session, archive.layout, {cancel});
  Work work{.runs = {aim.uuid}, .resume = {aim.run}, .events = {cancel}};
  TRY_ASSIGN(FollowingOptions following, FollowingOptions::from(session));
  following.is_plain = true;
  following.logs = ShownLogs::none;
  TRY(follow_runs(session, archive.layout, following, std::move(work)));
  return kExitDone;
}

}  // namespace

Ended command_cancel(const Session& session) {
  CancelOptions options{.reason = session.arguments.value_or("reason", ""),
                        .kill = session.arguments.has("kill")};
  TRY_ASSIGN(options.grace, session.arguments.duration("grace"));
  TRY_ASSIGN(Archive archive, Archive::open(session));
  for (const std::string& word : session.arguments.words) {
    TRY_ASSIGN(const std::vector<Aim> aims, find_aims(archive, word, is_open));
    for (const Aim& aim : aims) TRY(cancel_one(session, archive, aim, options));
  }
  return kExitDone;
}

Ended command_pause(const Session& session) {
  TRY_ASSIGN(Archive archive, Archive::open(session));
  for (const std::string& word : session.arguments.words) {
    TRY_ASSIGN(const std::vector<Aim> aims, find_aims(archive, word, is_pausable));
    for (const Aim& aim : aims) {
      TRY_ASSIGN(const auto answer, archive.ask("pause", params_of(aim)));
      if (!answer) {
        TRY(apply_events(session, archive.layout,
                         {core::Pause{.run = aim.run, .task = aim.task, .by = user_name()}}));
      }
      session.say(fmt::format("{}: paused; `reeve resume {}` goes on", aim.text, word));
    }
  }
  return kExitDone;
}

Ended command_approve(const Session& session) {
  const bool approved = !session.arguments.has("deny");
  TRY_ASSIGN(Archive archive, Archive::open(session));
  for (const std::string& word : session.arguments.words) {
    if (word.find('/') == std::string::npos)
      return usage(
          fmt::format("approve: '{}' names a run; name a task of it: {}/TASK", word, word));
    TRY_ASSIGN(const std::vector<Aim> aims, find_aims(archive, word, awaits_approval));
    for (const Aim& aim : aims) {
      JsonObject params = params_of(aim);
      params["approved"] = approved;
      TRY_ASSIGN(const auto answer, archive.ask("approve", params));
      if (!answer) {
        TRY(apply_events(
            session, archive.layout,
            {core::Approve{.task = {aim.run, aim.task}, .approved = approved, .by = user_name()}}));
        session.say(fmt::format("`reeve resume {}` goes on with the run", aim.run.value));
      }
      session.say(fmt::format("{}: {}", aim.text, approved ? "approved" : "denied"));
    }
  }
  return kExitDone;
}

}  // namespace reeve::cli
