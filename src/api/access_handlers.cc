#include <fmt/format.h>

#include "api/field_table.h"
#include "api/handlers.h"
#include "api/service_parts.h"
#include "security/token_text.h"

namespace reeve::api {
namespace {

using security::Action;
using security::ActionSet;

boost::json::array names_json(ActionSet actions) {
  boost::json::array out;
  for (const std::string_view name : security::names(actions)) out.emplace_back(name);
  return out;
}

boost::json::array texts_json(const std::vector<std::string>& texts) {
  boost::json::array out;
  for (const std::string& text : texts) out.push_back(text_json(text));
  return out;
}

JsonObject token_json(const security::TokenRecord& token) {
  return {{"id", security::format_token_id(token.id)},
          {"label", text_json(token.label)},
          {"role", text_json(token.scope.role)},
          {"namespaces", texts_json(token.scope.namespaces)},
          {"actions", token.scope.only ? Json(names_json(*token.scope.only)) : Json(nullptr)},
          {"created_by", text_json(token.created_by)},
          {"created_at", time_json(token.created_at)},
          {"expires_at", time_json(token.expires_at)},
          {"last_used_at", time_json(token.last_used_at)},
          {"revoked_at", time_json(token.revoked_at)}};
}

Checked<security::TokenRequest> read_token(ServiceParts& parts, const Call& call,
                                           const JsonObject& body) {
  constexpr Duration kLifeMax = std::chrono::days{3650};
  BodyReader reader(body);
  security::TokenRequest request;
  request.label = reader.text("label", 100).value_or("");
  if (request.label.empty()) reader.error("label", "label, what the token is for, is missing");
  request.scope.role = reader.text("role").value_or("viewer");
  if (auto given = reader.texts("namespaces"); given) request.scope.namespaces = *std::move(given);
  if (const auto only = reader.texts("actions"); only) {
    auto actions = security::parse_actions(*only);
    if (!actions) reader.error("actions", actions.error().text());
    if (actions) request.scope.only = *actions;
  }
  if (const auto life = reader.seconds("expires_in_seconds", kLifeMax); life)
    request.expires_at = parts.options.now() + *life;
  const auto actions = parts.options.credentials->actions_of_role(request.scope.role);
  if (!actions) reader.error("role", actions.error().text());
  if (auto errors = reader.finish(); !errors.empty())
    return tl::unexpected(invalid(std::move(errors)));
  TRY(security::may_grant(call.identity, request.scope, *actions));
  return request;
}

}  // namespace

void get_whoami(ServiceParts& /*parts*/, CallPtr call) {
  const security::Identity& who = call->identity;
  call->reply(200, {{"version", kOutputVersion},
                    {"identity",
                     {{"subject", text_json(who.subject)},
                      {"role", text_json(who.role)},
                      {"namespaces", texts_json(who.namespaces)},
                      {"actions", names_json(who.actions)}}}});
}

void list_tokens(ServiceParts& parts, CallPtr call) {
  boost::json::array out;
  for (const security::TokenRecord& token : parts.options.credentials->tokens())
    out.emplace_back(token_json(token));
  call->reply(200, {{"version", kOutputVersion}, {"tokens", std::move(out)}});
}

void create_token(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const JsonObject body, ServiceParts::body_of(*call));
    TRY_ASSIGN(const security::TokenRequest request, read_token(parts, *call, body));
    parts.audited(call, "token " + request.label, {}, [&parts, call, request] {
      parts.read(call, [&parts, call, request](engine::History&) -> Checked<void> {
        TRY_ASSIGN(const security::NewToken made,
                   parts.options.credentials->create_token(request, call->identity.subject,
                                                           parts.options.now()));
        call->reply(
            201,
            {{"version", kOutputVersion}, {"token", token_json(made.record)}, {"text", made.text}});
        return {};
      });
    });
    return {};
  });
}

void revoke_token(ServiceParts& parts, CallPtr call) {
  const auto id = security::parse_token_id(call->path_value("token"));
  if (!id || !parts.options.credentials->find_token(*id))
    return call->refuse({404, "not-found", "Not found", "there is no such token"});
  parts.audited(call, "token " + call->path_value("token"), {}, [&parts, call, id] {
    parts.read(call, [&parts, call, id](engine::History&) -> Checked<void> {
      TRY(parts.options.credentials->revoke_token(*id, parts.options.now()));
      call->reply({.status = 204, .headers = {}, .body = {}});
      return {};
    });
  });
}

}  // namespace reeve::api
