// The description of the API, OpenAPI 3.1: paths from the route table, what is shown from the field
// table, what is sent from openapi_bodies.cc.
#include <algorithm>
#include <array>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "api/field_table.h"
#include "api/json_values.h"
#include "api/openapi_bodies.h"
#include "api/route.h"
#include "base/ensure.h"

namespace reeve::api {
namespace {

JsonObject reference(std::string_view component) {
  return {{"$ref", fmt::format("#/components/schemas/{}", component)}};
}

/// "time?" of the field table.
JsonObject field_schema(const FieldInfo& field) {
  std::string_view type = field.type;
  const bool may_be_null = type.ends_with('?');
  if (may_be_null) type.remove_suffix(1);
  const bool is_time = type == "time";
  JsonObject out;
  const std::string_view base = is_time ? "string" : type;
  if (may_be_null)
    out["type"] = boost::json::array{base, "null"};
  else
    out["type"] = base;
  if (is_time) out["format"] = "date-time";
  if (type == "array") out["items"] = JsonObject{};
  if (!field.meaning.empty()) out["description"] = field.meaning;
  return out;
}

JsonObject kind_schema(std::string_view kind) {
  JsonObject properties;
  boost::json::array required;
  for (const FieldInfo& field : kind_info(kind).fields) {
    // Forecasts are there only where there is something to make them of.
    const bool is_optional = kind == "plan" && field.name.ends_with("_seconds");
    properties[field.name] = field_schema(field);
    if (!is_optional) required.emplace_back(field.name);
  }
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

JsonObject array_of(std::string_view component) {
  return {{"type", "array"}, {"items", reference(component)}};
}

struct Envelope {
  std::string_view name;
  std::string_view field;
  std::string_view component;
  bool is_array = false;
  bool has_cursor = false;
};
constexpr auto kEnvelopes = std::to_array<Envelope>({
    {"RunReply", "run", "Run"},
    {"RunsReply", "runs", "RunSummary", true, true},
    {"GraphReply", "graph", "Graph"},
    {"TimelineReply", "timeline", "Timeline", false, true},
    {"ExplanationReply", "explanation", "Explanation"},
    {"DifferenceReply", "diff", "Difference", false, true},
    {"TasksReply", "tasks", "Task", true, true},
    {"TaskReply", "task", "TaskDetail"},
    {"AttemptReply", "attempt", "Attempt"},
    {"ArtifactsReply", "artifacts", "Artifact", true, true},
    {"DiagnosticsReply", "diagnostics", "Diagnostic", true},
    {"PlanReply", "plan", "PlannedGroup", true},
    {"WorkflowsReply", "workflows", "Workflow", true, true},
    {"WorkflowReply", "workflow", "Workflow"},
    {"WorkflowVersionsReply", "versions", "WorkflowVersion", true, true},
    {"WorkflowTextReply", "workflow", "WorkflowVersionText"},
    {"QueuesReply", "queues", "Queue", true},
    {"PoolsReply", "pools", "Pool", true},
    {"NodesReply", "nodes", "Node", true},
    {"NodeReply", "node", "Node"},
    {"LocksReply", "locks", "Lock", true},
    {"IdentityReply", "identity", "Identity"},
    {"TokensReply", "tokens", "Token", true},
    {"SecretsReply", "secrets", "Secret", true},
    {"SecretReply", "secret", "Secret"},
    {"FlagsReply", "flags", "Flag", true},
    {"FlagReply", "flag", "Flag"},
    {"FlagAnswerReply", "answer", "FlagAnswer"},
    {"RolesReply", "roles", "Role", true},
    {"RoleReply", "role", "Role"},
    {"UsersReply", "users", "User", true},
    {"UserReply", "user", "User"},
    {"SessionReply", "session", "Session"},
    {"SignOnReply", "sign_on", "SignOn"},
    {"SignOnPlaceReply", "place", "SignOnPlace"},
    {"QuotasReply", "quotas", "Quota", true},
    {"QuotaReply", "quota", "Quota"},
    {"QuotaVersionsReply", "versions", "QuotaVersion", true},
    {"AuditReply", "audit", "AuditRecord", true, true},
    {"ProofReply", "proof", "AuditProof"},
    {"AuditFilesReply", "files", "AuditFile", true},
    {"SettingsReply", "settings", "Setting", true},
    {"SettingReply", "setting", "Setting"},
    {"SettingVersionsReply", "versions", "SettingVersion", true},
    {"ChangesReply", "changes", "SettingChange", true},
});

JsonObject envelope_schema(const Envelope& envelope) {
  JsonObject properties{{"version", {{"const", kOutputVersion}}},
                        {envelope.field, envelope.is_array ? array_of(envelope.component)
                                                           : reference(envelope.component)}};
  boost::json::array required{"version", envelope.field};
  if (envelope.has_cursor) {
    properties["next_cursor"] =
        JsonObject{{"type", boost::json::array{"string", "null"}},
                   {"description", "send it as cursor to get what follows; null: this is the end"}};
    required.emplace_back("next_cursor");
  }
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

struct KindComponent {
  std::string_view name;
  std::string_view kind;
};
constexpr auto kKindComponents =
    std::to_array<KindComponent>({{"RunSummary", "runs"},
                                  {"Run", "run"},
                                  {"Group", "groups"},
                                  {"Task", "tasks"},
                                  {"Attempt", "attempts"},
                                  {"Artifact", "artifacts"},
                                  {"TaskDifference", "differences"},
                                  {"Use", "use"},
                                  {"Explanation", "explanation"},
                                  {"Diagnostic", "diagnostics"},
                                  {"PlannedGroup", "plan"},
                                  {"Secret", "secrets"},
                                  {"Flag", "flags"},
                                  {"AuditRecord", "audit"},
                                  {"AuditProof", "audit_proof"},
                                  {"Setting", "settings"},
                                  {"SettingVersion", "setting_versions"}});

JsonObject components() {
  JsonObject out;
  for (const KindComponent& each : kKindComponents) out[each.name] = kind_schema(each.kind);
  out["Run"].at("properties").as_object()["groups"] = array_of("Group");
  out["Setting"].at("properties").as_object()["value"] =
      JsonObject{{"description", "as JSON; a duration in seconds, a size in bytes"}};
  out["Bytes"] = JsonObject{{"type", "string"}, {"format", "binary"}};
  out["AuditFile"] = JsonObject{
      {"type", "object"},
      {"properties",
       {{"name", {{"type", "string"}}}, {"size_bytes", {{"type", "integer"}, {"minimum", 0}}}}},
      {"required", boost::json::array{"name", "size_bytes"}},
      {"additionalProperties", false}};
  out["NewBackup"] = JsonObject{
      {"type", "object"},
      {"properties",
       {{"file", {{"type", "string"}, {"description", "where it is written"}}},
        {"with_keys",
         {{"type", "boolean"}, {"description", "the key of the secrets is in it; usual: false"}}}}},
      {"required", boost::json::array{"file"}},
      {"additionalProperties", false}};
  for (const Envelope& envelope : kEnvelopes) out[envelope.name] = envelope_schema(envelope);
  for (const auto& [name, value] : body_components()) out[name] = value;
  return out;
}

JsonObject parameter_schema(const Parameter& parameter) {
  JsonObject schema;
  if (parameter.type.find('|') == std::string_view::npos) {
    schema["type"] = parameter.type;
    if (parameter.type == "integer") schema["minimum"] = 0;
  } else {
    boost::json::array choices;
    std::string_view rest = parameter.type;
    while (true) {
      const std::size_t end = rest.find('|');
      choices.emplace_back(rest.substr(0, end));
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
    schema = {{"type", "string"}, {"enum", std::move(choices)}};
  }
  if (!parameter.repeats) return schema;
  return {{"type", "array"}, {"items", std::move(schema)}};
}

JsonObject parameter_json(const Parameter& parameter, const Route& route) {
  constexpr auto kPlaces = std::to_array<std::string_view>({"path", "query", "header"});
  const bool is_required =
      parameter.place == Place::path ||
      (route.changes && route.method == "POST" && parameter.name == "Idempotency-Key");
  return {{"name", parameter.name},
          {"in", kPlaces[static_cast<std::size_t>(parameter.place)]},
          {"required", is_required},
          {"description", parameter.meaning},
          {"schema", parameter_schema(parameter)}};
}

JsonObject content_of(std::string_view type, std::string_view schema) {
  JsonObject out;
  out[type] = JsonObject{{"schema", reference(schema)}};
  return out;
}

JsonObject replies_of(const Route& route) {
  JsonObject out;
  for (const ReplyInfo& reply : route.replies) {
    const std::string status = std::to_string(reply.status);
    if (!out.contains(status)) out[status] = JsonObject{{"description", route.summary}};
    if (reply.schema.empty()) continue;
    JsonObject& known = out[status].as_object();
    if (!known.contains("content")) known["content"] = JsonObject{};
    known["content"].as_object()[reply.type] = JsonObject{{"schema", reference(reply.schema)}};
  }
  out["4XX"] = JsonObject{{"description", "what is wrong with the request"},
                          {"content", content_of("application/problem+json", "Problem")}};
  out["5XX"] = JsonObject{{"description", "what is wrong with the service"},
                          {"content", content_of("application/problem+json", "Problem")}};
  return out;
}

/// What the summary does not say: who may, and what becomes of a repetition.
std::string description_of(const Route& route) {
  if (route.audience == Audience::everybody) return "Answers everybody.";
  if (route.audience == Audience::known) return "Answers whoever has said who he is.";
  const security::ActionInfo& action =
      security::action_table()[static_cast<std::size_t>(route.action)];
  std::string out = fmt::format("Takes the action `{}`", action.name);
  switch (action.reach) {
    case security::Reach::in_namespace: out += " in the namespace of what is asked for."; break;
    case security::Reach::shared: out += "."; break;
    case security::Reach::everywhere: out += " and the namespace `*`."; break;
  }
  if (route.changes) out += " It is in the audit log before it is answered.";
  if (route.is_secret) out += " The answer is not kept for a repetition.";
  return out;
}

struct TagInfo {
  std::string_view name;
  std::string_view meaning;
};
constexpr auto kTags = std::to_array<TagInfo>({
    {"probes", "whether the service is there, and what it is"},
    {"runs", "runs, their tasks, attempts, logs and artifacts"},
    {"stored", "runs as the commands of reeve read them: a form of their own, without promises"},
    {"use", "what attempts use while they run"},
    {"lint", "what is wrong with a workflow"},
    {"plan", "what a workflow would do"},
    {"workflows", "workflows that have been run, and their versions"},
    {"queues", "where tasks wait"},
    {"pools", "where attempts run"},
    {"nodes", "the machines of the pools"},
    {"locks", "what tasks have to themselves"},
    {"events", "what changes, as it changes"},
    {"whoami", "who asks"},
    {"tokens", "what programs show to say who they are"},
    {"secrets", "what tasks are given by name and nobody is shown"},
    {"flags", "switches that change without a restart"},
    {"roles", "sets of actions with a name"},
    {"users", "people with a password"},
    {"sessions", "what a user's browser has"},
    {"auth", "single sign-on by an identity provider"},
    {"quotas", "what users may have at most"},
    {"audit", "who did what"},
    {"backups", "copies of the state directory, which their maker reads himself"},
    {"config", "the settings of the service"},
});

JsonObject tag_json(const Json& name) {
  const std::string_view wanted = name.as_string();
  const auto* const found = std::ranges::find(kTags, wanted, &TagInfo::name);
  ENSURE(found != kTags.end());
  return {{"name", wanted}, {"description", found->meaning}};
}

JsonObject operation(const Route& route) {
  JsonObject out{{"operationId", route.id},
                 {"summary", route.summary},
                 {"description", description_of(route)}};
  const std::size_t slash = route.path.find_first_of("/:{", 4);
  const bool is_probe = !route.path.starts_with("/v1/");
  out["tags"] =
      boost::json::array{is_probe ? std::string_view("probes") : route.path.substr(4, slash - 4)};
  boost::json::array parameters;
  for (const Parameter& each : route.parameters)
    parameters.emplace_back(parameter_json(each, route));
  if (!parameters.empty()) out["parameters"] = std::move(parameters);
  if (!route.body.empty()) {
    JsonObject content = content_of(route.body_type, route.body);
    if (takes_yaml(route)) content["application/yaml"] = JsonObject{{"schema", reference("Text")}};
    out["requestBody"] = JsonObject{{"content", std::move(content)}};
  }
  out["responses"] = replies_of(route);
  if (route.audience == Audience::everybody) {
    out["security"] = boost::json::array{};
  } else if (route.audience == Audience::allowed) {
    out["x-reeve-action"] = security::name(route.action);
  }
  return out;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

}  // namespace

std::string openapi_document(std::string_view version) {
  JsonObject paths;
  boost::json::array tags;
  for (const Route& route : route_table()) {
    if (!paths.contains(route.path)) paths[route.path] = JsonObject{};
    JsonObject described = operation(route);
    const Json& tag = described.at("tags").as_array().front();
    const bool is_known =
        std::ranges::any_of(tags, [&](const Json& known) { return known.at("name") == tag; });
    if (!is_known) tags.push_back(tag_json(tag));
    paths[route.path].as_object()[lower_case(route.method)] = std::move(described);
  }
  const JsonObject document{
      {"openapi", "3.1.0"},
      {"info",
       {{"title", "Reeve"},
        {"version", version},
        {"description", "Runs of workflows: submitted, looked at, acted on."},
        {"contact", {{"name", "whoever runs this service"}}},
        {"license", {{"name", "see the repository"}, {"identifier", "LicenseRef-Reeve"}}}}},
      {"servers", boost::json::array{JsonObject{{"url", "/"}}}},
      {"security", boost::json::array{JsonObject{{"bearer", boost::json::array{}}},
                                      JsonObject{{"session", boost::json::array{}}}}},
      {"tags", std::move(tags)},
      {"paths", std::move(paths)},
      {"components",
       {{"schemas", components()},
        {"securitySchemes",
         {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}},
          {"session",
           {{"type", "apiKey"},
            {"in", "cookie"},
            {"name", "reeve_session"},
            {"description", "of a user who has logged in; changes need X-CSRF-Token too"}}}}}}}};
  return to_json_text(document, false);
}

}  // namespace reeve::api
