// Workflows that have been run, by name and version, and running them again.
#include <limits>

#include <fmt/format.h>

#include "api/field_table.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/service_parts.h"
#include "api/stored_workflow.h"
#include "base/text.h"

namespace reeve::api {
namespace {

constexpr int kIndexRetry = 1;  ///< seconds

Problem no_workflow(const std::string& name, const std::string& name_space) {
  return {404, "not-found", "Not found",
          fmt::format("no workflow '{}' has been run in the namespace {}",
                      sanitize_for_terminal(name), name_space)};
}

/// Of what has been read so far nobody is told: it would look like all there is.
Checked<void> be_ready(ServiceParts& parts, engine::History& history) {
  TRY_ASSIGN(const bool is_ready, parts.workflow_index.catch_up(history));
  if (is_ready) return {};
  Problem busy(503, "unavailable", "Unavailable",
               "the runs are being read for the first time: ask again in a moment");
  busy.retry_after = kIndexRetry;
  return tl::unexpected(std::move(busy));
}

JsonObject summary_json(const WorkflowSummary& workflow) {
  return {{"name", text_json(workflow.name)},
          {"namespace", workflow.name_space},
          {"versions", workflow.versions},
          {"digest", format_digest(workflow.newest.digest)},
          {"runs", workflow.runs},
          {"last_run", workflow.last_run.value},
          {"first_seen_at", time_json(workflow.first_seen)},
          {"last_seen_at", time_json(workflow.last_seen)}};
}

JsonObject version_json(const std::string& name_space, const std::string& name,
                        const WorkflowVersion& version) {
  return {{"name", text_json(name)},
          {"namespace", name_space},
          {"number", version.number},
          {"digest", format_digest(version.digest)},
          {"runs", version.runs},
          {"first_run", version.first_run.value},
          {"last_run", version.last_run.value},
          {"first_seen_at", time_json(version.first_seen)},
          {"last_seen_at", time_json(version.last_seen)}};
}

/// The number that a path or a body names; 0: the newest.
Checked<WorkflowVersion> find_version(const ServiceParts& parts, const std::string& name_space,
                                      const std::string& name, std::uint32_t number) {
  const auto workflow = parts.workflow_index.find(name_space, name);
  if (!workflow) return tl::unexpected(no_workflow(name, name_space));
  if (number == 0) return workflow->newest;
  const auto version = parts.workflow_index.version(name_space, name, number);
  if (version) return *version;
  return tl::unexpected(
      Problem(404, "not-found", "Not found",
              fmt::format("the workflow '{}' has no version {}; it has {}",
                          sanitize_for_terminal(name), number, workflow->versions)));
}

Checked<std::uint32_t> number_of_path(const Call& call) {
  const std::string& text = call.path_value("version");
  std::uint32_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || number > 100'000'000) {
      number = 0;
      break;
    }
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (number >= 1) return number;
  return tl::unexpected(Problem(
      404, "not-found", "Not found",
      fmt::format("'{}' is no version: they are numbered from 1", sanitize_for_terminal(text))));
}

}  // namespace

void list_workflows(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const Page page, page_of(*call));
    std::vector<std::string> places;
    if (!call->identity.has_all_namespaces()) places = call->identity.namespaces;
    if (const std::string* wanted = call->parameter("namespace"); wanted != nullptr) {
      TRY_ASSIGN(std::string place, parts.chosen_namespace(*call, *wanted));
      places = {std::move(place)};
    }
    TRY(be_ready(parts, history));
    boost::json::array workflows;
    Json next = nullptr;
    for (const WorkflowSummary& each : parts.workflow_index.list(places, page.first, page.limit)) {
      if (workflows.size() < page.limit)
        workflows.emplace_back(summary_json(each));
      else
        next = std::to_string(page.first + page.limit);
    }
    call->reply(200, {{"version", kOutputVersion},
                      {"workflows", std::move(workflows)},
                      {"next_cursor", std::move(next)}});
    return {};
  });
}

void get_workflow(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const std::string place, parts.chosen_namespace(*call, call->text("namespace")));
    TRY(be_ready(parts, history));
    const std::string& name = call->path_value("workflow");
    const auto found = parts.workflow_index.find(place, name);
    if (!found) return tl::unexpected(no_workflow(name, place));
    call->reply(200, {{"version", kOutputVersion}, {"workflow", summary_json(*found)}});
    return {};
  });
}

void list_workflow_versions(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const Page page, page_of(*call));
    TRY_ASSIGN(const std::string place, parts.chosen_namespace(*call, call->text("namespace")));
    TRY(be_ready(parts, history));
    const std::string& name = call->path_value("workflow");
    if (!parts.workflow_index.find(place, name)) return tl::unexpected(no_workflow(name, place));
    boost::json::array versions;
    Json next = nullptr;
    for (const WorkflowVersion& each :
         parts.workflow_index.versions(place, name, page.first, page.limit)) {
      if (versions.size() < page.limit)
        versions.emplace_back(version_json(place, name, each));
      else
        next = std::to_string(page.first + page.limit);
    }
    call->reply(200, {{"version", kOutputVersion},
                      {"versions", std::move(versions)},
                      {"next_cursor", std::move(next)}});
    return {};
  });
}

void get_workflow_version(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const std::string place, parts.chosen_namespace(*call, call->text("namespace")));
    TRY_ASSIGN(const std::uint32_t number, number_of_path(*call));
    TRY(be_ready(parts, history));
    const std::string& name = call->path_value("workflow");
    TRY_ASSIGN(const WorkflowVersion found, find_version(parts, place, name, number));
    TRY_ASSIGN(const engine::WorkflowText text, history.get_workflow(found.digest));
    JsonObject shown = version_json(place, name, found);
    shown["source"] = text_json(text.source);
    call->reply(200, {{"version", kOutputVersion}, {"workflow", std::move(shown)}});
    return {};
  });
}

Checked<JsonObject> with_stored_workflow(ServiceParts& parts, engine::History& history,
                                         const Call& call, JsonObject body) {
  const auto refuse = [](std::string field, std::string detail) {
    return tl::unexpected(invalid({{"/" + field, std::move(detail)}}));
  };
  if (body.contains("workflow") || body.contains("command"))
    return refuse("workflow_name", "either 'workflow', 'workflow_name' or 'command' is needed");
  const Json& named = body.at("workflow_name");
  if (!named.is_string()) return refuse("workflow_name", "workflow_name must be text");
  std::uint32_t number = 0;
  if (const Json* wanted = body.if_contains("version"); wanted != nullptr) {
    const auto* const value = wanted->if_int64();
    if (value == nullptr || *value < 1 || *value > std::numeric_limits<std::int32_t>::max())
      return refuse("version",
                    "version must be a whole number from 1 on; leave it out for the "
                    "newest");
    number = static_cast<std::uint32_t>(*value);
  }
  const Json* const place = body.if_contains("namespace");
  if (place != nullptr && !place->is_string()) return refuse("namespace", "namespace must be text");
  TRY_ASSIGN(
      const std::string name_space,
      parts.chosen_namespace(call, place == nullptr ? "" : std::string(place->get_string())));
  TRY(parts.authorise(call, security::Action::workflows_read, name_space, call.identity.run, {}));
  TRY(be_ready(parts, history));
  TRY_ASSIGN(const WorkflowVersion found,
             find_version(parts, name_space, std::string(named.get_string()), number));
  TRY_ASSIGN(const engine::WorkflowText text, history.get_workflow(found.digest));
  body["namespace"] = name_space;
  body["workflow"] = text.source;
  body.erase("workflow_name");
  body.erase("version");
  return body;
}

}  // namespace reeve::api
