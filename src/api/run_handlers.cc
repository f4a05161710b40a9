#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "api/explanation.h"
#include "api/field_table.h"
#include "api/handlers.h"
#include "api/loaded_run.h"
#include "api/page.h"
#include "api/run_difference.h"
#include "api/run_filter.h"
#include "api/run_json.h"
#include "api/service_parts.h"
#include "base/text.h"
#include "core/explain.h"
#include "core/launch.h"
#include "engine/reply_wait.h"

namespace reeve::api {
namespace {

constexpr std::uint32_t kAttemptsPerPage = 5000;

void show_run(const ServiceParts& parts, const Call& call, const ShownRun& run) {
  std::string etag = parts.etag_of(run.version);
  const std::string* const known = call.request.header("if-none-match");
  const bool is_known =
      known != nullptr && (*known == "*" || known->find(etag) != std::string::npos);
  http::Response response{.status = is_known ? 304 : 200,
                          .headers = {{"Content-Type", "application/json"},
                                      {"ETag", std::move(etag)},
                                      {"Cache-Control", "no-cache"}},
                          .body = {}};
  if (!is_known) response.body = run.body;
  call.reply(std::move(response));
}

Result<std::uint64_t> count_expanded(engine::History& history, RunId run) {
  TRY_ASSIGN(const auto expansions, history.list_expansions(run));
  std::map<GroupIndex, std::uint32_t> counts;
  for (const core::Expansion& expansion : expansions) counts[expansion.group] = expansion.count;
  std::uint64_t total = 0;
  for (const auto& [group, count] : counts) total += count;
  return total;
}

JsonObject graph_json(const core::Run& run) {
  boost::json::array groups;
  boost::json::array edges;
  const spec::Workflow& workflow = run.workflow();
  constexpr auto kPhases = std::to_array<std::string_view>({"main", "on_failure", "finally"});
  constexpr auto kConditions = std::to_array<std::string_view>({"success", "failure", "always"});
  for (std::uint32_t g = 0; g < workflow.groups.size(); ++g) {
    const spec::TaskGroup& group = workflow.groups[g];
    JsonObject item = group_json(run, GroupIndex{g});
    item["phase"] = kPhases[static_cast<std::size_t>(group.phase)];
    groups.emplace_back(std::move(item));
    for (const spec::Need& need : group.needs)
      edges.push_back(
          JsonObject{{"from", workflow.groups[need.group.value].id},
                     {"to", group.id},
                     {"condition", kConditions[static_cast<std::size_t>(need.condition)]}});
  }
  return {{"run", format_uuid("run", run.record.uuid)},
          {"groups", std::move(groups)},
          {"edges", std::move(edges)}};
}

JsonObject timeline_entry(const core::Run& run, const core::AttemptRecord& attempt) {
  return {{"task", text_json(core::task_label(run, attempt.task.index))},
          {"index", attempt.task.index},
          {"attempt", attempt.number},
          {"outcome", name(attempt.outcome.kind)},
          {"code", attempt.outcome.code},
          {"queued_at", time_json(attempt.queued_at)},
          {"started_at", time_json(attempt.started_at)},
          {"ended_at", time_json(attempt.ended_at)}};
}

}  // namespace

void list_runs(ServiceParts& parts, CallPtr call) {
  auto filter = run_filter(parts, *call);
  if (!filter) return call->refuse(filter.error());
  parts.read(call, [call, filter = *std::move(filter)](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const RunPage page, run_page(history, filter));
    boost::json::array runs;
    for (const engine::RunView& view : page.views) {
      TRY_ASSIGN(const std::uint64_t expanded, count_expanded(history, view.record.id));
      runs.emplace_back(
          run_json(view.record, count_json(view.record, view.counts, expanded), false));
    }
    call->reply(200, {{"version", kOutputVersion},
                      {"runs", std::move(runs)},
                      {"next_cursor", page.next ? Json(cursor_text(*page.next)) : Json(nullptr)}});
    return {};
  });
}

void get_run(ServiceParts& parts, CallPtr call) {
  const std::string& name = call->path_value("run");
  const auto shown = parts.runs.find(name);
  // Whether an attempt still runs is in the database.
  const bool is_attempt = call->identity.kind == security::IdentityKind::attempt;
  if (!is_attempt && shown != nullptr && shown->version == parts.versions.of(shown->id)) {
    const auto may = parts.authorise(*call, call->route->action, shown->name_space, shown->uuid,
                                     fmt::format("there is no run {}", name));
    if (may) return show_run(parts, *call, *shown);
    parts.note_refusal(*call, may.error());
    return call->refuse(may.error());
  }
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    TRY_ASSIGN(const LoadedRun loaded, load_run(history, found.id, false, parts.options.now()));
    const JsonObject body{{"version", kOutputVersion}, {"run", run_document(loaded.run())}};
    // shared: see RunCache
    const auto made = std::make_shared<const ShownRun>(
        found.id, found.record.uuid, found.name_space, found.version, to_json_text(body, false));
    parts.runs.put(format_uuid("run", found.record.uuid), made);
    show_run(parts, *call, *made);
    return {};
  });
}

void get_graph(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    TRY_ASSIGN(const LoadedRun loaded, load_run(history, found.id, false, parts.options.now()));
    call->reply(200, {{"version", kOutputVersion}, {"graph", graph_json(loaded.run())}});
    return {};
  });
}

void get_timeline(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    TRY_ASSIGN(const LoadedRun loaded, load_run(history, found.id, false, parts.options.now()));
    const auto offset = static_cast<std::uint64_t>(call->number("cursor").value_or(0));
    TRY_ASSIGN(const auto attempts, history.list_run_attempts(found.id, offset, kAttemptsPerPage));
    boost::json::array entries;
    for (const core::AttemptRecord& attempt : attempts)
      entries.emplace_back(timeline_entry(loaded.run(), attempt));
    const bool is_last = attempts.size() < kAttemptsPerPage;
    const core::RunRecord& record = loaded.run().record;
    const JsonObject timeline{{"run", format_uuid("run", record.uuid)},
                              {"submitted_at", time_json(record.submitted_at)},
                              {"started_at", time_json(record.started_at)},
                              {"ended_at", time_json(record.ended_at)},
                              {"entries", std::move(entries)}};
    call->reply(200, {{"version", kOutputVersion},
                      {"timeline", timeline},
                      {"next_cursor",
                       is_last ? Json(nullptr) : Json(std::to_string(offset + attempts.size()))}});
    return {};
  });
}

void get_difference(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const Page asked, page_of(*call));
    TRY_ASSIGN(const FoundRun a, parts.find_run(history, *call));
    TRY_ASSIGN(const FoundRun b, parts.find_run(history, *call, "other"));
    TRY_ASSIGN(const LoadedRun left, load_run(history, a.id, false, parts.options.now()));
    TRY_ASSIGN(const LoadedRun right, load_run(history, b.id, false, parts.options.now()));
    boost::json::array changes;
    for (JsonObject& each : run_changes(left.run(), right.run()))
      changes.emplace_back(std::move(each));
    std::vector<JsonObject> tasks = task_differences(left.run(), right.run());
    if (call->text("only") == "changed")
      std::erase_if(tasks, [](const JsonObject& each) { return !is_change(each); });
    const std::size_t first = std::min(tasks.size(), asked.first);
    const std::size_t end = first + std::min(tasks.size() - first, asked.limit);
    boost::json::array page;
    for (std::size_t i = first; i < end; ++i) page.emplace_back(std::move(tasks[i]));
    const bool is_last = end == tasks.size();
    const JsonObject difference{{"a", format_uuid("run", a.record.uuid)},
                                {"b", format_uuid("run", b.record.uuid)},
                                {"changes", std::move(changes)},
                                {"tasks", std::move(page)}};
    call->reply(200, {{"version", kOutputVersion},
                      {"diff", difference},
                      {"next_cursor", is_last ? Json(nullptr) : Json(std::to_string(end))}});
    return {};
  });
}

void get_explanation(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    const Time now = parts.options.now();
    TRY_ASSIGN(const LoadedRun loaded, load_run(history, found.id, false, now));
    const AskLive ask = [&](RunId run, std::optional<std::uint32_t> task,
                            Answer& answer) -> Result<bool> {
      const auto said = engine::look_and_wait<std::optional<core::Explanation>>(
          *parts.options.engine, [run, task, now](const core::State& state) {
            std::optional<core::Explanation> out;
            const core::Run* const present = state.find_run(run);
            if (present == nullptr || (task && *task >= present->tasks.size())) return out;
            out = task ? core::explain_task(state, {run, *task}, now)
                       : core::explain_run(state, run, now);
            return out;
          });
      if (!said || !*said) return false;
      take_over(answer, **said);
      answer.is_live = true;
      return true;
    };
    TRY_ASSIGN(const Answer answer, explain(history, loaded, call->text("task"), ask, now));
    call->reply(200, {{"version", kOutputVersion}, {"explanation", answer_json(answer)}});
    return {};
  });
}

}  // namespace reeve::api
