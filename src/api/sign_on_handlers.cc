// Single sign-on: browsers by the authorization code flow with PKCE, commands by an ID token that
// they got in the device flow. The identity provider is asked on a thread of its own.
#include <algorithm>

#include <fmt/format.h>

#include "api/access_json.h"
#include "api/field_table.h"
#include "api/handlers.h"
#include "api/service_parts.h"
#include "base/text.h"
#include "security/oidc_wire.h"

namespace reeve::api {
namespace {

constexpr std::string_view kLoginCookie = "reeve_login";
constexpr std::string_view kLoginCookiePath = "/v1/auth/oidc/";
constexpr int kLoginSeconds = 600;
constexpr std::size_t kCodeTextMax = 4096;
constexpr std::size_t kGroupsShown = 10;

Checked<SignOnSettings> sign_on_settings(const ServiceParts& parts) {
  auto settings = SignOnSettings::from(*parts.options.settings());
  if (!settings) return tl::unexpected(Problem(settings.error()));
  if (*settings) return **std::move(settings);
  return tl::unexpected(Problem(404, "not-found", "Not found",
                                "this service has no single sign-on: the setting "
                                "auth.oidc.issuer is empty"));
}

std::string login_cookie(std::string_view value, int seconds, bool is_encrypted) {
  // Lax: the browser comes back from another site, and must bring it along.
  return fmt::format("{}={}; Path={}; HttpOnly; SameSite=Lax; Max-Age={}{}", kLoginCookie, value,
                     kLoginCookiePath, seconds, is_encrypted ? "; Secure" : "");
}

bool is_encrypted(const Call& call, const SignOnSettings& settings) {
  return call.request.peer.is_encrypted || settings.is_redirect_encrypted;
}

/// The address without the port, which is another for each connection.
std::string place_of(const Call& call) {
  const std::string& address = call.request.peer.address;
  return address.substr(0, std::min(address.rfind(':'), address.size()));
}

security::AuditRecord sign_on_record(const ServiceParts& parts, const Call& call,
                                     const std::string& who, security::AuditResult result) {
  return {.at = parts.options.now(),
          .who = who,
          .action = "login",
          .object = call.route->method == "GET" ? "session" : "token",
          .name_space = {},
          .from = call.request.peer.address,
          .result = result,
          .request_id = call.request_id,
          .detail = {}};
}

/// Refuses, and records that: of strangers, only so many a minute, for the sake of the disk.
void refuse_sign_on(ServiceParts& parts, const Call& call, const std::string& who,
                    const Problem& problem) {
  const bool is_refusal = problem.status == 401 || problem.status == 403;
  if (is_refusal) {
    security::AuditRecord record = sign_on_record(parts, call, who, security::AuditResult::refused);
    record.detail = problem.detail;
    const std::lock_guard lock(parts.sign_on.mutex);
    if (parts.sign_on.notes.is_wanted(parts.options.now())) {
      const std::uint64_t others = parts.sign_on.notes.take_left_out();
      if (others > 0)
        record.detail += fmt::format(" ({} more before this were not recorded)", others);
      parts.options.audit->append(std::move(record), [](const Status&) {});
    }
  }
  http::Response answer = problem_response(problem, call.request_id);
  if (call.route->method == "GET")
    answer.headers.push_back({"Set-Cookie", login_cookie("", 0, call.request.peer.is_encrypted)});
  call.reply(std::move(answer));
}

constexpr std::string_view kStranger = "oidc";

/// Who somebody is here, and what he may.
struct SignedOn {
  std::string name;
  security::Scope scope;
};

Problem no_role(const SignOnSettings& settings, const security::OidcClaims& claims,
                const std::string& name, const std::string& role) {
  std::string groups;
  for (std::size_t i = 0; i < std::min(claims.groups.size(), kGroupsShown); ++i)
    groups += (i == 0 ? "" : ", ") + sanitize_for_terminal(claims.groups[i].substr(0, 100));
  if (claims.groups.size() > kGroupsShown) groups += ", ...";
  return {403, "no-role", "No role",
          fmt::format("you are signed on as {}, and that gives you {} here: ask an administrator "
                      "of this service to name one of your groups in auth.oidc.roles ({})",
                      name,
                      role.empty() ? "no role"
                                   : "no role '" + sanitize_for_terminal(role.substr(0, 64)) + "'",
                      groups.empty() ? fmt::format("the claim '{}' of your token names none",
                                                   sanitize_for_terminal(settings.groups_claim))
                                     : "yours are: " + groups)};
}

/// 403: he has no role here.
Checked<SignedOn> rights_of(const ServiceParts& parts, const SignOnSettings& settings,
                            const security::OidcClaims& claims, const std::string& role) {
  SignedOn out{.name = security::oidc_name(claims.subject, claims.email), .scope = {}};
  auto scope = security::scope_of_groups(settings.roles, claims.groups, role);
  if (!scope) return tl::unexpected(no_role(settings, claims, out.name, role));
  if (const auto actions = parts.options.credentials->actions_of_role(scope->role); !actions)
    return tl::unexpected(
        Problem(403, "no-role", "No role",
                "auth.oidc.roles gives you a role that is not there: " + actions.error().message));
  out.scope = *std::move(scope);
  return out;
}

/// Whoever was let in by settings that hold no more has to begin anew.
Checked<void> check_unchanged(const ServiceParts& parts, const SignOnSettings& settings) {
  if (SignOnSettings::trusted(*parts.options.settings()) == settings.fingerprint) return {};
  return tl::unexpected(Problem(401, "unauthenticated", "Unauthenticated",
                                "the settings of single sign-on have changed meanwhile: begin "
                                "anew"));
}

/// The record first, then what it is about; `job` comes on a thread of the readers.
void sign_on(ServiceParts& parts, const CallPtr& call, const SignedOn& who,
             std::function<Checked<void>()> job) {
  security::AuditRecord record =
      sign_on_record(parts, *call, who.name, security::AuditResult::allowed);
  record.detail = fmt::format("{} in {}", who.scope.role, fmt::join(who.scope.namespaces, ","));
  const auto then = [&parts, call, name = who.name,
                     job = std::move(job)](engine::History&) -> Checked<void> {
    const Checked<void> done = job();
    if (done) return done;
    security::AuditRecord failure =
        sign_on_record(parts, *call, name, security::AuditResult::failed);
    failure.detail = done.error().detail;
    parts.options.audit->append(std::move(failure), [](const Status&) {});
    return done;
  };
  parts.options.audit->append(std::move(record), [&parts, call, then](const Status& written) {
    if (written) return parts.read(call, then);
    call->refuse({503, "audit-unavailable", "Audit log unavailable",
                  "nobody was signed on, because it could not be recorded in the audit log"});
  });
}

std::string escaped_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else
      out.push_back(c);
  }
  return out;
}

/// A page of our own that goes on by itself: a redirect would still count as coming from the other
/// site, and browsers would keep a SameSite=Strict cookie back.
void show_signed_on(const Call& call, const SignOnSettings& settings, const std::string& return_to,
                    const security::NewSession& made, Time now) {
  const auto life = std::chrono::duration_cast<std::chrono::seconds>(made.expires_at - now);
  const bool is_private = is_encrypted(call, settings);
  const std::string place = escaped_html(return_to);  // is_local_place(): no quotes, no brackets
  call.reply({.status = 200,
              .headers = {{"Content-Type", "text/html; charset=utf-8"},
                          {"Cache-Control", "no-store"},
                          {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
                          {"Referrer-Policy", "no-referrer"},
                          {"X-Content-Type-Options", "nosniff"},
                          {"Set-Cookie", session_header(made.cookie, life.count(), is_private)},
                          {"Set-Cookie", login_cookie("", 0, is_private)}},
              .body = fmt::format("<!doctype html><html lang=\"en\"><head><title>Signed on</title>"
                                  "<meta http-equiv=\"refresh\" content=\"0; url={0}\"></head>"
                                  "<body><p>You are signed on. <a href=\"{0}\">Go on</a></p></body>"
                                  "</html>\n",
                                  place)});
}

/// By a redirect; a program of the page that asks for JSON sends its browser itself.
void send_to_provider(const Call& call, const std::string& place, const std::string& cookie) {
  std::vector<http::Header> headers{{"Cache-Control", "no-store"},
                                    {"Referrer-Policy", "no-referrer"},
                                    {"Vary", "Accept"},
                                    {"Set-Cookie", cookie}};
  const std::string* const accepted = call.request.header("accept");
  if (accepted != nullptr && accepted->starts_with("application/json"))
    return call.reply(200,
                      {{"version", kOutputVersion}, {"place", {{"location", text_json(place)}}}},
                      std::move(headers));
  headers.push_back({"Location", place});
  call.reply({.status = 302, .headers = std::move(headers), .body = {}});
}

void complete_browser(ServiceParts& parts, const CallPtr& call, const SignOnSettings& settings,
                      const std::string& return_to, const Result<security::OidcClaims>& claims) {
  if (!claims) return refuse_sign_on(parts, *call, std::string(kStranger), Problem(claims.error()));
  const auto who = rights_of(parts, settings, *claims, {});
  if (!who)
    return refuse_sign_on(parts, *call, security::oidc_name(claims->subject, claims->email),
                          who.error());
  sign_on(parts, call, *who, [&parts, call, settings, return_to, who = *who]() -> Checked<void> {
    const Time now = parts.options.now();
    security::Credentials& credentials = *parts.options.credentials;
    TRY_ASSIGN(const security::NewSession made,
               credentials.open_session({.name = who.name, .scope = who.scope}, now));
    // Now that it is there: a change of the settings ends it, or is seen here.
    if (const auto same = check_unchanged(parts, settings); !same) {
      TRY(credentials.close_session(made.cookie));
      return same;
    }
    show_signed_on(*call, settings, return_to, made, now);
    return {};
  });
}

struct Exchange {
  std::string token;
  std::string role;
};

Checked<Exchange> read_exchange(const Call& call) {
  TRY_ASSIGN(const JsonObject body, ServiceParts::body_of(call));
  BodyReader reader(body);
  Exchange out;
  out.token = reader.text("id_token", security::kJwtBytesMax).value_or("");
  out.role = reader.text("role", 64).value_or("");
  if (out.token.empty()) reader.error("id_token", "id_token is missing");
  if (auto errors = reader.finish(); !errors.empty())
    return tl::unexpected(invalid(std::move(errors)));
  return out;
}

/// Each token is of use once: whoever finds it afterwards has nothing.
Status use_once(ServiceParts& parts, const std::string& token, const security::OidcClaims& claims) {
  SignOnState& state = parts.sign_on;
  const Time now = parts.options.now();
  const std::lock_guard lock(state.mutex);
  // What was used before the last start is not remembered.
  if (claims.issued_at < std::chrono::floor<std::chrono::seconds>(state.started_at))
    return fail(ErrorCode::unauthenticated,
                "this token of the identity provider was issued before the service started: log "
                "in anew");
  // Nothing older is accepted: see the provider's limit of age, and its leeway for clocks.
  constexpr Duration kRemembered = std::chrono::minutes{15};
  // Not the text: a signature can be written in more than one way.
  const std::size_t end = token.rfind('.');
  return state.used.use(digest_of(std::string_view(token).substr(0, end)), now + kRemembered, now);
}

void complete_exchange(ServiceParts& parts, const CallPtr& call, const SignOnSettings& settings,
                       const Exchange& exchange, const Result<security::OidcClaims>& claims) {
  if (!claims) return refuse_sign_on(parts, *call, std::string(kStranger), Problem(claims.error()));
  const std::string name = security::oidc_name(claims->subject, claims->email);
  if (const Status once = use_once(parts, exchange.token, *claims); !once)
    return refuse_sign_on(parts, *call, name, Problem(once.error()));
  const auto who = rights_of(parts, settings, *claims, exchange.role);
  if (!who) return refuse_sign_on(parts, *call, name, who.error());
  sign_on(parts, call, *who, [&parts, call, settings, who = *who]() -> Checked<void> {
    const Time now = parts.options.now();
    TRY_ASSIGN(const security::NewToken made,
               parts.options.credentials->create_token({.label = "single sign-on",
                                                        .scope = who.scope,
                                                        .expires_at = now + settings.token_life,
                                                        .subject = who.name},
                                                       who.name, now));
    if (const auto same = check_unchanged(parts, settings); !same) {
      TRY(parts.options.credentials->revoke_token(made.record.id, now));
      return same;
    }
    reply_new_token(*call, made);
    return {};
  });
}

}  // namespace

void get_session(ServiceParts& parts, CallPtr call) {
  const std::string cookie = session_cookie(call->request);
  const auto session = parts.options.credentials->session(cookie, parts.options.now());
  if (call->request.header("authorization") != nullptr || !session)
    return call->refuse({404, "not-found", "Not found", "who asks has no session"});
  std::string user = session->identity.subject;
  if (user.starts_with("user:")) user.erase(0, 5);
  call->reply(200,
              {{"version", kOutputVersion},
               {"session",
                {{"user", text_json(user)},
                 {"csrf_token", session->csrf},
                 {"expires_at", time_json(session->expires_at)}}}},
              {{"Cache-Control", "no-store"}});
}

void get_sign_on(ServiceParts& parts, CallPtr call) {
  const auto settings = sign_on_settings(parts);
  if (!settings) return call->refuse(settings.error());
  call->reply(200, {{"version", kOutputVersion},
                    {"sign_on",
                     {{"issuer", text_json(settings->issuer)},
                      {"client", text_json(settings->client)},
                      {"device_client", text_json(settings->device_client)},
                      {"scope", security::scope_text(settings->scopes)},
                      {"browsers", !settings->redirect.empty()}}}});
}

void begin_sign_on(ServiceParts& parts, CallPtr call) {
  const auto settings = sign_on_settings(parts);
  if (!settings) return call->refuse(settings.error());
  if (settings->redirect.empty())
    return call->refuse({503, "unavailable", "Unavailable",
                         "browsers cannot sign on: server.public_url must say how they reach this "
                         "service, with https:// unless it is this machine"});
  const std::string return_to =
      call->parameter("return_to") == nullptr ? "/" : call->text("return_to");
  if (!security::is_local_place(return_to))
    return call->refuse({400, "invalid-argument", "Invalid argument",
                         "return_to must be a path of this site, such as /runs"});
  parts.provider->find_endpoints(
      *settings, [&parts, call, settings = *settings, return_to](const auto& endpoints) {
        if (!endpoints) return call->refuse(endpoints.error());
        const std::string state = security::random_words();
        const security::PendingLogin login{.browser = security::random_words(),
                                           .nonce = security::random_words(),
                                           .verifier = security::random_words(),
                                           .return_to = return_to,
                                           .issuer = settings.issuer,
                                           .client = settings.client,
                                           .redirect = settings.redirect,
                                           .from = place_of(*call)};
        {
          const std::lock_guard lock(parts.sign_on.mutex);
          parts.sign_on.pending.add(state, login, parts.options.now());
        }
        const std::string place = security::with_query(
            endpoints->authorization, {{"response_type", "code"},
                                       {"client_id", settings.client},
                                       {"redirect_uri", settings.redirect},
                                       {"scope", security::scope_text(settings.scopes)},
                                       {"state", state},
                                       {"nonce", login.nonce},
                                       {"code_challenge", security::pkce_challenge(login.verifier)},
                                       {"code_challenge_method", "S256"}});
        send_to_provider(*call, place,
                         login_cookie(login.browser, kLoginSeconds, is_encrypted(*call, settings)));
      });
}

void finish_sign_on(ServiceParts& parts, CallPtr call) {
  const auto settings = sign_on_settings(parts);
  if (!settings) return call->refuse(settings.error());
  const auto refuse = [&](ErrorCode code, std::string why) {
    refuse_sign_on(parts, *call, std::string(kStranger), Error{code, std::move(why), {}});
  };
  const auto take = [&] {
    const std::lock_guard lock(parts.sign_on.mutex);
    return parts.sign_on.pending.take(call->text("state"), cookie_of(call->request, kLoginCookie),
                                      parts.options.now());
  };
  auto login = take();
  if (!login) return refuse(ErrorCode::unauthenticated, login.error().message);
  if (login->issuer != settings->issuer || login->client != settings->client)
    return refuse(ErrorCode::unauthenticated,
                  "the settings of single sign-on have changed meanwhile: begin anew");
  if (const std::string* const error = call->parameter("error"); error != nullptr)
    return refuse(
        ErrorCode::unauthenticated,
        fmt::format("the identity provider refuses the login: {} {}",
                    sanitize_for_terminal(error->substr(0, 100)),
                    sanitize_for_terminal(call->text("error_description").substr(0, 200))));
  const std::string code = call->text("code");
  if (code.empty() || code.size() > kCodeTextMax)
    return refuse(ErrorCode::invalid_argument, "there is no code of the identity provider in it");
  const std::string return_to = login->return_to;
  parts.provider->redeem({*settings, *std::move(login), code, call->text("iss")},
                         [&parts, call, settings = *settings, return_to](const auto& claims) {
                           complete_browser(parts, call, settings, return_to, claims);
                         });
}

void exchange_token(ServiceParts& parts, CallPtr call) {
  const auto settings = sign_on_settings(parts);
  if (!settings) return call->refuse(settings.error());
  const auto exchange = read_exchange(*call);
  if (!exchange) return call->refuse(exchange.error());
  parts.provider->check_token(
      *settings, exchange->token,
      [&parts, call, settings = *settings, exchange = *exchange](const auto& claims) {
        complete_exchange(parts, call, settings, exchange, claims);
      });
}

}  // namespace reeve::api
