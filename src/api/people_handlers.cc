// Roles, users, and the sessions that they open.
#include <algorithm>

#include <fmt/format.h>

#include "api/access_json.h"
#include "api/field_table.h"
#include "api/handlers.h"
#include "api/service_parts.h"
#include "security/token_text.h"

namespace reeve::api {
namespace {

constexpr std::size_t kPasswordBytesMax = 1024;
constexpr std::size_t kPasswordBytesMin = 8;

JsonObject role_json(std::string_view name, security::ActionSet actions, bool is_built_in) {
  return {{"name", name}, {"built_in", is_built_in}, {"actions", names_json(actions)}};
}

JsonObject user_json(const security::UserRecord& user) {
  return {{"name", text_json(user.name)},
          {"role", text_json(user.scope.role)},
          {"namespaces", texts_json(user.scope.namespaces)},
          {"actions", user.scope.only ? Json(names_json(*user.scope.only)) : Json(nullptr)},
          {"created_at", time_json(user.created_at)},
          {"disabled", user.disabled}};
}

std::optional<security::UserRecord> find_user(ServiceParts& parts, const std::string& name) {
  const auto all = parts.options.credentials->users();
  const auto found = std::ranges::find(all, name, &security::UserRecord::name);
  return found == all.end() ? std::nullopt : std::optional(*found);
}

/// The address without the port, which is another for each connection.
std::string host_of(const std::string& address) {
  return address.substr(0, std::min(address.rfind(':'), address.size()));
}

void note_login(ServiceParts& parts, const Call& call, const std::string& user,
                security::AuditResult result) {
  parts.options.audit->append({.at = parts.options.now(),
                               .who = "user:" + user,
                               .action = "login",
                               .object = "session",
                               .name_space = {},
                               .from = call.request.peer.address,
                               .result = result,
                               .request_id = call.request_id,
                               .detail = {}},
                              [](const Status&) {});
}

/// Of a password that is wrong only the first few are noted: strangers must not fill the disk.
bool is_worth_noting(const Error& error) { return error.code == ErrorCode::unauthenticated; }

std::string cookie_header(const Call& call, std::string_view value, std::int64_t seconds) {
  return session_header(value, seconds, call.request.peer.is_encrypted);
}

struct UserChange {
  security::UserRecord user;
  std::optional<std::string> password;
  bool is_new = false;
};

Checked<UserChange> read_user(ServiceParts& parts, const Call& call) {
  TRY_ASSIGN(const JsonObject body, ServiceParts::body_of(call));
  BodyReader reader(body);
  UserChange change;
  const auto before = find_user(parts, call.path_value("user"));
  change.is_new = !before;
  if (before) change.user = *before;
  change.user.name = call.path_value("user");
  change.password = reader.text("password", kPasswordBytesMax);
  if (change.is_new && !change.password)
    reader.error("password", "password, for a user that is new, is missing");
  if (change.password && change.password->size() < kPasswordBytesMin)
    reader.error("password", fmt::format("a password has {} bytes at least", kPasswordBytesMin));
  change.user.disabled = reader.flag("disabled", change.user.disabled);
  TRY(read_scope(parts, call, reader, change.user.scope));
  // Who changes somebody must be able to give what he had, too.
  if (before) {
    TRY_ASSIGN(const auto had, parts.options.credentials->actions_of_role(before->scope.role));
    TRY(security::may_grant(call.identity, before->scope, had));
  }
  return change;
}

}  // namespace

void list_roles(ServiceParts& parts, CallPtr call) {
  boost::json::array out;
  for (const auto role : {security::Role::viewer, security::Role::operator_,
                          security::Role::developer, security::Role::admin})
    out.emplace_back(role_json(security::name(role), security::actions_of(role), true));
  for (const security::RoleRecord& role : parts.options.credentials->roles())
    out.emplace_back(role_json(role.name, role.actions, false));
  call->reply(200, {{"version", kOutputVersion}, {"roles", std::move(out)}});
}

void set_role(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const JsonObject body, ServiceParts::body_of(*call));
    BodyReader reader(body);
    security::RoleRecord role{.name = call->path_value("role"), .actions = {}};
    const auto names = reader.texts("actions");
    if (!names) reader.error("actions", "actions, what the role may do, is missing");
    const auto actions = security::parse_actions(names.value_or(std::vector<std::string>{}));
    if (!actions) reader.error("actions", actions.error().text());
    if (auto errors = reader.finish(); !errors.empty())
      return tl::unexpected(invalid(std::move(errors)));
    role.actions = *actions;
    const security::Scope all{.role = role.name, .namespaces = {"*"}, .only = std::nullopt};
    TRY(security::may_grant(call->identity, all, role.actions));
    parts.change(call, "role/" + role.name, {}, [&parts, call, role]() -> Checked<void> {
      TRY(parts.options.credentials->define_role(role));
      call->reply(
          200, {{"version", kOutputVersion}, {"role", role_json(role.name, role.actions, false)}});
      return {};
    });
    return {};
  });
}

void remove_role(ServiceParts& parts, CallPtr call) {
  const std::string name = call->path_value("role");
  parts.change(call, "role/" + name, {}, [&parts, call, name]() -> Checked<void> {
    TRY(parts.options.credentials->remove_role(name));
    call->reply_nothing();
    return {};
  });
}

void list_users(ServiceParts& parts, CallPtr call) {
  boost::json::array out;
  for (const security::UserRecord& user : parts.options.credentials->users())
    out.emplace_back(user_json(user));
  call->reply(200, {{"version", kOutputVersion}, {"users", std::move(out)}});
}

void set_user(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const UserChange wanted, read_user(parts, *call));
    parts.change(call, "user/" + wanted.user.name, {}, [&parts, call, wanted]() -> Checked<void> {
      security::Credentials& credentials = *parts.options.credentials;
      if (wanted.is_new) {
        TRY(credentials.add_user(wanted.user, *wanted.password, parts.options.now()));
      } else {
        TRY(credentials.set_user(wanted.user));
        if (wanted.password) TRY(credentials.set_password(wanted.user.name, *wanted.password));
      }
      const auto made = find_user(parts, wanted.user.name);
      call->reply(200,
                  {{"version", kOutputVersion}, {"user", user_json(made.value_or(wanted.user))}});
      return {};
    });
    return {};
  });
}

void remove_user(ServiceParts& parts, CallPtr call) {
  const std::string name = call->path_value("user");
  parts.change(call, "user/" + name, {}, [&parts, call, name]() -> Checked<void> {
    if (name.starts_with(security::kOidcPrefix)) {
      TRY_ASSIGN(const std::size_t ended,
                 parts.options.credentials->end_sign_on(name, parts.options.now()));
      if (ended == 0)
        return tl::unexpected(
            Problem(404, "not-found", "Not found", "nobody of that name has signed on"));
    } else {
      TRY(parts.options.credentials->remove_user(name));
    }
    call->reply_nothing();
    return {};
  });
}

void log_in(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History&) -> Checked<void> {
    TRY_ASSIGN(const JsonObject body, ServiceParts::body_of(*call));
    BodyReader reader(body);
    const auto user = reader.text("user", 64);
    const auto password = reader.text("password", kPasswordBytesMax);
    if (!user) reader.error("user", "user is missing");
    if (!password) reader.error("password", "password is missing");
    if (auto errors = reader.finish(); !errors.empty())
      return tl::unexpected(invalid(std::move(errors)));
    const auto made = parts.options.credentials->log_in(
        *user, *password, host_of(call->request.peer.address), parts.options.now());
    if (!made) {
      if (is_worth_noting(made.error()))
        note_login(parts, *call, *user, security::AuditResult::refused);
      return tl::unexpected(Problem(made.error()));
    }
    note_login(parts, *call, *user, security::AuditResult::allowed);
    const auto life =
        std::chrono::duration_cast<std::chrono::seconds>(made->expires_at - parts.options.now());
    call->reply(201,
                {{"version", kOutputVersion},
                 {"session",
                  {{"user", text_json(*user)},
                   {"csrf_token", made->csrf},
                   {"expires_at", time_json(made->expires_at)}}}},
                {{"Set-Cookie", cookie_header(*call, made->cookie, life.count())},
                 {"Cache-Control", "no-store"}});
    return {};
  });
}

void log_out(ServiceParts& parts, CallPtr call) {
  const std::string cookie = session_cookie(call->request);
  // Of somebody who signed on by a command, his token is what a session is.
  if (const auto token = parts.options.credentials->sign_on_token(bearer_of(call->request)))
    return parts.change(call, "token", {}, [&parts, call, token]() -> Checked<void> {
      TRY(parts.options.credentials->revoke_token(*token, parts.options.now()));
      call->reply_nothing();
      return {};
    });
  if (cookie.empty() || call->request.header("authorization") != nullptr)
    return call->refuse(
        {409, "conflict", "Conflict", "there is no session to end: tokens are revoked instead"});
  parts.change(call, "session", {}, [&parts, call, cookie]() -> Checked<void> {
    TRY(parts.options.credentials->close_session(cookie));
    call->reply(
        {.status = 204, .headers = {{"Set-Cookie", cookie_header(*call, "", 0)}}, .body = {}});
    return {};
  });
}

}  // namespace reeve::api
