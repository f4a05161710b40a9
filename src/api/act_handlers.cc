#include <fmt/format.h>

#include "api/field_table.h"
#include "api/handlers.h"
#include "api/loaded_run.h"
#include "api/run_json.h"
#include "api/service_parts.h"
#include "base/text.h"

namespace reeve::api {
namespace {

constexpr std::size_t kTasksPerActMax = 1000;
constexpr Duration kGraceMax = std::chrono::hours{24};

/// What an act needs to know of what was asked.
struct Act {
  const core::Run& run;
  BodyReader& reader;
  const security::Identity& who;
  const std::string& by() const { return who.subject; }
};
using MakeEvents = Checked<std::vector<core::Event>> (*)(Act&);
using WantedState = bool (*)(core::TaskState);

/// The tasks that the field `task` means: kWholeRun where there is none; of a group those in a
/// wanted state.
Checked<std::vector<std::uint32_t>> tasks_of(Act& act, WantedState wanted) {
  const auto name = act.reader.text("task");
  if (!name) return std::vector<std::uint32_t>{core::kWholeRun};
  TRY_ASSIGN(const TaskChoice choice, find_task(act.run, *name));
  if (choice.index) return std::vector<std::uint32_t>{*choice.index};
  const core::Group& group = act.run.groups[choice.group.value];
  std::vector<std::uint32_t> tasks;
  for (std::uint32_t i = group.first; group.expanded && i < group.first + group.count; ++i) {
    if (!wanted(act.run.tasks[i].state)) continue;
    tasks.push_back(i);
    if (tasks.size() > kTasksPerActMax)
      return tl::unexpected(
          Problem(422, "too-large", "Too many tasks",
                  fmt::format("'{}' means more than {} tasks: name them, or the whole run",
                              sanitize_for_terminal(*name), kTasksPerActMax)));
  }
  if (!tasks.empty()) return tasks;
  return tl::unexpected(Problem(
      Error{ErrorCode::conflict,
            fmt::format("no task of '{}' is in a state for this", sanitize_for_terminal(*name)),
            {}}));
}

bool is_open(core::TaskState state) { return !core::is_final(state); }
bool is_pausable(core::TaskState state) {
  return state == core::TaskState::queued || state == core::TaskState::retry_wait;
}
bool awaits_approval(core::TaskState state) { return state == core::TaskState::awaiting_approval; }

Checked<std::vector<core::Event>> cancel_events(Act& act) {
  core::Cancel cancel{.run = act.run.record.id, .by = act.by()};
  cancel.kill = act.reader.flag("kill", false);
  cancel.why = act.reader.text("reason").value_or("");
  cancel.grace = act.reader.seconds("grace_seconds", kGraceMax).value_or(cancel.grace);
  TRY_ASSIGN(const auto tasks, tasks_of(act, is_open));
  std::vector<core::Event> events;
  for (const std::uint32_t task : tasks) {
    cancel.task = task;
    events.emplace_back(cancel);
  }
  return events;
}

Checked<std::vector<core::Event>> pause_events(Act& act, bool paused) {
  TRY_ASSIGN(const auto tasks, tasks_of(act, paused ? is_pausable : is_open));
  std::vector<core::Event> events;
  for (const std::uint32_t task : tasks)
    events.emplace_back(
        core::Pause{.run = act.run.record.id, .task = task, .paused = paused, .by = act.by()});
  return events;
}

/// The names that somebody answers to in the `by` of an approval: "ann" and "user:ann" of a user,
/// "token:01jd…" of a token (not its label, which anybody may choose), "role:admin".
std::vector<std::string> names_of(const security::Identity& who) {
  std::vector<std::string> names{who.subject.substr(0, who.subject.find('('))};
  if (who.kind == security::IdentityKind::user && names.front().starts_with("user:"))
    names.push_back(names.front().substr(5));
  if (!who.role.empty()) names.push_back("role:" + who.role);
  return names;
}

/// By which name somebody answers; by one that is not asked for if there is no other.
std::string approver(const Act& act, std::uint32_t task) {
  const core::Run& run = act.run;
  const auto* const approval =
      std::get_if<spec::Approval>(&run.group_spec(run.tasks[task].group).action);
  if (approval == nullptr) return act.by();
  for (const std::string& name : names_of(act.who))
    if (std::ranges::find(approval->by, name) != approval->by.end()) return name;
  return act.by();
}

Checked<std::vector<core::Event>> approve_events(Act& act) {
  const bool approved = act.reader.flag("approved", true);
  TRY_ASSIGN(const auto tasks, tasks_of(act, awaits_approval));
  std::vector<core::Event> events;
  for (const std::uint32_t task : tasks) {
    if (task == core::kWholeRun) {
      act.reader.error("task", "task, the one to be approved, is missing");
      continue;
    }
    events.emplace_back(core::Approve{
        .task = {act.run.record.id, task}, .approved = approved, .by = approver(act, task)});
  }
  return events;
}

Checked<std::vector<core::Event>> retry_events(Act& act) {
  core::Retry retry{.run = act.run.record.id, .failed_only = true, .by = act.by()};
  if (const auto from = act.reader.text("from"); from) {
    TRY_ASSIGN(const TaskChoice choice, find_task(act.run, *from));
    retry.failed_only = false;
    retry.from = choice.group;
  }
  const auto hold = act.reader.seconds("hold_seconds", core::kHoldMax);
  if (hold && *hold > Duration{0}) return std::vector<core::Event>{core::RetryHeld{retry, *hold}};
  return std::vector<core::Event>{retry};
}

void reply_acted(ServiceParts& parts, const CallPtr& call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    TRY_ASSIGN(const LoadedRun loaded, load_run(history, found.id, false, parts.options.now()));
    call->reply(200, {{"version", kOutputVersion}, {"run", run_document(loaded.run())}},
                {{"ETag", parts.etag_of(found.version)}});
    return {};
  });
}

/// One after the other; the first that is refused is the answer.
void obey_all(ServiceParts& parts, const CallPtr& call,
              std::shared_ptr<std::vector<core::Event>> events, std::size_t position,
              engine::Check check) {
  if (position == events->size()) return reply_acted(parts, call);
  parts.obey(call, (*events)[position], std::move(check),
             [&parts, call, events, position](const engine::Receipt&) {
               obey_all(parts, call, events, position + 1, nullptr);
             });
}

/// Asked of the engine right before it obeys: the run may have ended since it was looked up.
engine::Check must_be_active(RunId id) {
  return [id](const core::State& state) -> Status {
    if (state.find_run(id) != nullptr) return {};
    return fail(ErrorCode::conflict, fmt::format("run {} has ended", id.value));
  };
}

Checked<engine::Check> check_of(ServiceParts& parts, const Call& call, const FoundRun& found,
                                engine::Check else_check) {
  const std::string* const match = call.request.header("if-match");
  if (match == nullptr || *match == "*") return else_check;
  if (match->find(parts.etag_of(found.version)) == std::string::npos)
    return tl::unexpected(Problem(412, "precondition-failed", "Changed meanwhile",
                                  "the run is no longer as If-Match says: read it again"));
  return engine::Check{
      [&parts, id = found.id, version = found.version](const core::State&) -> Status {
        if (parts.versions.of(id) == version) return {};
        return fail(ErrorCode::conflict, std::string(kStale));
      }};
}

void act_on(ServiceParts& parts, const CallPtr& call, MakeEvents make) {
  parts.read(call, [&parts, call, make](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const JsonObject body, ServiceParts::body_of(*call));
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    engine::Check active = make == retry_events ? engine::Check{} : must_be_active(found.id);
    TRY_ASSIGN(engine::Check check, check_of(parts, *call, found, std::move(active)));
    TRY_ASSIGN(const LoadedRun loaded, load_run(history, found.id, false, parts.options.now()));
    BodyReader reader(body);
    Act act{loaded.run(), reader, call->identity};
    TRY_ASSIGN(auto events, make(act));
    if (auto errors = reader.finish(); !errors.empty())
      return tl::unexpected(invalid(std::move(errors)));
    const core::RunState state = loaded.run().record.state;
    if (make != retry_events && core::is_final(state))
      return tl::unexpected(Problem(
          Error{ErrorCode::conflict,
                fmt::format("run {} has ended: it is {}", found.id.value, core::name(state)),
                {}}));
    // shared: by the answers of the engine, one after the other
    const auto kept = std::make_shared<std::vector<core::Event>>(std::move(events));
    parts.audited(call, format_uuid("run", found.record.uuid), found.name_space,
                  [&parts, call, kept, check] { obey_all(parts, call, kept, 0, check); });
    return {};
  });
}

}  // namespace

void cancel_run(ServiceParts& parts, CallPtr call) { act_on(parts, call, cancel_events); }
void retry_run(ServiceParts& parts, CallPtr call) { act_on(parts, call, retry_events); }
void pause_run(ServiceParts& parts, CallPtr call) {
  act_on(parts, call, [](Act& act) { return pause_events(act, true); });
}
void resume_run(ServiceParts& parts, CallPtr call) {
  act_on(parts, call, [](Act& act) { return pause_events(act, false); });
}
void approve_task(ServiceParts& parts, CallPtr call) { act_on(parts, call, approve_events); }

}  // namespace reeve::api
