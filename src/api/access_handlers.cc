#include <fmt/format.h>

#include "api/access_json.h"
#include "api/field_table.h"
#include "api/handlers.h"
#include "api/service_parts.h"
#include "security/token_text.h"

namespace reeve::api {
namespace {

Checked<security::TokenRequest> read_token(ServiceParts& parts, const Call& call,
                                           const JsonObject& body) {
  constexpr Duration kLifeMax = std::chrono::days{3650};
  BodyReader reader(body);
  security::TokenRequest request;
  request.label = reader.text("label", 100).value_or("");
  if (request.label.empty()) reader.error("label", "label, what the token is for, is missing");
  if (const auto life = reader.seconds("expires_in_seconds", kLifeMax); life)
    request.expires_at = parts.options.now() + *life;
  TRY(read_scope(parts, call, reader, request.scope));
  return request;
}

/// Whether somebody could have made this token: then he may see and revoke it.
bool is_within_reach(ServiceParts& parts, const Call& call, const security::TokenRecord& token) {
  const auto& own = call.identity;
  if (own.has_all_namespaces()) return true;
  const auto actions = parts.options.credentials->actions_of_role(token.scope.role);
  return actions && security::may_grant(own, token.scope, *actions);
}

Checked<security::TokenRecord> named_token(ServiceParts& parts, const Call& call) {
  const auto id = security::parse_token_id(call.path_value("token"));
  const auto found = id ? parts.options.credentials->find_token(*id) : std::nullopt;
  if (found && is_within_reach(parts, call, *found)) return *found;
  return tl::unexpected(Problem(404, "not-found", "Not found", "there is no such token"));
}

}  // namespace

JsonObject token_json(const security::TokenRecord& token) {
  return {{"id", security::format_token_id(token.id)},
          {"label", text_json(token.label)},
          {"subject", optional_text(token.subject)},
          {"role", text_json(token.scope.role)},
          {"namespaces", texts_json(token.scope.namespaces)},
          {"actions", token.scope.only ? Json(names_json(*token.scope.only)) : Json(nullptr)},
          {"created_by", text_json(token.created_by)},
          {"created_at", time_json(token.created_at)},
          {"expires_at", time_json(token.expires_at)},
          {"last_used_at", time_json(token.last_used_at)},
          {"revoked_at", time_json(token.revoked_at)}};
}

void reply_new_token(const Call& call, const security::NewToken& made) {
  call.reply(201,
             {{"version", kOutputVersion}, {"token", token_json(made.record)}, {"text", made.text}},
             {{"Cache-Control", "no-store"}});
}

boost::json::array names_json(security::ActionSet actions) {
  boost::json::array out;
  for (const std::string_view name : security::names(actions)) out.emplace_back(name);
  return out;
}

boost::json::array texts_json(const std::vector<std::string>& texts) {
  boost::json::array out;
  for (const std::string& text : texts) out.push_back(text_json(text));
  return out;
}

Checked<void> read_scope(ServiceParts& parts, const Call& call, BodyReader& reader,
                         security::Scope& scope) {
  if (auto role = reader.text("role"); role) scope.role = *std::move(role);
  if (auto given = reader.texts("namespaces"); given) scope.namespaces = *std::move(given);
  for (const std::string& each : scope.namespaces)
    if (each != security::kAllNamespaces && !security::is_namespace(each))
      reader.error("namespaces",
                   "a namespace has 1 to 63 lower-case letters, digits and inner '-'; * is all");
  if (const auto only = reader.texts("actions"); only) {
    auto actions = security::parse_actions(*only);
    if (!actions) reader.error("actions", actions.error().text());
    if (actions) scope.only = *actions;
  }
  const auto actions = parts.options.credentials->actions_of_role(scope.role);
  if (!actions) reader.error("role", actions.error().text());
  if (auto errors = reader.finish(); !errors.empty())
    return tl::unexpected(invalid(std::move(errors)));
  TRY(security::may_grant(call.identity, scope, *actions));
  return {};
}

std::string_view bearer_of(const http::Request& request) {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string* const header = request.header("authorization");
  if (header == nullptr || !header->starts_with(kBearer)) return {};
  return std::string_view(*header).substr(kBearer.size());
}

std::string session_cookie(const http::Request& request) {
  return cookie_of(request, kSessionCookie);
}

std::string session_header(std::string_view value, std::int64_t seconds, bool is_encrypted) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", kSessionCookie,
                     value, seconds, is_encrypted ? "; Secure" : "");
}

std::string cookie_of(const http::Request& request, std::string_view name) {
  const std::string* const header = request.header("cookie");
  std::string_view rest = header == nullptr ? std::string_view() : std::string_view(*header);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('='))
      return std::string(pair.substr(name.size() + 1));
  }
  return {};
}

void get_whoami(ServiceParts& parts, CallPtr call) {
  const auto answer = [call] {
    const security::Identity& who = call->identity;
    call->reply(200, {{"version", kOutputVersion},
                      {"identity",
                       {{"subject", text_json(who.subject)},
                        {"role", text_json(who.role)},
                        {"namespaces", texts_json(who.namespaces)},
                        {"actions", names_json(who.actions)}}}});
  };
  if (call->identity.kind != security::IdentityKind::attempt) return answer();
  parts.read(call, [call, answer](engine::History& history) -> Checked<void> {
    TRY(ServiceParts::check_attempt(history, call->identity));
    answer();
    return {};
  });
}

void list_tokens(ServiceParts& parts, CallPtr call) {
  boost::json::array out;
  for (const security::TokenRecord& token : parts.options.credentials->tokens())
    if (is_within_reach(parts, *call, token)) out.emplace_back(token_json(token));
  call->reply(200, {{"version", kOutputVersion}, {"tokens", std::move(out)}});
}

void create_token(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const JsonObject body, ServiceParts::body_of(*call));
    TRY_ASSIGN(const security::TokenRequest request, read_token(parts, *call, body));
    parts.change(call, "token " + request.label, {}, [&parts, call, request]() -> Checked<void> {
      TRY_ASSIGN(const security::NewToken made,
                 parts.options.credentials->create_token(request, call->identity.subject,
                                                         parts.options.now()));
      reply_new_token(*call, made);
      return {};
    });
    return {};
  });
}

void rotate_token(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    constexpr Duration kOverlapMax = std::chrono::days{30};
    TRY_ASSIGN(const JsonObject body, ServiceParts::body_of(*call));
    TRY_ASSIGN(const security::TokenRecord token, named_token(parts, *call));
    BodyReader reader(body);
    const auto overlap = reader.seconds("overlap_seconds", kOverlapMax).value_or(Duration{0});
    if (auto errors = reader.finish(); !errors.empty())
      return tl::unexpected(invalid(std::move(errors)));
    const auto actions = parts.options.credentials->actions_of_role(token.scope.role);
    if (!actions) return tl::unexpected(Problem(actions.error()));
    TRY(security::may_grant(call->identity, token.scope, *actions));
    parts.change(call, "token " + call->path_value("token"), {},
                 [&parts, call, id = token.id, overlap]() -> Checked<void> {
                   TRY_ASSIGN(const security::NewToken made,
                              parts.options.credentials->rotate_token(
                                  id, overlap, call->identity.subject, parts.options.now()));
                   reply_new_token(*call, made);
                   return {};
                 });
    return {};
  });
}

void revoke_token(ServiceParts& parts, CallPtr call) {
  const auto token = named_token(parts, *call);
  if (!token) return call->refuse(token.error());
  parts.change(call, "token " + call->path_value("token"), {},
               [&parts, call, id = token->id]() -> Checked<void> {
                 TRY(parts.options.credentials->revoke_token(id, parts.options.now()));
                 call->reply_nothing();
                 return {};
               });
}

}  // namespace reeve::api
